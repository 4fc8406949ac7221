"""Reconcile's queue -> what was lost, sent again: asks, decides, sends, publishes; safe to repeat anywhere."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from lambdas.reconcile import decision, gauges, schedules
from lambdas.reconcile.decision import Message, Queue
from lambdas.reconcile.facts import Facts
from lambdas.reconcile.objects import RawObjects, Sweep
from lambdas.reconcile.sources import Sources
from lambdas.shared.clients import Clients, LazyClients
from lambdas.shared.errors import Permanent
from lambdas.shared.events import Event, Reconcile, parse_time, render_time
from lambdas.shared.ledger.releases import ReleaseState, read_state
from lambdas.shared.ledger.table import Put, Table
from lambdas.shared.observability import log
from lambdas.shared.records import DeadLetters, handle_records, render_failures
from lambdas.shared.settings import ReconcileSettings, read_reconcile

_AGAIN_AFTER: Final = timedelta(hours=1)
"""What was sent and is still there may be with a function that keeps failing: its dead letters say so often enough."""


@dataclass
class Turn:
    """One look at everything. A part that cannot be looked at must not hold up the others.

    Attributes:
        sweep: how far the objects were gone through.
        problems: what went wrong; the first makes the message come again.
    """

    now: datetime
    facts: Facts
    sweep: Sweep | None = None
    problems: list[Exception] = field(default_factory=list)

    def attempt(self, part: str, act: Callable[[], object]) -> object:
        """Do one part.

        Returns:
            What came of it; None if it failed.
        """
        try:
            return act()
        except Exception as exc:
            log.exception("reconcile.failed", extra={"part": part})
            self.problems.append(exc)
            return None


@dataclass(frozen=True)
class ReconcileFunction:
    """The function with what it needs."""

    settings: ReconcileSettings
    clients: Clients
    table: Table
    sources: Sources
    objects: RawObjects

    def handle_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Every record for itself."""
        dead_letters = DeadLetters(self.clients.sqs, self.settings.shared.dead_letter_queue_url)
        return render_failures(handle_records(batch, lambda _, event: self._handle(event), dead_letters))

    def _handle(self, event: Event) -> None:
        if not isinstance(event, Reconcile):
            raise Permanent(type(event).__name__, "expected on another queue, found on the reconciler's")
        turn = self._look(event.time)
        sent = sum(self._send(message, turn.now) for message in decision.decide(turn.facts))
        if turn.sweep:
            self.objects.keep(turn.sweep)
        turn.attempt("gauges", lambda: self._publish(turn.now))
        log.info("reconciled", extra={"sent": sent, "problems": len(turn.problems)})
        if turn.problems:
            raise turn.problems[0]

    def _look(self, now: datetime) -> Turn:
        turn = Turn(now, Facts(self.settings.shared.model, now))
        parts: Mapping[str, Callable[[], object]] = {
            "packages": self.sources.packages,
            "training": self.sources.training,
            "releasing": lambda: self.sources.releasing(now),
            "overdue": lambda: self.sources.overdue(now),
            "alarm": self.sources.alarm,
            "objects": lambda: self._objects(turn),
        }
        seen: dict[str, Any] = {part: turn.attempt(part, look) for part, look in parts.items()}
        turn.facts = replace(turn.facts, **{part: found for part, found in seen.items() if found is not None})
        return turn

    def _objects(self, turn: Turn) -> object:
        found = self.objects.look(turn.now)
        turn.sweep = found.sweep
        return found.objects

    def _send(self, message: Message, now: datetime) -> bool:
        """Send it unless the same was sent a short while ago; first send, then remember: twice rather than never."""
        name = hashlib.sha256(f"{message.queue.value}\0{message.body}".encode()).hexdigest()
        row = None if message.is_reminder else self.table.get(self._resent, name)
        if row and now - parse_time(row["at"]) < _AGAIN_AFTER:
            return False
        self.clients.sqs.send_message(QueueUrl=self._url(message.queue), MessageBody=message.body)
        log.info("reconcile.sent", extra={"what": message.what, "subject": message.subject})
        if not message.is_reminder:
            fields = {"at": render_time(now), "what": message.what, "subject": message.subject}
            self.table.write(Put({"pk": self._resent, "sk": name, **fields}))
        return True

    def _publish(self, now: datetime) -> None:
        release = read_state(self.table, self.settings.shared.model)
        measured = self._measured(release, now) if release.live else ()
        gauges.publish(self.clients.cloudwatch, self.settings.shared.model, measured)

    def _measured(self, release: ReleaseState, now: datetime) -> tuple[gauges.Gauge, ...]:
        sagemaker, settings = self.clients.sagemaker, self.settings
        if settings.schedules:
            return schedules.measure(schedules.list_runs(sagemaker, settings.schedules), release, now)
        return gauges.measure(gauges.list_runs(sagemaker, settings.watch_pipeline), release, now)

    def _url(self, queue: Queue) -> str:
        return {
            Queue.INGEST: self.settings.shared.ingest_queue_url,
            Queue.RELEASE: self.settings.release_queue_url,
            Queue.WAITS: self.settings.waits_queue_url,
            Queue.RETRAINING: self.settings.retraining_queue_url,
        }[queue]

    @property
    def _resent(self) -> str:
        return f"RESENT#{self.settings.shared.model}"


@cache
def _function() -> ReconcileFunction:
    return build(read_reconcile(os.environ), LazyClients())


def build(settings: ReconcileSettings, clients: Clients) -> ReconcileFunction:
    """The function for one model."""
    shared = settings.shared
    table = Table(clients.dynamodb, shared.ledger_table)
    objects = RawObjects(clients.s3, table, shared.model, settings.raw_bucket, settings.raw_prefix)
    return ReconcileFunction(settings, clients, table, Sources(settings, clients, table), objects)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the function; `event` is a batch of an SQS event source."""
    return _function().handle_batch(event)
