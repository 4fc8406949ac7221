"""What is sent again, and where. Facts in, messages out; nothing here acts on the loop itself.

An event may still be under way, so what is younger than `GRACE` is left alone; a message that comes twice is harmless,
since every handler is idempotent. Not looked for, because others do:

* an endpoint that changed, or a wait that is due: each wait has ticks of its own (`answer_waits`), until its deadline;
  only a wait that outlives them is ticked here;
* a callback step's own message: SageMaker sends it to the queue itself and fails the step if it cannot; one that nobody
  could handle is a dead letter with an alarm;
* a queue of releases behind none: the decision that ends a release takes the next, in one transaction; what can be lost
  is the end of the release, and that is looked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from lambdas.reconcile import resending
from lambdas.reconcile.facts import Facts
from lambdas.shared.events import Reconsider, StartRequested, render_reconsider, render_start_requested

GRACE: Final = timedelta(minutes=5)
"""An event that comes at all has come by then, its batching window included."""
TICKS_END: Final = timedelta(hours=1)
"""How long a wait's own ticks go on after its deadline."""


class Queue(Enum):
    """Where a message goes."""

    INGEST = "ingest"
    RELEASE = "release"
    WAITS = "waits"
    RETRAINING = "retraining"


@dataclass(frozen=True)
class Message:
    """Something that was lost, or a reminder.

    Attributes:
        what: a constant, such as `object.unknown`.
        subject: what it is about.
        is_reminder: it may be sent again and again; else the same is not sent again for a while.
    """

    queue: Queue
    what: str
    subject: str
    body: str
    is_reminder: bool = False


def decide(facts: Facts) -> tuple[Message, ...]:
    """What to send."""
    return (*_objects(facts), *_packages(facts), *_training(facts), *_release(facts), *_waits(facts), *_alarm(facts))


def is_old(time: datetime | None, facts: Facts) -> bool:
    """Whether an event of that time would have come by now."""
    return time is not None and facts.now - time >= GRACE


def _objects(facts: Facts) -> Iterator[Message]:
    for stored in facts.objects:
        if is_old(stored.modified_at, facts):
            subject = f"s3://{stored.bucket}/{stored.key}#{stored.version_id}"
            yield Message(Queue.INGEST, "object.unknown", subject, resending.object_created(stored))


def _packages(facts: Facts) -> Iterator[Message]:
    """Pending ones too: nobody was told to decide."""
    for package in facts.packages:
        if is_old(package.changed_at, facts):
            body = resending.package_changed(package, package.changed_at)
            yield Message(Queue.RELEASE, f"package.{package.status}", package.arn, body)


def _training(facts: Facts) -> Iterator[Message]:
    """The end of a run goes to both who wait for it; a start that was not finished, or not asked for, is anybody's."""
    training = facts.training
    execution = training.execution
    if execution and execution.has_ended and is_old(execution.changed_at, facts):
        for queue in (Queue.INGEST, Queue.RETRAINING):
            yield Message(queue, "run.ended", execution.arn, resending.execution_changed(execution))
    if is_old(training.half_started_at, facts) or (training.is_free and is_old(training.waiting_since, facts)):
        body = render_start_requested(StartRequested(facts.model, facts.now))
        yield Message(Queue.INGEST, "start.requested", facts.model, body, is_reminder=True)


def _release(facts: Facts) -> Iterator[Message]:
    """Any message makes `decide_release` do first what was left undone: its package's event again is the nearest."""
    releasing = facts.releasing
    execution, package = releasing.execution, releasing.package
    if execution and execution.has_ended and is_old(execution.changed_at, facts):
        yield Message(Queue.RELEASE, "release.ended", execution.arn, resending.execution_changed(execution))
    if package and is_old(releasing.undone_since, facts):
        body = resending.package_changed(package, package.changed_at)
        yield Message(Queue.RELEASE, "release.undone", package.arn, body, is_reminder=True)


def _waits(facts: Facts) -> Iterator[Message]:
    for wait in facts.overdue:
        if facts.now - wait.deadline_at >= TICKS_END + GRACE:
            body = resending.tick(facts.model, wait.token, facts.now)
            yield Message(Queue.WAITS, "wait.overdue", wait.token, body, is_reminder=True)


def _alarm(facts: Facts) -> Iterator[Message]:
    """An alarm that stands while nothing runs, or one that went away without the guard's hearing of it."""
    alarm = facts.alarm
    if alarm is None or not is_old(alarm.changed_at, facts):
        return
    is_unanswered = alarm.state == "ALARM" and facts.training.is_free
    is_unheard = alarm.state == "OK" and alarm.is_episode_open
    if is_unanswered or is_unheard:
        body = render_reconsider(Reconsider(facts.model, facts.now))
        yield Message(Queue.RETRAINING, "alarm.reconsidered", alarm.state, body, is_reminder=True)
