"""The poller of a queue: gathers batches, and has several handled at a time.

AWS_NAME: Lambda pollers of Amazon SQS: concurrency, batching window, throttling
SOURCE: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html (read 2026-11-23)
DIFFERS: five batches at a time, or as many as ScalingConfig says; AWS goes on from five by 300 a minute while
    messages wait. AWS polls less after errors, the emulator does not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.lambda_ import event_filters, payloads, source_settings, sqs_batches
from emulator.services.lambda_ import source_calls
from emulator.services.lambda_.sources import Sources, queue_url

CONCURRENT_BATCHES = 5
"""A standard queue starts with five concurrent batches. SOURCE: lambda/latest/dg/services-sqs-scaling.html."""
AT_ONCE = 10
"""The most that ReceiveMessage and DeleteMessageBatch take."""
Message = dict[str, Any]


@dataclass(frozen=True)
class _Held:
    """A message that was received and waits for its batch, with its record."""

    message: Message
    record: dict[str, Any]
    size_bytes: int


class QueuePoller:
    """Receives from one queue and invokes its function, at most so many batches at a time."""

    def __init__(self, kernel: Kernel, uuid: str, wake: Callable[[], None]) -> None:
        self._kernel = kernel
        self._uuid = uuid
        self._wake = wake
        self._held: list[_Held] = []
        self._closes_at: datetime | None = None
        self._in_flight = 0
        self._lock = threading.Lock()

    def turn(self, mapping: dict[str, Any]) -> datetime | None:
        """Gather until the queue is empty or the batch full; hand over what is due."""
        due_at = self.due_at(mapping)
        if due_at is None or due_at > self._kernel.clock.now():
            return due_at
        with self._kernel.dispatcher.busy(f"event source {self._uuid}"):
            while self._has_slot(mapping):
                self._gather(mapping)
                batch = self._closed(mapping)
                if not batch:
                    break
                with self._lock:
                    self._in_flight += 1
                self._kernel.dispatcher.start("event source batch", partial(self._hand_over, mapping, batch))
        return self.due_at(mapping) if self._has_slot(mapping) else None

    def due_at(self, mapping: dict[str, Any]) -> datetime | None:
        visible_at = Sources.of(self._kernel).next_visible_at(mapping["EventSourceArn"])
        return min((at for at in (self._closes_at, visible_at) if at is not None), default=None)

    def rest(self) -> None:
        self._held, self._closes_at = [], None

    def _has_slot(self, mapping: dict[str, Any]) -> bool:
        limit = mapping.get("ScalingConfig", {}).get("MaximumConcurrency") or CONCURRENT_BATCHES
        return self._in_flight < int(limit)

    def _gather(self, mapping: dict[str, Any]) -> None:
        """Receive while there is something and the batch has room. The first message opens the window."""
        url = queue_url(self._kernel, mapping["EventSourceArn"])
        while not self._is_full(mapping) and self._has_messages(mapping):
            messages = self._receive(mapping, url)
            if not messages:
                return  # what was there went to the dead-letter queue
            self._keep(mapping, url, messages)

    def _has_messages(self, mapping: dict[str, Any]) -> bool:
        at = Sources.of(self._kernel).next_visible_at(mapping["EventSourceArn"])
        return at is not None and at <= self._kernel.clock.now()

    def _is_full(self, mapping: dict[str, Any]) -> bool:
        return payloads.is_full((held.size_bytes for held in self._held), mapping["BatchSize"])

    def _receive(self, mapping: dict[str, Any], url: str) -> list[Message]:
        request = {
            "QueueUrl": url,
            "MaxNumberOfMessages": min(mapping["BatchSize"] - len(self._held), AT_ONCE),
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
            "WaitTimeSeconds": 0,
        }
        role = source_calls.principal(self._kernel, mapping)
        return list(self._kernel.calls("sqs", "ReceiveMessage", request, role).get("Messages", []))

    def _keep(self, mapping: dict[str, Any], url: str, messages: list[Message]) -> None:
        """Hold what passes the filters; the rest is deleted, as AWS does."""
        arn = mapping["EventSourceArn"]
        held = [
            _Held(message, record, payloads.size_bytes(record))
            for message, record in zip(messages, sqs_batches.render(messages, arn)["Records"], strict=True)
        ]
        filters = _filters(mapping)
        passed = [one for one in held if filters.passes(one.record)]
        dropped = [one.message for one in held if one not in passed]
        self._delete(mapping, url, dropped)
        source_calls.count(self._kernel, mapping, PolledEventCount=len(messages), FilteredOutEventCount=len(dropped))
        if passed and self._closes_at is None:
            window_s = mapping["MaximumBatchingWindowInSeconds"]
            self._closes_at = self._kernel.clock.now() + timedelta(seconds=window_s)
        self._held += passed

    def _closed(self, mapping: dict[str, Any]) -> list[_Held]:
        """The batch, when it is full or its window over. What does not fit any more opens the next."""
        now = self._kernel.clock.now()
        if self._closes_at is None or not (self._closes_at <= now or self._is_full(mapping)):
            return []
        count = payloads.fitting((held.size_bytes for held in self._held), mapping["BatchSize"])
        batch, self._held = self._held[:count], self._held[count:]
        self._closes_at = now if self._held else None
        return batch

    def _hand_over(self, mapping: dict[str, Any], batch: list[_Held]) -> None:
        """What is not done comes back by itself, after its visibility timeout: also what never reached the function."""
        try:
            self._invoke(mapping, batch)
        except AwsError as error:
            source_calls.tell_failure(self._kernel, mapping, str(error))
            source_calls.count(self._kernel, mapping, FailedInvokeEventCount=len(batch))
        finally:
            with self._lock:
                self._in_flight -= 1
            self._wake()

    def _invoke(self, mapping: dict[str, Any], batch: list[_Held]) -> None:
        source_calls.count(self._kernel, mapping, InvokedEventCount=len(batch))
        answer = source_calls.invoke(self._kernel, mapping, {"Records": [held.record for held in batch]})
        is_partial = source_settings.PARTIAL in mapping["FunctionResponseTypes"]
        ids = [held.message["MessageId"] for held in batch]
        done = sqs_batches.settle(ids, answer.payload, bool(answer.error), is_partial)
        if done.problem:
            source_calls.tell_failure(self._kernel, mapping, done.problem, **source_calls.shown(answer))
        messages = [held.message for held in batch if held.message["MessageId"] in done.message_ids]
        self._delete(mapping, queue_url(self._kernel, mapping["EventSourceArn"]), messages)
        failed = len(batch) - len(messages)
        source_calls.count(self._kernel, mapping, DeletedEventCount=len(messages), FailedInvokeEventCount=failed)

    def _delete(self, mapping: dict[str, Any], url: str, messages: list[Message]) -> None:
        role = source_calls.principal(self._kernel, mapping) if messages else None
        for some in _tens(messages):
            entries = [{"Id": str(at), "ReceiptHandle": one["ReceiptHandle"]} for at, one in enumerate(some)]
            self._kernel.calls("sqs", "DeleteMessageBatch", {"QueueUrl": url, "Entries": entries}, role)


def _filters(mapping: dict[str, Any]) -> event_filters.Filters:
    kind = source_settings.kind_of(mapping["EventSourceArn"])
    patterns = tuple(one["Pattern"] for one in mapping.get("FilterCriteria", {}).get("Filters", []))
    return event_filters.compile(patterns, kind.name)


def _tens(messages: list[Message]) -> Iterator[list[Message]]:
    return (messages[at : at + AT_ONCE] for at in range(0, len(messages), AT_ONCE))
