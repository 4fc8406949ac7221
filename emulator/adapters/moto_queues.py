"""When a queue has something to receive, and a seam into moto's SQS: the messages of a FIFO group that come back.

Applied once per process.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import moto.core.utils as moto_time
import moto.sqs.models as sqs

_ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def install() -> None:
    """Open the seam."""
    _keep_groups_in_order()


def next_visible_at(queue: Any) -> datetime | None:
    """When a message of the queue can be received next; in the past when one can now; None when there is none.

    The caller holds the lock of SQS.
    """
    now_ms = moto_time.unix_time_millis()
    earliest_ms: float | None = None
    blocked = _blocked_groups(queue, now_ms) if queue.fifo_queue else {}
    for message in _unexpired(queue, now_ms):
        due_ms = max(message.visible_at, message.delayed_until, blocked.get(message.group_id, 0.0))
        if due_ms < now_ms:
            return _ALWAYS
        earliest_ms = due_ms if earliest_ms is None else min(earliest_ms, due_ms)
    return None if earliest_ms is None else _ALWAYS + timedelta(milliseconds=int(earliest_ms) + 1)


def _blocked_groups(queue: Any, now_ms: float) -> dict[str, float]:
    """Until when the groups with a message in flight are kept back."""
    until: dict[str, float] = {}
    for message in queue.pending_messages:
        if message.group_id is not None and message.visible_at >= now_ms:
            until[message.group_id] = max(until.get(message.group_id, 0.0), message.visible_at)
    return until


def _keep_groups_in_order() -> None:
    """moto frees a group when it meets its last message that came back, having passed over the first ones."""

    def messages(queue: Any) -> list[Any]:
        now_ms = moto_time.unix_time_millis()  # one moment for all: what became visible first, is visible first
        return [one for one in queue._messages if one.visible_at < now_ms and one.delayed_until <= now_ms]

    def receive_message(backend: Any, queue_name: str, *args: Any, **kwargs: Any) -> Any:
        queue, now_ms = backend.get_queue(queue_name), moto_time.unix_time_millis()
        queue._pending_messages = {one for one in queue._pending_messages if one.visible_at >= now_ms}
        return receive(backend, queue_name, *args, **kwargs)

    receive = sqs.SQSBackend.receive_message
    sqs.SQSBackend.receive_message = receive_message
    sqs.Queue.messages = property(messages)
    sqs.Queue.pending_message_groups = property(lambda queue: set(_blocked_groups(queue, moto_time.unix_time_millis())))


def _unexpired(queue: Any, now_ms: float) -> Iterator[Any]:
    oldest_ms = now_ms - queue.message_retention_period * 1000
    return (message for message in queue._messages if message.sent_timestamp >= oldest_ms)
