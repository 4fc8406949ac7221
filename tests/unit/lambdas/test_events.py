"""Raw messages become values, or an error that names the field."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lambdas.shared.events import (
    AlarmChanged,
    CallbackSent,
    EndpointChanged,
    ExecutionChanged,
    InvalidEventError,
    ObjectCreated,
    PackageChanged,
    Reconcile,
    Reconsider,
    RetrainingRequested,
    StartRequested,
    Tick,
    parse_event,
    parse_time,
    render_reconcile,
    render_reconsider,
    render_retraining_requested,
    render_start_requested,
    render_tick,
    render_time,
)
from tests.events import sample

SIX = datetime(2026, 3, 1, 6, tzinfo=UTC)


def test_an_upload_is_read() -> None:
    event = parse_event(json.dumps(sample("s3_object_created")))

    assert event == ObjectCreated(
        event_id="17793124-05d4-b198-2fde-7ededc63b103",
        time=SIX,
        bucket="driftloop-raw-123456789012-us-east-1",
        key="raw/flights/january.csv",
        version_id="IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        etag="b1946ac92492d2347c6235b4d2611184",
        size_bytes=5242,
    )


def test_an_object_without_a_version_has_s3s_own_name_for_that() -> None:
    raw = sample("s3_object_created")
    del raw["detail"]["object"]["version-id"]

    event = parse_event(json.dumps(raw))

    assert isinstance(event, ObjectCreated)
    assert event.version_id == "null"


@pytest.mark.parametrize(
    ("name", "status", "is_terminal"),
    [
        ("train_execution_succeeded", "Succeeded", True),
        ("train_execution_executing", "Executing", False),
        ("release_execution_failed", "Failed", True),
    ],
)
def test_an_execution_is_read(name: str, status: str, is_terminal: bool) -> None:
    event = parse_event(json.dumps(sample(name)))

    assert isinstance(event, ExecutionChanged)
    assert (event.status, event.is_terminal) == (status, is_terminal)
    assert event.execution_arn.startswith(event.pipeline_arn + "/execution/")


def test_a_package_is_read() -> None:
    event = parse_event(json.dumps(sample("model_package_approved")))

    assert isinstance(event, PackageChanged)
    assert event.package_arn.endswith("model-package/driftloop-flights/1")
    assert event.approval_status == "Approved"
    assert event.modified_at == datetime(2026, 3, 1, 7, tzinfo=UTC)


@pytest.mark.parametrize("modified", [None, 1614186014000, "Tue Mar 1", "2026-03-01T07:00:00"])
def test_a_package_is_read_whatever_form_its_last_change_has(modified: object) -> None:
    raw = sample("model_package_approved")
    raw["detail"]["LastModifiedTime"] = modified

    event = parse_event(json.dumps(raw))

    assert isinstance(event, PackageChanged)
    assert event.modified_at is None


def test_our_own_messages_come_back_as_they_were_sent() -> None:
    start = StartRequested("flights", SIX)
    retraining = RetrainingRequested("flights", "rejected: no", "arn:aws:sagemaker:...:model-package/f/1", SIX)

    assert parse_event(render_start_requested(start)) == start
    assert parse_event(render_retraining_requested(retraining)) == retraining


def _without(name: str, *path: str) -> dict[str, Any]:
    raw = sample(name)
    inner = raw
    for step in path[:-1]:
        inner = inner[step]
    del inner[path[-1]]
    return raw


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (_without("s3_object_created", "detail", "object", "key"), "detail.object.key"),
        (_without("s3_object_created", "detail", "object", "size"), "detail.object.size"),
        (_without("s3_object_created", "detail", "bucket"), "detail.bucket.name"),
        (_without("s3_object_created", "time"), "time"),
        (_without("train_execution_succeeded", "detail", "pipelineExecutionArn"), "detail.pipelineExecutionArn"),
        (_without("model_package_approved", "detail", "ModelPackageArn"), "detail.ModelPackageArn"),
        ({**sample("s3_object_created"), "time": "yesterday"}, "time"),
        ({**sample("s3_object_created"), "time": "2026-03-01T06:00:00"}, "time"),
        ({**sample("s3_object_created"), "detail-type": "Object Deleted"}, "detail-type"),
        ({"kind": "StartRequested"}, "model"),
        ({"kind": ["StartRequested"]}, "detail-type"),
        ([], "body"),
    ],
)
def test_a_field_that_is_missing_or_wrong_is_named(raw: Any, field: str) -> None:
    with pytest.raises(InvalidEventError) as caught:
        parse_event(json.dumps(raw))

    assert caught.value.field == field


def test_times_sort_as_text_and_come_back() -> None:
    early, late = SIX, SIX.replace(microsecond=1)

    assert render_time(early) < render_time(late)
    assert parse_time(render_time(late)) == late


def test_an_endpoints_change_is_read() -> None:
    event = parse_event(json.dumps(sample("endpoint_in_service")))

    assert isinstance(event, EndpointChanged)
    assert (event.endpoint, event.time.minute) == ("driftloop-flights-dev", 8)


def test_a_callback_has_the_time_at_which_it_was_sent() -> None:
    event = parse_event(json.dumps(sample("callback_stopping")), "1772344800500")

    assert isinstance(event, CallbackSent)
    assert (event.token, event.is_stopping) == ("tok0000002", True)
    assert event.arguments["wait"] == "experiment"
    assert event.time == datetime(2026, 3, 1, 6, 0, 0, 500_000, UTC)


@pytest.mark.parametrize(
    ("change", "sent_ms", "field"),
    [({}, "", "SentTimestamp"), ({"arguments": []}, "1", "arguments"), ({"token": ""}, "1", "token")],
)
def test_a_callback_that_is_none_names_the_field(change: dict[str, Any], sent_ms: str, field: str) -> None:
    with pytest.raises(InvalidEventError) as refused:
        parse_event(json.dumps(sample("callback_endpoint") | change), sent_ms)

    assert refused.value.field == field


def test_a_tick_is_what_a_schedule_sends_with_the_time_put_in() -> None:
    sent = render_tick("flights", "tok0000001").replace("<aws.scheduler.scheduled-time>", "2026-03-01T06:00:00Z")

    assert parse_event(sent) == Tick("flights", "tok0000001", SIX)
    assert isinstance(parse_event(json.dumps(sample("tick"))), Tick)


def test_an_alarms_change_says_which_alarm_and_when() -> None:
    event = parse_event(json.dumps(sample("retrain_alarm")))

    assert isinstance(event, AlarmChanged)
    assert (event.alarm, event.time) == ("driftloop-flights-retrain", datetime(2026, 3, 10, 6, tzinfo=UTC))


def test_what_the_reconciler_gets_and_sends_is_read() -> None:
    sent = render_reconcile("flights").replace("<aws.scheduler.scheduled-time>", "2026-03-01T06:00:00Z")

    assert parse_event(sent) == Reconcile("flights", SIX)
    assert parse_event(render_reconsider(Reconsider("flights", SIX))) == Reconsider("flights", SIX)
    assert isinstance(parse_event(json.dumps(sample("reconcile"))), Reconcile)
    assert isinstance(parse_event(json.dumps(sample("reconsider"))), Reconsider)


@pytest.mark.parametrize(("name", "path"), [("retrain_alarm", ("detail", "alarmName")), ("reconsider", ("model",))])
def test_of_an_alarm_or_our_own_word_what_is_missing_is_named(name: str, path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidEventError) as refused:
        parse_event(json.dumps(_without(name, *path)))

    assert refused.value.field == ".".join(path)
