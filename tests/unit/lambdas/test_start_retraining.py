"""The retraining guard as a function: what it asks, records, tells and sends."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lambdas.shared.ledger.releases import Release, ReleaseState, Stage, render_state
from lambdas.shared.ledger.table import Put, Table
from tests.unit.lambdas.world import (
    LEDGER,
    MODEL,
    POLICY,
    START,
    World,
    alarm_changed,
    batch_of,
    execution_ended,
    object_created,
    package_arn,
    package_changed,
    reconsider,
)

FINE: dict[str, Any] = {"batchItemFailures": []}
DAY = 24 * 60
LIVE = ReleaseState(version=1, live=package_arn(1), live_since="2026-02-01T00:00:00.000000Z", live_before=("old",))
METADATA = {"batch_id": "b1", "attempt": "1", "data": "s3://artifacts/b1/accepted/data.csv", "fresh_until": "none"}


@pytest.fixture
def serving(world: World) -> World:
    """Production serves version 1 since long, and the alarm stands for drift."""
    world.add_package(1, "Approved", CustomerMetadataProperties=METADATA)
    _release(world, LIVE)
    world.clients.metrics.alarms = {
        "driftloop-flights-retrain": "ALARM",
        "driftloop-flights-drift": "ALARM",
        "driftloop-flights-quality": "OK",
    }
    return world


def _release(world: World, state: ReleaseState) -> None:
    row = {"pk": f"RELEASE#{MODEL}", "sk": "state", **render_state(state)}
    Table(world.clients.dynamodb, LEDGER).write(Put(row))


def _guard(world: World, *bodies: dict[str, Any], **policy: Any) -> None:
    assert world.start_retraining(replace(POLICY, **policy)).handle_batch(batch_of(*bodies)) == FINE


def _train(world: World, *bodies: dict[str, Any]) -> None:
    assert world.start_training().handle_batch(batch_of(*bodies)) == FINE


def _what_was_sent(world: World) -> list[Any]:
    sent = world.sqs.bodies(world.ingest_url)
    world.sqs.sent.clear()
    return sent


def _said(world: World) -> list[str]:
    return [f"{row['what']}: {row['why']}" for row in world.rows("AUDIT") if row["what"].startswith("retraining.")]


def _run(world: World, minute: int = 0) -> str:
    """An alarm, and the run that it starts."""
    _guard(world, alarm_changed(minute))
    _train(world, *_what_was_sent(world))
    return str(world.sagemaker.started[-1]["arn"])


def test_an_alarm_that_stands_starts_the_retrain_pipeline_with_fresh_data(serving: World) -> None:
    _run(serving)

    [run] = serving.sagemaker.started
    assert run["pipeline"] == "driftloop-flights-retrain"
    assert {name: value for name, value in run.items() if name not in ("arn", "pipeline")} == {
        "BatchId": run["BatchId"],
        "Attempt": "1",
        "OutputPrefix": f"s3://driftloop-artifacts/flights/batches/{run['BatchId']}/attempt-1",
        "HistoryUri": METADATA["data"],
        "HistoryShare": "0.5",
        "FreshSince": "none",
        "FreshUntil": "2026-02-22T06:00:00.000000Z",
    }
    assert serving.rows("WANTED") == []


def test_the_alarm_again_and_again_is_one_run_and_one_entry(serving: World) -> None:
    for minute in (0, 0, 5, 10):
        _guard(serving, alarm_changed(minute), reconsider(minute))

    assert len(serving.rows("WANTED")) == 1
    assert [entry.partition(":")[0] for entry in _said(serving)] == ["retraining.start", "retraining.wait"]


def test_the_event_is_not_believed(serving: World) -> None:
    serving.clients.metrics.alarms["driftloop-flights-retrain"] = "OK"

    _guard(serving, alarm_changed(0))

    assert (serving.rows("WANTED"), _said(serving)) == ([], [])


def test_an_alarm_during_a_run_on_files_is_answered_at_its_end(serving: World) -> None:
    _train(serving, object_created("raw/flights/january.csv"))
    files = serving.sagemaker.started[0]["arn"]
    _guard(serving, alarm_changed(5))
    assert _what_was_sent(serving) == []

    _guard(serving, execution_ended(files, minute=20))  # the guard hears of the end before the lease is given back
    _train(serving, execution_ended(files, minute=20), *_what_was_sent(serving))

    assert [run["pipeline"] for run in serving.sagemaker.started] == [
        "driftloop-flights-train",
        "driftloop-flights-retrain",
    ]


def test_a_candidate_that_nobody_decided_on_holds_the_next_run_up(serving: World) -> None:
    arn = _run(serving)
    serving.add_package(2, "PendingManualApproval")
    serving.sagemaker.steps[arn] = [
        {"StepName": "Register", "StepStatus": "Succeeded", "Metadata": {"RegisterModel": {"Arn": package_arn(2)}}}
    ]
    _train(serving, execution_ended(arn))

    _guard(serving, execution_ended(arn), reconsider(3 * DAY))
    waiting = _what_was_sent(serving)
    serving.add_package(2, "Rejected")
    serving.decide_release().handle_batch(batch_of(package_changed(2, minute=3 * DAY)))
    _guard(serving, reconsider(3 * DAY + 5))

    assert waiting == []
    assert package_arn(2) in _said(serving)[1]
    assert len(_what_was_sent(serving)) == 1


def test_a_release_under_way_holds_the_next_run_up(serving: World) -> None:
    _release(serving, replace(LIVE, current=Release(package_arn(2), "r", is_rollback=False, stage=Stage.RUNNING)))

    _guard(serving, alarm_changed(0))

    assert serving.rows("WANTED") == []
    assert "is being released" in _said(serving)[0]


def test_after_runs_that_did_not_help_a_person_is_called_once(serving: World) -> None:
    for day in (0, 2, 4):
        arn = _run(serving, day * DAY)
        _train(serving, execution_ended(arn, minute=day * DAY + 60))

    _guard(serving, reconsider(6 * DAY), reconsider(7 * DAY), alarm_changed(8 * DAY))

    assert len(serving.sagemaker.started) == 3
    assert serving.told() == ["retraining-stopped"]
    assert _said(serving)[-1].startswith("retraining.stop: 3 runs of episode")


def _spend(world: World, arn: str, instance_type: str = "ml.p3.16xlarge") -> None:
    """An hour of training and half an hour of processing."""
    world.sagemaker.statuses[arn] = "Succeeded"
    world.sagemaker.steps[arn] = [
        {"StepName": "Train", "StepStatus": "Succeeded", "Metadata": {"TrainingJob": {"Arn": "arn:x:training-job/t"}}},
        {
            "StepName": "Old",
            "StepStatus": "Succeeded",
            "Metadata": {"TrainingJob": {"Arn": "x/no"}},
            "CacheHitResult": {},
        },
        {"StepName": "Prepare", "StepStatus": "Succeeded", "Metadata": {"ProcessingJob": {"Arn": "arn:x:job/p"}}},
    ]
    world.sagemaker.jobs = {
        "t": {"ResourceConfig": {"InstanceType": instance_type, "InstanceCount": 2}, "BillableTimeInSeconds": 3600},
        "p": {
            "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}},
            "ProcessingStartTime": START,
            "ProcessingEndTime": START + timedelta(minutes=30),
        },
    }


def test_money_is_counted_by_billable_seconds_and_ends_with_a_call_for_a_person(serving: World) -> None:
    arn = _run(serving)
    _spend(serving, arn)
    _train(serving, execution_ended(arn))

    _guard(serving, reconsider(2 * DAY), reconsider(2 * DAY + 5))

    [spent] = serving.rows("SPENT")
    assert float(spent["usd"]) == pytest.approx(2 * 28.152 + 0.5 * 0.115)
    assert serving.told() == ["retraining-budget"]
    assert len(serving.sagemaker.started) == 1


def test_money_older_than_the_budgets_days_does_not_count(serving: World) -> None:
    arn = _run(serving)
    _spend(serving, arn)
    _train(serving, execution_ended(arn))

    _guard(serving, reconsider(31 * DAY))

    assert len(_what_was_sent(serving)) == 1


def test_machines_without_a_price_are_no_reason_to_spend(serving: World) -> None:
    arn = _run(serving)
    _spend(serving, arn, "ml.unheard.of")
    _train(serving, execution_ended(arn))

    _guard(serving, reconsider(2 * DAY))

    [(kind, text)] = serving.mail()
    assert kind == "retraining-impossible"
    assert "no price for ml.unheard.of" in text


def test_a_champion_whose_package_is_gone_calls_a_person(serving: World) -> None:
    serving.sagemaker.packages.clear()

    _guard(serving, alarm_changed(0))

    assert serving.told() == ["retraining-impossible"]


def test_a_start_that_was_decided_and_not_sent_is_sent_by_whoever_comes_next(serving: World) -> None:
    _guard(serving, alarm_changed(0))
    _what_was_sent(serving)

    _guard(serving, reconsider(5))

    assert [body["kind"] for body in _what_was_sent(serving)] == ["StartRequested"]


def test_a_further_attempt_is_made_from_the_same_data(serving: World) -> None:
    arn = _run(serving)
    _train(serving, execution_ended(arn))
    batch_id = serving.sagemaker.started[0]["BatchId"]
    serving.add_package(2, "Rejected", CustomerMetadataProperties={"batch_id": batch_id, "attempt": "1"})
    request = {"kind": "RetrainingRequested", "model": MODEL, "reason": "no", "package_arn": package_arn(2)}

    serving.start_training(attempts_max=2).handle_batch(batch_of({**request, "time": "2026-03-01T07:00:00Z"}))

    first, second = serving.sagemaker.started
    assert (second["pipeline"], second["BatchId"], second["Attempt"]) == (first["pipeline"], batch_id, "2")
    assert (second["FreshUntil"], second["HistoryUri"]) == (first["FreshUntil"], first["HistoryUri"])


def test_a_retraining_that_fails_is_told_and_given_back(serving: World) -> None:
    arn = _run(serving)

    _train(serving, execution_ended(arn, "Failed"))

    [(kind, text)] = serving.mail()
    assert kind == "training-failed"
    assert "after the cool-down" in text
    assert serving.rows("LEASE")[0]["state"] == "FREE"
    assert serving.rows("BATCH")[0]["ended_at"] == "2026-03-01T06:20:00.000000Z"


@pytest.mark.parametrize(
    "body",
    [
        alarm_changed(0, "driftloop-flights-drift"),
        execution_ended("arn:aws:sagemaker:us-east-1:1:pipeline/driftloop-flights-release/execution/e"),
        package_changed(1),
        {"kind": "Reconcile", "model": MODEL, "time": "2026-03-01T07:00:00Z"},
    ],
)
def test_what_belongs_elsewhere_is_a_dead_letter(serving: World, body: dict[str, Any]) -> None:
    _guard(serving, body)

    assert len(serving.sqs.bodies(serving.dead_letters_url)) == 1


@pytest.mark.parametrize("name", ["start_training", "decide_release", "answer_waits"])
def test_alarms_and_the_reconcilers_word_are_foreign_to_the_other_functions(world: World, name: str) -> None:
    function = getattr(world, name)()

    answer = function.handle_batch(batch_of(alarm_changed(0), reconsider(0)))

    assert answer == FINE
    assert len(world.sqs.bodies(world.dead_letters_url)) == 2


def test_without_its_alarm_the_guard_says_so(serving: World) -> None:
    serving.clients.metrics.alarms.clear()

    _guard(serving, reconsider(0))

    assert len(serving.sqs.bodies(serving.dead_letters_url)) == 1
