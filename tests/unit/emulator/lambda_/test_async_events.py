"""Asynchronous invocation: retries in the kernel's time, destinations, dead letters, measures."""

import json
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from tests.unit.emulator.lambda_.laboratory import Laboratory, fails

QUEUE = "arn:aws:sqs:us-east-1:123456789012:records"
HOUR_S = 3600


def _send(lab: Laboratory, name: str = "fn", **event: Any) -> None:
    answer = lab.call("Invoke", FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode())
    assert answer["StatusCode"] == 202


def _configure(lab: Laboratory, **settings: Any) -> None:
    lab.call("PutFunctionEventInvokeConfig", FunctionName="fn", **settings)


def _record(lab: Laboratory) -> dict[str, Any]:
    ((service, operation, params),) = lab.sent
    assert (service, operation, params["QueueUrl"].rsplit("/", 1)[1]) == ("sqs", "SendMessage", "records")
    found: dict[str, Any] = json.loads(params["MessageBody"])
    return found


def test_an_event_that_fails_is_tried_twice_more_and_then_dropped(lab: Laboratory) -> None:
    lab.sandboxes.answer = fails
    _send(lab)

    counts = []
    for seconds in (0, 59, 1, 119, 1, HOUR_S):
        lab.time.pass_time(seconds)
        counts.append(len(lab.sandboxes.invocations))

    assert counts == [1, 1, 2, 2, 3, 3]
    assert len({invocation.request_id for invocation in lab.sandboxes.invocations}) == 1
    assert (lab.sum("AsyncEventsReceived"), lab.sum("AsyncEventsDropped"), lab.sum("Errors")) == (1, 1, 3)
    assert [value for name, value, _ in lab.measured if name == "AsyncEventAge"] == [0, 60_000, 180_000]


def test_a_failed_event_leaves_a_record_with_the_last_answer(lab: Laboratory) -> None:
    lab.sandboxes.answer = fails
    _configure(lab, MaximumRetryAttempts=1, DestinationConfig={"OnFailure": {"Destination": QUEUE}})
    _send(lab, n=1)
    lab.time.pass_time(HOUR_S)

    record = _record(lab)

    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "version": "1.0",
        "requestContext": {
            "requestId": "request",
            "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:fn:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 2,
        },
        "requestPayload": {"n": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "no", "errorType": "ValueError"},
    }


def test_a_success_leaves_a_record_where_it_is_asked_for(lab: Laboratory) -> None:
    _configure(lab, DestinationConfig={"OnSuccess": {"Destination": QUEUE}})
    _send(lab, n=1)
    lab.time.pass_time()

    record = _record(lab)

    assert record["requestContext"]["condition"] == "Success"
    assert record["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert record["responsePayload"] == {"n": 1}


def test_an_event_too_old_for_its_next_try_is_given_up_at_once(lab: Laboratory) -> None:
    lab.sandboxes.answer = fails
    _configure(lab, MaximumEventAgeInSeconds=90, DestinationConfig={"OnFailure": {"Destination": QUEUE}})
    _send(lab)
    lab.time.pass_time(HOUR_S)

    context = _record(lab)["requestContext"]

    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 2)


def test_a_function_shut_by_concurrency_zero_gives_its_events_away_unrun(lab: Laboratory) -> None:
    lab.call("PutFunctionConcurrency", FunctionName="fn", ReservedConcurrentExecutions=0)
    _configure(lab, DestinationConfig={"OnFailure": {"Destination": QUEUE}})
    _send(lab)
    lab.time.pass_time()

    record = _record(lab)

    assert record["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in record
    assert lab.sandboxes.invocations == []


@pytest.mark.parametrize(
    ("arn", "service", "operation"),
    [
        ("arn:aws:sns:us-east-1:123456789012:t", "sns", "Publish"),
        ("arn:aws:events:us-east-1:123456789012:event-bus/b", "events", "PutEvents"),
        ("arn:aws:s3:::bucket", "s3", "PutObject"),
    ],
)
def test_records_go_to_every_kind_of_destination(lab: Laboratory, arn: str, service: str, operation: str) -> None:
    lab.sandboxes.answer = fails
    _configure(lab, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}})

    _send(lab)
    lab.time.pass_time()

    ((found, called, params),) = lab.sent
    assert (found, called) == (service, operation)
    if service == "events":
        entry = params["Entries"][0]
        assert entry["DetailType"] == "Lambda Function Invocation Result - Failure"
        assert (entry["Source"], entry["Resources"][1], entry["EventBusName"]) == ("lambda", arn, arn)
    if service == "s3":
        assert params["Bucket"] == "bucket"
        assert params["Key"].startswith("aws/lambda/async/fn/2026/01/01/2026-01-01T00.00.00-")


