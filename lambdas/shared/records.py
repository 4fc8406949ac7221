"""A batch of queue messages: each is handled for itself, and only those that failed come back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from lambdas.shared.errors import Permanent
from lambdas.shared.events import Event, InvalidEventError, parse_event
from lambdas.shared.observability import log

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True)
class DeadLetters:
    """Where a message goes that no retry will help."""

    sqs: "SQSClient"
    queue_url: str

    def take(self, body: str, reason: str) -> None:
        """Keep the message as it came, with the reason beside it, ready for a replay."""
        self.sqs.send_message(
            QueueUrl=self.queue_url,
            MessageBody=body,
            MessageAttributes={"REASON": {"DataType": "String", "StringValue": reason[:1000]}},
        )


def handle_records(
    batch: Mapping[str, Any], handle: Callable[[str, Event], None], dead_letters: DeadLetters
) -> list[str]:
    """Handle every record.

    Args:
        batch: the event of an SQS event source.
        handle: gets the message id and the event; raises `Permanent` for the dead-letter queue, and anything else
            for another try.

    Returns:
        Ids of the messages that have to come again.
    """
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)

    def handle_record(record: SQSRecord) -> None:
        try:
            sent_ms = record.raw_event["attributes"].get("SentTimestamp", "")
            handle(record.message_id, parse_event(record.body, sent_ms))
        except (InvalidEventError, Permanent) as exc:
            log.error("message.refused", extra={"message_id": record.message_id, "reason": str(exc)})
            dead_letters.take(record.body, str(exc))
        except Exception:
            log.exception("message.failed", extra={"message_id": record.message_id})
            raise

    with processor(list(batch["Records"]), handle_record):
        processor.process()
    return [str(failure["itemIdentifier"]) for failure in processor.response()["batchItemFailures"]]


def render_failures(message_ids: list[str]) -> dict[str, Any]:
    """What a function answers to its SQS event source."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in dict.fromkeys(message_ids)]}
