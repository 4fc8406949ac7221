"""Give messages that nobody could handle another try."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from botocore.exceptions import ClientError

from driftloop.errors import UserError
from driftloop.options import DEFAULT_STATE, Profile, Region, State
from driftloop.screen import console
from driftloop.target import choose

_BATCH = 10
_ASK_ALL_S = 1
"""Without a wait SQS asks a sample of its servers, and answers that a short queue is empty when it is not."""


def replay(
    queue: Annotated[
        str, typer.Argument(help="The queue, such as driftloop-flights-ingest; its -dlq is emptied into it.")
    ],
    state: State = DEFAULT_STATE,
    profile: Profile = None,
    region: Region = None,
) -> None:
    """Move every message of a queue's dead-letter queue back into the queue."""
    sqs = choose(state, profile, region).client("sqs")
    name = queue.removesuffix("-dlq")
    with console.status(f"replaying {name}-dlq"):
        moved = move(sqs, _url(sqs, f"{name}-dlq"), _url(sqs, name))
    console.print(f"Replayed {moved} message(s) from {name}-dlq into {name}")


def move(sqs: Any, source_url: str, target_url: str) -> int:
    """Move the messages that wait now, each deleted only when the target has it; answers how many.

    A message that fails again comes back at once: it is not moved a second time.
    """
    seen: set[str] = set()
    names = ["ApproximateNumberOfMessages"]
    waiting = int(sqs.get_queue_attributes(QueueUrl=source_url, AttributeNames=names)["Attributes"][names[0]])
    while len(seen) < waiting:
        answer = sqs.receive_message(
            QueueUrl=source_url, MaxNumberOfMessages=_BATCH, MessageAttributeNames=["All"], WaitTimeSeconds=_ASK_ALL_S
        )
        messages = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        if not messages:
            break
        for message in messages:
            attributes = message.get("MessageAttributes", {})
            sqs.send_message(QueueUrl=target_url, MessageBody=message["Body"], MessageAttributes=attributes)
            sqs.delete_message(QueueUrl=source_url, ReceiptHandle=message["ReceiptHandle"])
            seen.add(message["MessageId"])
    return len(seen)


def _url(sqs: Any, name: str) -> str:
    try:
        return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])
    except ClientError as error:
        known = [url.rsplit("/", 1)[1] for url in sqs.list_queues().get("QueueUrls", [])]
        queues = ", ".join(item for item in known if not item.endswith("-dlq"))
        raise UserError(f"there is no queue '{name}'; the queues are: {queues or 'none'}") from error
