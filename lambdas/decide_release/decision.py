"""The approval state machine: what a person's word, or the end of a release, means. State and fact in, state out.

* Approved releases exactly that package; while another release runs it queues.
* Rejected while pending: people are told, and another attempt is asked for if any is left.
* Rejected in the queue: it leaves the queue.
* Rejected while it is being released: the release ends, then production goes back.
* Rejected while live: production goes back to the latest earlier package that is still approved.
* Pending never releases anything. The same status again, in whatever order and however often, changes nothing.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from lambdas.decide_release import notices
from lambdas.shared.events import RetrainingRequested, render_time
from lambdas.shared.executions import EndedStep
from lambdas.shared.ledger.releases import Outbox, Release, ReleaseState, Stage
from lambdas.shared.ledger.trail import AuditEntry
from lambdas.shared.packages import Package
from lambdas.shared.people import Notice

PENDING: Final = "PendingManualApproval"
APPROVED: Final = "Approved"
REJECTED: Final = "Rejected"

_LIVE_BEFORE_KEPT: Final = 10
_ME: Final = "driftloop"


@dataclass(frozen=True)
class PackageSeen:
    """The registry was asked about a package.

    Attributes:
        was: the status that the ledger saw last; None for a package it has never seen.
        approved: which of `candidates` are approved now.
        attempts_max: how many attempts a batch may have.
    """

    model: str
    package: Package
    was: str | None
    approved: frozenset[str]
    attempts_max: int
    event_id: str
    time: datetime


@dataclass(frozen=True)
class ReleaseEnded:
    """An execution of the release pipeline ended.

    Attributes:
        reason: why it did not succeed; empty if it did.
        approved: which of `candidates` are approved now.
        has_touched_production: it failed after it had begun to change production, and did not put it back.
        package: what was released, when a gate or the verdict said no to it; else None.
        attempts_max: how many attempts a batch may have.
        steps: what was done at each stage, for the audit trail.
    """

    model: str
    execution_arn: str
    is_success: bool
    reason: str
    approved: frozenset[str]
    event_id: str
    time: datetime
    has_touched_production: bool = False
    package: Package | None = None
    attempts_max: int = 1
    steps: tuple[EndedStep, ...] = ()


Fact = PackageSeen | ReleaseEnded


@dataclass(frozen=True)
class Decision:
    """The new state, and the entries for the audit trail."""

    state: ReleaseState
    entries: tuple[AuditEntry, ...] = ()

    def tell(self, *told: Notice) -> "Decision":
        """The same, with notices to send."""
        outbox = replace(self.state.outbox, notices=(*self.state.outbox.notices, *told))
        return replace(self, state=replace(self.state, outbox=outbox))

    def record(self, fact: Fact, what: str, subject: str, why: str = "", who: str = _ME) -> "Decision":
        """The same, with an entry for the audit trail."""
        entry = AuditEntry(render_time(fact.time), who, what, subject, why, fact.event_id, len(self.entries))
        return replace(self, entries=(*self.entries, entry))

    def but(self, **changes: object) -> "Decision":
        """The same, with fields of the state changed."""
        return replace(self, state=replace(self.state, **changes))  # type: ignore[arg-type]


def candidates(state: ReleaseState) -> tuple[str, ...]:
    """Packages whose approval a decision may depend on: those that may be released next."""
    return tuple(dict.fromkeys((*state.queue, *state.live_before)))


def decide(state: ReleaseState, fact: Fact) -> Decision | None:
    """What follows from a fact.

    Returns:
        None if nothing does: it is known already, or none of our business.
    """
    if isinstance(fact, ReleaseEnded):
        return _release_ended(state, fact)
    if fact.package.status == fact.was:
        return None
    package = fact.package
    change = _CHANGES.get(package.status, _set_aside)
    decision = Decision(state).record(fact, f"package.{package.status}", package.arn, package.why, package.who)
    return _bump(state, change(decision, fact))


def _pending(decision: Decision, fact: PackageSeen) -> Decision:
    arn = fact.package.arn
    told = decision.tell(notices.pending(fact.model, fact.package, _occasion(decision.state)))
    return _take_turn(_leave_queue(told, fact, arn), fact)


def _approved(decision: Decision, fact: PackageSeen) -> Decision:
    """It queues, and is released at once if nothing else is under way."""
    state, arn = decision.state, fact.package.arn
    current = state.current
    if current and current.package_arn == arn and not current.is_rollback:
        return decision.but(current=replace(current, was_rejected=False))
    is_staying = state.live == arn and not (current and current.is_rollback)
    if is_staying:
        return decision.but(is_rollback_due=False)
    if arn in state.queue:
        return decision
    queued = decision.but(queue=(*state.queue, arn))
    if current:
        queued = queued.record(fact, "release.queued", arn, f"after {current.package_arn}")
    return _take_turn(queued, replace(fact, approved=fact.approved | {arn}))


def _rejected(decision: Decision, fact: PackageSeen) -> Decision:
    state, package = decision.state, fact.package
    current = state.current
    occasion = _occasion(state)
    if package.arn in state.queue:
        left = _leave_queue(decision, fact, package.arn)
        return _take_turn(left.tell(notices.rejected_in_queue(fact.model, package, occasion)), fact)
    if current and current.package_arn == package.arn:
        doomed = decision.but(current=replace(current, was_rejected=True))
        return doomed.tell(notices.rejected_in_release(fact.model, package, occasion))
    if state.live == package.arn:
        if current and current.is_rollback:
            return decision  # its rollback is under way
        told = decision.tell(notices.rejected_live(fact.model, package, occasion))
        return _take_turn(told.but(is_rollback_due=True), fact)
    return _refused(decision, fact, occasion)


def _refused(decision: Decision, fact: PackageSeen, occasion: str) -> Decision:
    """Rejected before anything came of it: another attempt on its batch, if one is left."""
    package = fact.package
    told = decision.tell(notices.rejected(fact.model, package, occasion, may_retry=_may_retry(package, fact)))
    return _ask_again(told, fact, package, f"rejected: {package.why or 'no reason given'}")


def _set_aside(decision: Decision, fact: PackageSeen) -> Decision:
    """A status that AWS may invent some day: recorded, and nothing else."""
    return decision


_CHANGES: Final[Mapping[str, Callable[[Decision, PackageSeen], Decision]]] = {
    PENDING: _pending,
    APPROVED: _approved,
    REJECTED: _rejected,
}


def _release_ended(state: ReleaseState, fact: ReleaseEnded) -> Decision | None:
    current = state.current
    if current is None or current.stage is not Stage.RUNNING or current.execution_arn != fact.execution_arn:
        return None
    what = "rollback" if current.is_rollback else "release"
    decision = Decision(replace(state, current=None), _of_steps(fact, current))
    if fact.is_success:
        decision = decision.but(**_now_live(state, current, fact)).record(fact, f"{what}.done", current.package_arn)
        decision = decision.tell(notices.done(fact.model, current, state.live))
    else:
        is_still_due = state.is_rollback_due and not current.is_rollback
        decision = decision.but(is_rollback_due=is_still_due)
        decision = decision.record(fact, f"{what}.failed", current.package_arn, fact.reason)
        decision = decision.tell(notices.failed(fact.model, current, fact.reason, state.live))
        decision = _after_failure(decision, fact, current)
    return _bump(state, _take_turn(decision, fact))


def _of_steps(fact: ReleaseEnded, release: Release) -> tuple[AuditEntry, ...]:
    """An entry for each step: deployed, tested, compared, promoted, scaled, verified, withdrawn, taken down."""
    return tuple(
        AuditEntry(
            render_time(step.ended_at),
            _ME,
            f"step.{step.name}.{step.status}",
            release.package_arn,
            step.reason or f"release {release.release_id}",
            fact.event_id,
            order,
        )
        for order, step in enumerate(fact.steps)
    )


def _after_failure(decision: Decision, fact: ReleaseEnded, failed: Release) -> Decision:
    """Production goes back to what it served if it is not there any more; a model that was refused is tried again."""
    state = decision.state
    if fact.has_touched_production and state.live and not failed.is_rollback and not state.is_rollback_due:
        decision = _begin(decision, fact, state.live, is_rollback=True)
    if fact.package and not failed.is_rollback:
        decision = _ask_again(decision, fact, fact.package, f"not released: {fact.reason.splitlines()[0]}")
    return decision


def _ask_again(decision: Decision, fact: Fact, package: Package, reason: str) -> Decision:
    """Another attempt on the package's batch, if one is left."""
    if not _may_retry(package, fact):
        return decision
    request = RetrainingRequested(fact.model, reason, package.arn, fact.time)
    outbox = replace(decision.state.outbox, retrainings=(*decision.state.outbox.retrainings, request))
    return decision.but(outbox=outbox).record(fact, "retraining.requested", package.arn, reason)


