"""The reconciler as a function: what it asks, how much, and that the loop gets through without a single event."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas.reconcile.handler import ReconcileFunction
from lambdas.shared.ledger.episodes import Episode, Episodes, Guard
from lambdas.shared.ledger.releases import Release, ReleaseState, render_state
from lambdas.shared.ledger.table import Put, Table
from lambdas.shared.ledger.trail import AuditEntry
from tests.unit.lambdas.waiting import DEV, DEV_CONFIG, callback, endpoint
from tests.unit.lambdas.world import (
    LEDGER,
    MODEL,
    RAW,
    START,
    World,
    batch_of,
    object_created,
    package_arn,
    reconcile,
    start_requested,
)

FINE: dict[str, Any] = {"batchItemFailures": []}
DAY = 24 * 60
ALARM = "driftloop-flights-retrain"


def _reconcile(world: World, minute: int) -> None:
    assert world.reconcile().handle_batch(batch_of(reconcile(minute))) == FINE


def _take(world: World, queue: str) -> list[Any]:
    """What was sent to a queue since it was last looked at."""
    url = world.ingest_url if queue == "ingest" else world.queue_url(queue)
    bodies = world.sqs.bodies(url)
    world.sqs.sent[:] = [sent for sent in world.sqs.sent if sent["QueueUrl"] != url]
    return bodies


def _deliver(world: World) -> int:
    """Every function gets what is on its queue.

    Returns:
        How many messages there were.
    """
    functions = {
        "ingest": world.start_training(),
        "release": world.decide_release(),
        "waits": world.answer_waits(),
        "retraining": world.start_retraining(),
    }
    count = 0
    for queue, function in functions.items():
        bodies = _take(world, queue)
        count += len(bodies)
        assert function.handle_batch(batch_of(*bodies)) == FINE
    assert world.sqs.bodies(world.dead_letters_url) == []
    return count


def _put(world: World, row: dict[str, Any]) -> None:
    Table(world.clients.dynamodb, LEDGER).write(Put(row))


def _release(world: World, state: ReleaseState) -> None:
    _put(world, {"pk": f"RELEASE#{MODEL}", "sk": "state", **render_state(state)})


def _modified(world: World, version: int, status: str, minute: int) -> None:
    world.add_package(version, status, LastModifiedTime=START + timedelta(minutes=minute))


@pytest.fixture
def uploads(world: World) -> World:
    """A bucket with versions, as the stack has it."""
    s3 = boto3.client("s3", "us-east-1")
    s3.put_bucket_versioning(Bucket=RAW, VersioningConfiguration={"Status": "Enabled"})
    return world


def _upload(*names: str) -> None:
    for name in names:
        boto3.client("s3", "us-east-1").put_object(Bucket=RAW, Key=f"raw/flights/{name}", Body=name.encode())


def _later(minutes: int = 10) -> int:
    """Minutes from the world's start to that many after the real now: moto stamps objects with it."""
    return int((datetime.now(UTC) - START).total_seconds() // 60) + minutes


def test_an_upload_whose_event_was_lost_trains(uploads: World) -> None:
    _upload("january.csv", "")

    _reconcile(uploads, _later())
    _deliver(uploads)

    [run] = uploads.sagemaker.started
    [file] = uploads.manifest(run["BatchId"])["files"]
    stored = boto3.client("s3", "us-east-1").head_object(Bucket=RAW, Key="raw/flights/january.csv")
    assert (file["key"], file["version_id"]) == ("raw/flights/january.csv", stored["VersionId"])
    assert file["etag"] == stored["ETag"].strip('"')


def test_an_upload_that_is_known_is_not_told_again_nor_one_that_is_young(uploads: World) -> None:
    _upload("january.csv")
    _reconcile(uploads, _later())
    _deliver(uploads)
    _upload("february.csv")

    _reconcile(uploads, _later(1))

    assert _take(uploads, "ingest") == []


def test_the_same_is_sent_again_only_after_an_hour(uploads: World) -> None:
    _upload("january.csv")
    told = []

    for minutes in (10, 15, 75):
        _reconcile(uploads, _later(minutes))
        told.append(len(_take(uploads, "ingest")))

    assert told == [1, 0, 1]


def _cut(function: ReconcileFunction, lookups_max: int) -> ReconcileFunction:
    return replace(function, objects=replace(function.objects, lookups_max=lookups_max))


def test_a_sweep_that_was_cut_goes_on_in_the_next_turn(uploads: World) -> None:
    _upload(*"abcde", "a")
    keys = []

    for turn in range(4):
        _cut(uploads.reconcile(), 2).handle_batch(batch_of(reconcile(_later(10 + turn))))
        keys.append(sorted(body["detail"]["object"]["key"][-1] for body in _take(uploads, "ingest")))

    assert keys == [["a", "a"], ["b", "c"], ["d", "e"], []]


def test_what_a_whole_sweep_has_checked_is_not_looked_up_any_more(uploads: World) -> None:
    _upload("january.csv")
    _reconcile(uploads, _later(10))
    _take(uploads, "ingest")

    _reconcile(uploads, _later(3 * 60))
    _take(uploads, "ingest")
    _reconcile(uploads, _later(6 * 60))

    assert _take(uploads, "ingest") == []


def test_without_a_single_event_of_sagemaker_the_loop_gets_through(world: World) -> None:
    """Every SageMaker event is lost; the reconciler alone carries the loop from an upload to a live version."""
    world.clients.metrics.alarms = {ALARM: "OK"}
    world.start_training().handle_batch(batch_of(object_created("raw/flights/january.csv")))
    world.sagemaker.end(world.sagemaker.started[0]["arn"])
    _modified(world, 1, "PendingManualApproval", 20)
    _reconcile(world, 30)
    _deliver(world)
    _modified(world, 1, "Approved", 60)
    _reconcile(world, 70)
    _deliver(world)
    world.sagemaker.end(world.sagemaker.started[1]["arn"], minute=90)

    _reconcile(world, 100)
    _deliver(world)
    _reconcile(world, 110)

    assert world.states() == {"CONSUMED": 1}
    assert world.told() == ["pending-approval", "release-done"]
    [state] = world.rows("RELEASE")
    assert (state["live"], state["current"]) == (package_arn(1), None)
    assert _deliver(world) == 0


def test_a_retraining_gets_through_without_events_too(world: World) -> None:
    metadata = {"batch_id": "b1", "attempt": "1", "data": "s3://a/data.csv", "fresh_until": "none"}
    world.add_package(1, "Approved", LastModifiedTime=START, CustomerMetadataProperties=metadata)
    _put(world, {"pk": f"PACKAGE#{MODEL}", "sk": package_arn(1), "status": "Approved"})
    _release(world, ReleaseState(1, live=package_arn(1), live_since="2026-01-01T00:00:00Z", live_before=("old",)))
    world.clients.metrics.alarms = {ALARM: "ALARM", "driftloop-flights-drift": "ALARM"}

    _reconcile(world, 10)
    _deliver(world)  # the guard decides
    _deliver(world)  # the run starts
    [run] = world.sagemaker.started
    world.sagemaker.end(run["arn"], "Failed", minute=60)
    _reconcile(world, 70)
    _deliver(world)

    assert run["pipeline"] == "driftloop-flights-retrain"
    assert world.told() == ["training-failed"]
    assert world.rows("LEASE")[0]["state"] == "FREE"


def test_a_start_that_crashed_is_finished(world: World) -> None:
    error: Any = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
    world.sagemaker.failures.append(ClientError(error, "StartPipelineExecution"))
    world.start_training().handle_batch(batch_of(object_created("raw/flights/january.csv")))

    _reconcile(world, 10)
    _deliver(world)

    assert world.rows("LEASE")[0]["state"] == "RUNNING"


def test_files_whose_window_nobody_ended_are_started(world: World) -> None:
    world.start_training(window_s=2).handle_batch(batch_of(object_created("raw/flights/january.csv")))
    _take(world, "ingest")

    _reconcile(world, 10)

    assert [body["kind"] for body in _take(world, "ingest")] == [start_requested()["kind"]]


def test_a_release_that_was_decided_and_not_started_is_started_on_the_second_look(world: World) -> None:
    """The release's row carries no time: how old it is, the reconciler sees itself."""
    _modified(world, 2, "Approved", 0)
    _put(world, {"pk": f"PACKAGE#{MODEL}", "sk": package_arn(2), "status": "Approved"})
    _release(world, ReleaseState(5, current=Release(package_arn(2), "20260301T060000-x", is_rollback=False)))

    _reconcile(world, 10)
    first = _deliver(world)
    _reconcile(world, 15)
    _deliver(world)

    assert first == 0
    assert [run["pipeline"] for run in world.sagemaker.started] == ["driftloop-flights-release"]


def test_a_wait_that_outlives_its_ticks_is_answered(world: World) -> None:
    world.sagemaker.endpoints[DEV] = endpoint("Creating")
    world.answer_waits().handle_batch(batch_of(callback()))
    world.sagemaker.endpoints[DEV] = endpoint("InService", DEV_CONFIG)

    _reconcile(world, 45)
    before = _deliver(world)
    _reconcile(world, 45 + 66)
    _deliver(world)

    assert before == 0
    assert "tok0000001" in world.sagemaker.answers


def test_an_alarm_that_went_away_unheard_closes_its_episode(world: World) -> None:
    episodes = Episodes(Table(world.clients.dynamodb, LEDGER), MODEL)
    guard = Guard(1, "", Episode("1-x", package_arn(1), "2026-03-01T00:00:00.000000Z"), (), "wait: cool-down")
    episodes.decided(Guard(), guard, None, AuditEntry("t", "driftloop", "retraining.wait", "1-x", "", ""))
    world.clients.metrics.alarms = {ALARM: "OK"}

    _reconcile(world, 10)
    _deliver(world)
    _reconcile(world, 20)

    closed = episodes.guard().episode
    assert closed is not None
    assert closed.closed_at == "2026-03-01T06:10:00.000000Z"
    assert _take(world, "retraining") == []


def test_the_execution_of_a_lease_that_nobody_knows_is_left_to_a_person(world: World) -> None:
    world.start_training().handle_batch(batch_of(object_created("raw/flights/january.csv")))
    world.sagemaker.started.clear()

    _reconcile(world, 10)

    assert _take(world, "ingest") == []


def test_gauges_are_published_once_production_serves(world: World) -> None:
    _reconcile(world, 10)
    before = list(world.clients.metrics.published)
    _release(world, ReleaseState(1, live=package_arn(1), live_since="2026-03-01T06:00:00Z"))
    run = world.sagemaker.start_pipeline_execution(
        PipelineName="driftloop-flights-watch", ClientRequestToken="w", PipelineParameters=[]
    )["PipelineExecutionArn"]
    world.sagemaker.titles[run] = "champion"
    world.sagemaker.end(run, minute=30)

    _reconcile(world, 40)

    assert before == []
    [published] = world.clients.metrics.published
    assert published["Namespace"] == "Driftloop"
    assert [(data["MetricName"], data["Value"]) for data in published["MetricData"]] == [
        ("monitor_run_age_s", 600.0),
        ("monitor_failed", 0.0),
    ]
    assert published["MetricData"][0]["Dimensions"] == [{"Name": "Model", "Value": MODEL}]


def test_a_part_that_cannot_be_looked_at_does_not_hold_up_the_others(world: World) -> None:
    world.start_training(window_s=2).handle_batch(batch_of(object_created("raw/flights/january.csv")))
    _take(world, "ingest")
    boto3.client("s3", "us-east-1").delete_bucket(Bucket=RAW)

    answer = world.reconcile().handle_batch(batch_of(reconcile(10)))

    assert len(answer["batchItemFailures"]) == 1
    assert len(_take(world, "ingest")) == 1


def test_what_is_no_word_of_the_schedule_is_a_dead_letter(world: World) -> None:
    world.reconcile().handle_batch(batch_of(start_requested()))

    assert len(world.sqs.bodies(world.dead_letters_url)) == 1