def test_a_record_for_another_function_is_an_asynchronous_event_of_it(lab: Laboratory) -> None:
    other = lab.create("other")["FunctionArn"]
    _configure(lab, DestinationConfig={"OnSuccess": {"Destination": other}})

    _send(lab, n=1)
    lab.time.pass_time()

    first, second = lab.sandboxes.invocations
    assert (first.function_arn.rsplit(":", 1)[1], second.function_arn) == ("fn", other)
    assert json.loads(second.payload)["requestPayload"] == {"n": 1}


def test_a_dead_letter_queue_gets_the_event_as_it_came_with_the_reason(lab: Laboratory) -> None:
    lab.sandboxes.answer = fails
    lab.call("UpdateFunctionConfiguration", FunctionName="fn", DeadLetterConfig={"TargetArn": QUEUE})
    _send(lab, n=1)
    lab.time.pass_time(HOUR_S)

    ((_, _, params),) = lab.sent

    assert json.loads(params["MessageBody"]) == {"n": 1}
    assert params["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": "request"},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "no"},
    }


def test_what_cannot_be_delivered_is_counted(lab: Laboratory) -> None:
    lab.sandboxes.answer = fails
    lab.refused["sqs"] = AwsError("AWS.SimpleQueueService.NonExistentQueue", "gone")
    lab.call("UpdateFunctionConfiguration", FunctionName="fn", DeadLetterConfig={"TargetArn": QUEUE})
    _configure(lab, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": QUEUE}})

    _send(lab)
    lab.time.pass_time()

    assert (lab.sum("DestinationDeliveryFailures"), lab.sum("DeadLetterErrors")) == (1, 1)


def test_each_alias_has_a_configuration_of_its_own(lab: Laboratory) -> None:
    lab.call("PublishVersion", FunctionName="fn")
    lab.call("CreateAlias", FunctionName="fn", Name="live", FunctionVersion="1")
    lab.sandboxes.answer = fails
    settings = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}
    lab.call("PutFunctionEventInvokeConfig", FunctionName="fn", Qualifier="live", **settings)

    _send(lab, "fn:live")
    lab.time.pass_time()

    record = _record(lab)
    assert record["requestContext"]["functionArn"].endswith(":function:fn:live")
    assert record["responseContext"]["executedVersion"] == "1"
    assert len(lab.call("ListFunctionEventInvokeConfigs", FunctionName="fn")["FunctionEventInvokeConfigs"]) == 1


def test_a_configuration_is_put_whole_updated_in_part_and_deleted(lab: Laboratory) -> None:
    _configure(lab, MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60)
    lab.call("UpdateFunctionEventInvokeConfig", FunctionName="fn", MaximumRetryAttempts=0)

    found = lab.call("GetFunctionEventInvokeConfig", FunctionName="fn")
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (0, 60)
    assert found["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}

    _configure(lab, MaximumRetryAttempts=2)
    assert "MaximumEventAgeInSeconds" not in lab.call("GetFunctionEventInvokeConfig", FunctionName="fn")

    lab.call("DeleteFunctionEventInvokeConfig", FunctionName="fn")
    with pytest.raises(AwsError, match="doesn't have an EventInvokeConfig"):
        lab.call("GetFunctionEventInvokeConfig", FunctionName="fn")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "at least one"),
        ({"MaximumRetryAttempts": 3}, "less than or equal to 2"),
        ({"MaximumEventAgeInSeconds": 59}, "greater than or equal to 60"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:s3:::bucket"}}}, "is invalid"),
        (
            {"DestinationConfig": {"OnSuccess": {"Destination": "arn:aws:lambda:us-east-1:123456789012:function:fn"}}},
            "destination for itself",
        ),
    ],
)
def test_a_configuration_that_aws_refuses_is_refused(lab: Laboratory, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(AwsError, match=message):
        _configure(lab, **settings)


def test_an_event_over_one_megabyte_is_refused(lab: Laboratory) -> None:
    with pytest.raises(AwsError, match=r"for the Event invocation type \(limit 1048576 bytes\)") as refused:
        _send(lab, text="x" * 1_048_576)

    assert refused.value.status == 413
    assert lab.sum("AsyncEventsReceived") == 0


def test_an_event_that_the_service_cannot_run_comes_back_until_it_can(lab: Laboratory) -> None:
    credentials = lab.world.kernel.credentials

    def breaks(role_arn: str, session_name: str) -> dict[str, str]:
        raise AwsError("ServiceException", "no", 500)

    lab.world.kernel.credentials = breaks
    _send(lab)
    lab.time.pass_time(6.9)
    ages = [value for name, value, _ in lab.measured if name == "AsyncEventAge"]
    lab.world.kernel.credentials = credentials
    lab.time.pass_time(0.1)

    assert ages == [0, 1000, 3000]
    assert len(lab.sandboxes.invocations) == 1
    assert lab.sum("AsyncEventsDropped") == 0