def _may_retry(package: Package, fact: Fact) -> bool:
    return package.attempt < fact.attempts_max and bool(package.batch_id)


def _now_live(state: ReleaseState, current: Release, fact: ReleaseEnded) -> dict[str, object]:
    """Who was live before whom: after a rollback, whoever was live after the package that came back is forgotten."""
    arn, before = current.package_arn, state.live_before
    if current.is_rollback:
        before = before[before.index(arn) + 1 :] if arn in before else before
    else:
        before = tuple(dict.fromkeys(other for other in (state.live, *before) if other and other != arn))
    return {
        "live": arn,
        "live_since": render_time(fact.time),
        "served_since": state.served_since or state.live_since or render_time(fact.time),
        "live_before": before[:_LIVE_BEFORE_KEPT],
        "is_rollback_due": current.was_rejected,
    }


def _take_turn(decision: Decision, fact: Fact) -> Decision:
    """If nothing is under way: roll back if that is due, else release the next in the queue that is still approved."""
    if decision.state.current:
        return decision
    if decision.state.is_rollback_due:
        decision = _roll_back(decision, fact)
    while decision.state.queue and not decision.state.current:
        first, *rest = decision.state.queue
        decision = decision.but(queue=tuple(rest))
        if first in fact.approved:
            decision = _begin(decision, fact, first, is_rollback=False)
        else:
            decision = decision.record(fact, "release.dropped", first, "no longer approved when its turn came")
    return decision


