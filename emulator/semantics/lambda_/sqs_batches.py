"""An SQS event source: the event that a batch becomes, and which messages are done when the function has answered."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

AWS_NAME = "Lambda event source mappings for Amazon SQS"
SOURCE = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html (read 2026-11-23)"


def render(messages: list[dict[str, Any]], queue_arn: str) -> dict[str, Any]:
    """The event for `messages`, as ReceiveMessage gave them with all their attributes."""
    return {"Records": [_record(message, queue_arn) for message in messages]}


def _record(message: dict[str, Any], queue_arn: str) -> dict[str, Any]:
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message.get("Attributes", {}),
        "messageAttributes": {name: _attribute(value) for name, value in message.get("MessageAttributes", {}).items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": queue_arn.split(":")[3],
    }


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    names = {"StringValue": "stringValue", "DataType": "dataType"}
    binary = {"binaryValue": base64.b64encode(value["BinaryValue"]).decode()} if value.get("BinaryValue") else {}
    return {
        **{names[key]: item for key, item in value.items() if key in names},
        **binary,
        "stringListValues": [],
        "binaryListValues": [],
    }


@dataclass(frozen=True)
class Done:
    """The ids of the messages to delete; the others come back after their visibility timeout."""

    message_ids: frozenset[str]
    problem: str = ""


def settle(message_ids: list[str], payload: bytes, is_error: bool, has_partial_responses: bool) -> Done:
    """Decide from the function's answer. A malformed partial response fails the whole batch, as does an unknown id."""
    if is_error:
        return Done(frozenset(), "the function failed")
    everything = frozenset(message_ids)
    if not has_partial_responses:
        return Done(everything)
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        return Done(everything)
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return Done(everything)
    if not isinstance(failures, list) or not all(isinstance(item, dict) for item in failures):
        return Done(frozenset(), "batchItemFailures is not a list of objects")
    failed = {str(item.get("itemIdentifier")) for item in failures}
    if not failed <= everything:
        return Done(
            frozenset(),
            f"batchItemFailures names messages that are not in the batch: {sorted(failed - everything)}",
        )
    return Done(everything - failed, "" if not failed else f"{len(failed)} of {len(everything)} messages failed")
