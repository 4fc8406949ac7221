"""What a dead-letter queue receives of a delivery that was given up."""

from __future__ import annotations

from collections.abc import Mapping

from emulator.semantics.events.delivery import GiveUp
from emulator.semantics.events.target_calls import Call, queue_url

AWS_NAME = "Dead-letter queues of EventBridge rules and of EventBridge Scheduler"
SOURCE = (
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html and "
    "https://docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html (read 2026-11-23)"
)


def attributes(verdict: GiveUp, message: str, retries: int) -> dict[str, str]:
    """The message attributes that say why, the same for both services."""
    exhausted = {"EXHAUSTED_RETRY_CONDITION": verdict.exhausted} if verdict.exhausted else {}
    return {
        "ERROR_CODE": verdict.error_code,
        "ERROR_MESSAGE": message or verdict.error_code,
        "RETRY_ATTEMPTS": str(retries),
        **exhausted,
    }


def call(queue_arn: str, text: str, facts: Mapping[str, str]) -> Call:
    """The message to the queue."""
    rendered = {name: {"DataType": "String", "StringValue": value} for name, value in facts.items()}
    request = {"QueueUrl": queue_url(queue_arn), "MessageBody": text, "MessageAttributes": rendered}
    return Call("sqs", "SendMessage", request)