def _roll_back(decision: Decision, fact: Fact) -> Decision:
    state = decision.state
    target = next((arn for arn in state.live_before if arn in fact.approved), None)
    decided = decision.but(is_rollback_due=False)
    if target is None:
        decided = decided.record(fact, "rollback.impossible", state.live, "no earlier package is approved")
        return decided.tell(notices.no_way_back(fact.model, state.live, _occasion(state)))
    return _begin(decided, fact, target, is_rollback=True)


def _begin(decision: Decision, fact: Fact, arn: str, *, is_rollback: bool) -> Decision:
    release = Release(arn, _release_id(decision.state, fact, arn), is_rollback)
    what = "rollback.started" if is_rollback else "release.started"
    return decision.but(current=release).record(fact, what, arn, f"release {release.release_id}")


def _leave_queue(decision: Decision, fact: Fact, arn: str) -> Decision:
    queue = decision.state.queue
    if arn not in queue:
        return decision
    left = decision.but(queue=tuple(other for other in queue if other != arn))
    return left.record(fact, "release.dropped", arn, "left the queue")


def _release_id(state: ReleaseState, fact: Fact, arn: str) -> str:
    """Readable, sorting by time, and different for each release: the state's version never comes twice."""
    digest = hashlib.sha256(f"{arn}#{state.version}".encode()).hexdigest()
    return f"{fact.time:%Y%m%dT%H%M%S}-{digest[:8]}"


def _occasion(state: ReleaseState) -> str:
    """What tells a notice from the same notice on another day."""
    return f"{state.version + 1:06d}"


def _bump(before: ReleaseState, decision: Decision) -> Decision:
    return decision.but(version=before.version + 1)


def emptied(state: ReleaseState, done: Outbox) -> ReleaseState:
    """The state without what was done; what came into the outbox meanwhile stays."""
    outbox = Outbox(
        notices=tuple(notice for notice in state.outbox.notices if notice not in done.notices),
        retrainings=tuple(request for request in state.outbox.retrainings if request not in done.retrainings),
    )
    return replace(state, version=state.version + 1, outbox=outbox)


def running(state: ReleaseState, release_id: str, execution_arn: str) -> ReleaseState | None:
    """STARTING -> RUNNING with the execution; None if that release is not about to start any more."""
    current = state.current
    if current is None or current.release_id != release_id or current.stage is not Stage.STARTING:
        return None
    current = replace(current, stage=Stage.RUNNING, execution_arn=execution_arn)
    return replace(state, version=state.version + 1, current=current)
