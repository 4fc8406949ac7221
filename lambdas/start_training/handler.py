"""Ingest queue -> runs of `train` and `retrain`: unwraps, decides, records, performs; safe to repeat anywhere."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, assert_never

from lambdas.shared.clients import Clients, LazyClients
from lambdas.shared.errors import Permanent
from lambdas.shared.events import (
    AlarmChanged,
    CallbackSent,
    EndpointChanged,
    Event,
    ExecutionChanged,
    ObjectCreated,
    PackageChanged,
    Reconcile,
    Reconsider,
    RetrainingRequested,
    StartRequested,
    Tick,
    render_start_requested,
)
from lambdas.shared.ledger.files import FileState
from lambdas.shared.observability import log
from lambdas.shared.packages import describe
from lambdas.shared.records import DeadLetters, handle_records, render_failures
from lambdas.shared.settings import StartTrainingSettings, read_start_training
from lambdas.start_training import decision, notices
from lambdas.start_training.books import Books, open_books
from lambdas.start_training.run import advance, request_rerun, settle


@dataclass(frozen=True)
class Wish:
    """A record that wants a run: now, or when the batching window has passed."""

    message_id: str
    time: datetime
    is_now: bool


@dataclass(frozen=True)
class StartTraining:
    """The function with what it needs."""

    settings: StartTrainingSettings
    clients: Clients
    books: Books

    def handle_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Every record first, then at most one start: files that come in one batch train together."""
        wishes: list[Wish] = []

        def handle(message_id: str, event: Event) -> None:
            wish = self._handle(message_id, event)
            if wish:
                wishes.append(wish)

        dead_letters = DeadLetters(self.clients.sqs, self.settings.shared.dead_letter_queue_url)
        failed = handle_records(batch, handle, dead_letters)
        return render_failures([*failed, *self._grant(wishes)])

    def _handle(self, message_id: str, event: Event) -> Wish | None:
        match event:
            case ObjectCreated():
                is_wanted = self._take_in(event)
                is_now = self.settings.batch_window_s == 0
                return Wish(message_id, event.time, is_now) if is_wanted else None
            case StartRequested():
                pass
            case ExecutionChanged():
                if event.is_terminal:
                    settle(self.settings, self.clients, self.books, event)
            case RetrainingRequested():
                package = describe(self.clients.sagemaker, event.package_arn)
                request_rerun(self.settings, self.books, event, package)
            case PackageChanged():
                raise Permanent(event.package_arn, "expected on the release queue, found on the ingest queue")
            case EndpointChanged() | CallbackSent() | Tick():
                raise Permanent(type(event).__name__, "expected on the queue of waits, found on the ingest queue")
            case AlarmChanged() | Reconsider() | Reconcile():
                raise Permanent(type(event).__name__, "expected on another queue, found on the ingest queue")
            case _:
                assert_never(event)
        return Wish(message_id, event.time, is_now=True)

    def _take_in(self, event: ObjectCreated) -> bool:
        """Register an object.

        Returns:
            Whether a start is wanted: also if an earlier delivery registered or even claimed it, for that one may
            have got no further.
        """
        judgement = decision.judge(event, self.settings.raw_bucket, self.settings.raw_prefix)
        fields = {"key": event.key, "version_id": event.version_id, "size_bytes": event.size_bytes}
        match judgement:
            case decision.Ignored(reason):
                log.warning("object.ignored", extra={**fields, "reason": reason})
                return False
            case decision.Refused(file, reason):
                self.books.files.refuse(file, reason)
                self.books.people.tell(notices.refused(self.settings.shared.model, file, reason))
                log.warning("file.quarantined", extra={**fields, "reason": reason})
                return False
            case decision.Admitted(file):
                state = self.books.files.register(file)
                log.info("file.registered", extra={**fields, "state": state})
                return state in (FileState.NEW, FileState.CLAIMED)
            case _:
                assert_never(judgement)

    def _grant(self, wishes: list[Wish]) -> list[str]:
        """Start what was wished for.

        Returns:
            Ids of the messages whose wish failed and has to come again.
        """
        failed = []
        for is_now, act in ((True, self._start_now), (False, self._start_later)):
            wanted = [wish for wish in wishes if wish.is_now is is_now]
            if not wanted:
                continue
            try:
                act(max(wish.time for wish in wanted))
            except Exception:  # whatever it is: the records come again, and the start is safe to repeat
                log.exception("start.failed", extra={"messages": len(wanted)})
                failed += [wish.message_id for wish in wanted]
        return failed

    def _start_now(self, time: datetime) -> None:
        advance(self.settings, self.clients, self.books, time)

    def _start_later(self, time: datetime) -> None:
        """The queue waits for the window, so that no function does."""
        self.clients.sqs.send_message(
            QueueUrl=self.settings.shared.ingest_queue_url,
            MessageBody=render_start_requested(StartRequested(self.settings.shared.model, time)),
            DelaySeconds=self.settings.batch_window_s,
        )


@cache
def _function() -> StartTraining:
    settings, clients = read_start_training(os.environ), LazyClients()
    return StartTraining(settings, clients, open_books(settings, clients))


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the function; `event` is a batch of an SQS event source."""
    return _function().handle_batch(event)
