"""What the reconciler sends, fact by fact; and that it leaves young things alone."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.reconcile.decision import GRACE, TICKS_END, Message, Queue, decide
from lambdas.reconcile.facts import (
    Execution,
    Facts,
    Overdue,
    RegisteredPackage,
    Releasing,
    Standing,
    StoredObject,
    Training,
)
from lambdas.reconcile.gauges import Gauge, MonitorRun, measure
from lambdas.shared.events import ExecutionChanged, ObjectCreated, PackageChanged, Tick, parse_event
from lambdas.shared.ledger.releases import ReleaseState
from tests.events import sample
from tests.unit.lambdas.world import ARN, package_arn

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
THEN = NOW - GRACE
FACTS = Facts("flights", NOW)
RUN = f"{ARN}:pipeline/driftloop-flights-train/execution/e1"
STORED = StoredObject("raw", "raw/flights/a b+é.csv", "v1", "e1", 10, THEN)
PACKAGE = RegisteredPackage("driftloop-flights", package_arn(2), "Approved", THEN)


def _sent(facts: Facts) -> list[tuple[str, str]]:
    return [(message.queue.value, message.what) for message in decide(facts)]


def _only(facts: Facts) -> Message:
    [message] = decide(facts)
    return message


def test_nothing_lost_is_nothing_sent() -> None:
    busy = replace(FACTS, training=Training(execution=Execution(RUN, "Executing", THEN)), alarm=Standing("OK", THEN))

    assert decide(FACTS) == ()
    assert decide(busy) == ()


def test_an_unknown_object_is_told_as_s3_tells_it() -> None:
    message = _only(replace(FACTS, objects=(STORED,)))

    event = parse_event(message.body)
    assert message.queue is Queue.INGEST
    assert event == ObjectCreated(
        event_id=json.loads(message.body)["id"],
        time=THEN,
        bucket="raw",
        key="raw/flights/a b+é.csv",
        version_id="v1",
        etag="e1",
        size_bytes=10,
    )


@pytest.mark.parametrize("status", ["Approved", "Rejected", "PendingManualApproval"])
def test_a_package_whose_change_nobody_handled_is_told_again(status: str) -> None:
    message = _only(replace(FACTS, packages=(replace(PACKAGE, status=status),)))

    event = parse_event(message.body)
    assert message.queue is Queue.RELEASE
    assert isinstance(event, PackageChanged)
    assert (event.package_arn, event.approval_status, event.modified_at) == (package_arn(2), status, THEN)


def test_the_end_of_a_run_goes_to_both_who_wait_for_it() -> None:
    facts = replace(FACTS, training=Training(execution=Execution(RUN, "Failed", THEN)))

    bodies = {message.queue: parse_event(message.body) for message in decide(facts)}

    assert set(bodies) == {Queue.INGEST, Queue.RETRAINING}
    for event in bodies.values():
        assert isinstance(event, ExecutionChanged)
        assert (event.execution_arn, event.status, event.time) == (RUN, "Failed", THEN)
        assert event.pipeline_arn == f"{ARN}:pipeline/driftloop-flights-train"


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (Training(half_started_at=THEN), [("ingest", "start.requested")]),
        (Training(is_free=True, waiting_since=THEN), [("ingest", "start.requested")]),
        (Training(is_free=False, waiting_since=THEN), []),
    ],
)
def test_a_start_that_nobody_finished_or_asked_for_is_asked_for(
    training: Training, expected: list[tuple[str, str]]
) -> None:
    assert _sent(replace(FACTS, training=training)) == expected


def test_a_release_that_ended_or_was_left_undone_is_told() -> None:
    ended = Releasing(execution=Execution(RUN, "Succeeded", THEN))
    undone = Releasing(package=PACKAGE, undone_since=THEN)

    assert _sent(replace(FACTS, releasing=ended)) == [("release", "release.ended")]
    assert _sent(replace(FACTS, releasing=undone)) == [("release", "release.undone")]


def test_only_a_wait_that_outlives_its_own_ticks_is_ticked() -> None:
    late = Overdue("tok1", NOW - TICKS_END - GRACE)

    message = _only(replace(FACTS, overdue=(late, Overdue("tok2", NOW - TICKS_END))))

    assert message.queue is Queue.WAITS
    assert parse_event(message.body) == Tick("flights", "tok1", NOW)


@pytest.mark.parametrize(
    ("alarm", "is_free", "is_told"),
    [
        (Standing("ALARM", THEN), True, True),
        (Standing("ALARM", THEN), False, False),
        (Standing("OK", THEN, is_episode_open=True), False, True),
        (Standing("OK", THEN), True, False),
        (Standing("INSUFFICIENT_DATA", THEN, is_episode_open=True), True, False),
    ],
)
def test_an_alarm_that_no_run_answers_is_reconsidered(alarm: Standing, is_free: bool, is_told: bool) -> None:
    facts = replace(FACTS, alarm=alarm, training=Training(is_free=is_free))

    assert _sent(facts) == ([("retraining", "alarm.reconsidered")] if is_told else [])


@given(st.integers(0, int(GRACE.total_seconds()) - 1))
def test_what_is_young_is_left_alone(age_s: int) -> None:
    at = NOW - timedelta(seconds=age_s)
    ended = Execution(RUN, "Succeeded", at)
    package = replace(PACKAGE, changed_at=at)
    facts = Facts(
        "flights",
        NOW,
        objects=(replace(STORED, modified_at=at),),
        packages=(package,),
        training=Training(True, at, ended, at),
        releasing=Releasing(package, at, ended),
        overdue=(Overdue("t", at),),
        alarm=Standing("ALARM", at),
    )

    assert decide(facts) == ()


def test_what_is_sent_again_has_the_fields_that_the_rules_match() -> None:
    """The samples are what rules are tested against; only what a reader may rely on has to be there."""
    execution = json.loads(
        decide(replace(FACTS, training=Training(execution=Execution(RUN, "Succeeded", THEN))))[0].body
    )
    bodies = {
        "s3_object_created": json.loads(_only(replace(FACTS, objects=(STORED,))).body),
        "model_package_approved": json.loads(_only(replace(FACTS, packages=(PACKAGE,))).body),
        "train_execution_succeeded": execution,
    }

    for name, body in bodies.items():
        real = sample(name)
        assert (body["source"], body["detail-type"]) == (real["source"], real["detail-type"])
        assert body["detail"].keys() <= real["detail"].keys()


LIVE = ReleaseState(1, live="p", live_since="2026-04-01T00:00:00.000000Z", served_since="2026-03-31T12:00:00.000000Z")


def test_before_production_serves_nobody_has_to_look() -> None:
    assert measure([MonitorRun("champion", "Failed")], ReleaseState(), NOW) == ()


def test_without_a_look_its_age_counts_from_the_first_release() -> None:
    assert measure([], LIVE, NOW) == (Gauge("monitor_run_age_s", 86400.0, "Seconds"),)


@pytest.mark.parametrize(
    ("newest", "failed"), [("Failed", 1.0), ("Succeeded", 0.0), ("Stopped", 0.0), ("Executing", 0.0)]
)
def test_the_newest_run_that_ended_says_whether_looking_works(newest: str, failed: float) -> None:
    runs = [
        MonitorRun("challenger", "Failed"),
        MonitorRun("champion", newest, NOW),
        MonitorRun("champion", "Succeeded", NOW - timedelta(hours=2)),
    ]

    age, last = measure(runs, LIVE, NOW)

    assert age.value == (0.0 if newest == "Succeeded" else 7200.0)
    assert last == Gauge("monitor_failed", failed, "Count")
