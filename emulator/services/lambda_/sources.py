"""What is asked of the world about event sources: are they there, may they be mapped, what do they hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.lambda_.source_settings import Kind
from emulator.semantics.lambda_.streams import Stream


@dataclass(frozen=True)
class Sources:
    """What costs no request, so that idle pollers are cheap: when a queue has something, how far a stream goes."""

    next_visible_at: Callable[[str], datetime | None]
    stream: Callable[[str], Stream | None]

    @staticmethod
    def of(kernel: Kernel) -> Sources:
        found: Sources = kernel.engines["lambda.sources"]
        return found


def queue_url(kernel: Kernel, arn: str) -> str:
    return str(kernel.calls("sqs", "GetQueueUrl", {"QueueName": arn.rsplit(":", 1)[1]})["QueueUrl"])


def stream_arn(arn: str) -> str:
    """The stream of a stream's or a consumer's ARN."""
    return arn.partition("/consumer/")[0]


def check(kernel: Kernel, kind: Kind, arn: str, row: dict[str, Any]) -> None:
    """Refuse a source that does not exist or does not fit the function.

    Raises:
        AwsError: InvalidParameterValueException.
    """
    if not kind.is_stream:
        _check_queue(kernel, arn, row)
        return
    if Sources.of(kernel).stream(stream_arn(arn)) is None:
        raise AwsError("InvalidParameterValueException", f"Stream not found: {stream_arn(arn)}")
    if arn != stream_arn(arn):
        _check_consumer(kernel, arn)


def _check_queue(kernel: Kernel, arn: str, row: dict[str, Any]) -> None:
    """AWS refuses a queue whose messages would come back while the function still works on them."""
    try:
        wanted = {"QueueUrl": queue_url(kernel, arn), "AttributeNames": ["VisibilityTimeout"]}
        visible_s = int(kernel.calls("sqs", "GetQueueAttributes", wanted)["Attributes"]["VisibilityTimeout"])
    except AwsError as error:
        message = f"Error occurred while ReceiveMessage. SQS Error Code: {error.code}. SQS Error Message: "
        raise AwsError("InvalidParameterValueException", message + error.message) from error
    if visible_s < row["Timeout"]:
        message = (
            f"Queue visibility timeout: {visible_s} seconds is less than Function timeout: {row['Timeout']} seconds"
        )
        raise AwsError("InvalidParameterValueException", message)


def _check_consumer(kernel: Kernel, arn: str) -> None:
    try:
        kernel.calls("kinesis", "DescribeStreamConsumer", {"ConsumerARN": arn})
    except AwsError as error:
        raise AwsError("InvalidParameterValueException", f"Consumer not found: {arn}") from error
