"""Where the record of an asynchronous invocation goes, and what it says; and what a dead-letter queue gets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

AWS_NAME = "Destinations and dead-letter queues of asynchronous invocations"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html (read 2026-11-23); records and "
    "messages of AWS itself in localstack's test_lambda_destinations.snapshot.json (recorded 2022 to 2024)"
)
DIFFERS = (
    "a record too large for its destination is refused by it and counted as a failed delivery; AWS drops "
    "payloads from it. What a dead-letter message says of a throttled event is ours: no source shows AWS's"
)

_ON_SUCCESS = ("sqs", "sns", "lambda", "events")
_ON_FAILURE = (*_ON_SUCCESS, "s3")


@dataclass(frozen=True)
class Call:
    """One AWS API call."""

    service: str
    operation: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Ended:
    """How an asynchronous event ended. `response` None: the function was never run."""

    request_id: str
    function_arn: str
    condition: str
    tries: int
    request: bytes
    version: str
    response: bytes | None = None
    error: str | None = None

    @property
    def is_success(self) -> bool:
        return self.condition == "Success"


def is_destination(arn: str, is_success: bool) -> bool:
    """Whether records may go there."""
    parts = arn.split(":", 5)
    return len(parts) == 6 and parts[2] in (_ON_SUCCESS if is_success else _ON_FAILURE)


def is_dead_letter_target(arn: str) -> bool:
    return arn.split(":")[2:3] in (["sqs"], ["sns"])


def record(ended: Ended, at: datetime) -> dict[str, Any]:
    """The invocation record. `functionArn` is qualified, with $LATEST where nothing else was asked for."""
    answered: dict[str, Any] = {}
    if ended.response is not None:
        failed = {"functionError": ended.error} if ended.error else {}
        answered = {
            "responseContext": {"statusCode": 200, "executedVersion": ended.version, **failed},
            "responsePayload": _value(ended.response),
        }
    return {
        "version": "1.0",
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        "requestContext": {
            "requestId": ended.request_id,
            "functionArn": ended.function_arn,
            "condition": ended.condition,
            "approximateInvokeCount": ended.tries,
        },
        "requestPayload": _value(ended.request),
        **answered,
    }


def delivery(arn: str, ended: Ended, at: datetime, delivery_id: str) -> Call:
    """The call that brings the record to its destination."""
    found = record(ended, at)
    text = json.dumps(found)
    match arn.split(":")[2]:
        case "sqs":
            return Call("sqs", "SendMessage", {"QueueUrl": _queue_url(arn), "MessageBody": text})
        case "sns":
            return Call("sns", "Publish", {"TopicArn": arn, "Message": text})
        case "lambda":
            params = {"FunctionName": arn, "InvocationType": "Event", "Payload": text.encode()}
            return Call("lambda", "Invoke", params)
        case "s3":
            where = {"Bucket": arn.split(":", 5)[5], "Key": _object_key(ended.function_arn, at, delivery_id)}
            return Call("s3", "PutObject", {**where, "Body": text.encode()})
    entry = {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {'Success' if ended.is_success else 'Failure'}",
        "Detail": text,
        "Resources": [ended.function_arn, arn],
        "EventBusName": arn,
        "Time": at,
    }
    return Call("events", "PutEvents", {"Entries": [entry]})


def dead_letter(arn: str, ended: Ended) -> Call:
    """The event as it came, with why it is here."""
    answer = _value(ended.response) if ended.response is not None else None
    message = answer.get("errorMessage") if isinstance(answer, dict) else None
    facts = {
        "RequestID": ("String", ended.request_id),
        "ErrorCode": ("Number", "200" if ended.response is not None else "429"),
        "ErrorMessage": ("String", str(message or ended.condition)[:1024]),
    }
    attributes = {name: {"DataType": kind, "StringValue": value} for name, (kind, value) in facts.items()}
    body = ended.request.decode("utf-8", "replace")
    if arn.split(":")[2] == "sqs":
        params = {"QueueUrl": _queue_url(arn), "MessageBody": body, "MessageAttributes": attributes}
        return Call("sqs", "SendMessage", params)
    return Call("sns", "Publish", {"TopicArn": arn, "Message": body, "MessageAttributes": attributes})


def _object_key(function_arn: str, at: datetime, delivery_id: str) -> str:
    name = function_arn.split(":")[6]
    return f"aws/lambda/async/{name}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{delivery_id}"


def _value(payload: bytes) -> Any:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode("utf-8", "replace")


def _queue_url(arn: str) -> str:
    """The address of a queue, which is made of its ARN."""
    _, _, _, region, account, name = arn.split(":", 5)
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"
