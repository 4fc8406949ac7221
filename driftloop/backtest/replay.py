"""A policy on history: look, decide by the guard's own code, train, release, go on.

Production is asked once for each row when it happens; its label comes `label_delay_s` later. A run is made from what
the guard asks for: requests with their labels since the champion's data ended, and a share of the champion's rows. It
is released `lead_s` later if it passes the gates of `train`: the threshold, and not surely worse than the champion on
the run's own hold-out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import numpy as np

from driftloop.backtest import watching
from driftloop.backtest.history import Array, History
from driftloop.backtest.models import Fitted, Workshop
from driftloop.backtest.policies import MONTH_S, Policy, Terms
from lambdas.shared.ledger.episodes import Guard
from lambdas.shared.prices import cost_usd
from lambdas.start_retraining.decision import (
    DRIFT,
    QUALITY,
    Alarm,
    Champion,
    Facts,
    Outcome,
    UnderWay,
    decide,
    remembered,
)

TRAINED: Final = "trained"
RELEASED: Final = "released"
REFUSED: Final = "refused"
CALLED: Final = "called a person"
_SURE: Final = 1.96
"""Standard errors of a 95 % interval, of samples as large as hold-outs are."""


@dataclass(frozen=True)
class Event:
    """Something that a policy did."""

    at_s: float
    kind: str
    why: str


@dataclass(frozen=True)
class Version:
    """A model that was released.

    Attributes:
        baseline: its metric on its own hold-out.
        fresh_until_s: up to when requests are in it; None for the first, which was made from files.
    """

    number: int
    model: Fitted
    baseline: float
    live_s: float
    fresh_until_s: float | None = None


@dataclass(frozen=True)
class Pending:
    """A run that goes on; `version` is None if a gate refused what it made."""

    batch_id: str
    ready_s: float
    version: Version | None
    said: str


@dataclass
class Course:
    """What became of a policy.

    Attributes:
        served: production's answers. Shape: rows of history; NaN before production.
        labels_used: rows whose label was paid for, by runs and by the monitor of quality. Shape: rows; bool.
    """

    policy: Policy
    served: Array
    labels_used: Array
    usd: float = 0.0
    events: list[Event] = field(default_factory=list)

    def count(self, kind: str) -> int:
        """How often something happened."""
        return sum(event.kind == kind for event in self.events)


class Replay:
    """One policy on one history."""

    def __init__(self, history: History, workshop: Workshop, terms: Terms, policy: Policy) -> None:
        self._history, self._workshop, self._terms, self._policy = history, workshop, terms, policy
        self._guard = Guard()
        self._pending: Pending | None = None
        self._ended: dict[str, datetime] = {}
        self._spent: list[tuple[float, float]] = []
        self._due_s: float | None = None
        self._baselines: dict[int, watching.Baseline] = {}
        count = len(history)
        self.course = Course(policy, np.full(count, np.nan), np.zeros(count, dtype=bool))

    def run(self, start_s: float, tell: Callable[[float, int], None]) -> Course:
        """From the first release on to the end of history.

        Raises:
            ValueError: no model can be made of what there was before.
        """
        first = self._workshop.fit(np.arange(self._history.between(-np.inf, start_s).stop))
        if first is None:
            raise ValueError("no model can be made of the rows before the start")
        self._start_s = start_s
        baseline = self._metric(first.holdout[1], self._workshop.on_holdout(first, first))
        self._champion = Version(1, first, baseline, start_s)
        self._due_s = _next_due(self._policy.every_s, start_s)
        now_s, end_s = start_s, float(self._history.at_s[-1])
        while now_s <= end_s:
            then_s = now_s + self._terms.look_every_s
            self._serve(self._history.between(now_s, then_s))
            now_s = then_s
            self._look(now_s)
            tell(now_s, len(self.course.events))
        return self.course

    def _serve(self, rows: slice) -> None:
        if rows.stop > rows.start:
            self.course.served[rows] = self._workshop.scores(self._champion.model, rows)

    def _look(self, now_s: float) -> None:
        """One run of the monitors, and what the guard makes of it."""
        self._settle(now_s)
        before, now = self._guard, _at(now_s)
        decision = decide(before, self._facts(now_s), self._terms.guard)
        self._guard = remembered(before, decision, now) or before
        if decision.wanted:
            fresh = decision.wanted.fresh
            since_s = _seconds(fresh.fresh_since) if fresh.fresh_since != "none" else -np.inf
            self._train(decision.wanted.batch_id, now_s, decision.why, (since_s, _seconds(fresh.fresh_until)))
        elif decision.outcome is Outcome.STOP and self._guard.said != before.said:
            self._tell(now_s, CALLED, decision.why)

    def _settle(self, now_s: float) -> None:
        """A run that has ended is released, or was refused."""
        pending = self._pending
        if pending is None or pending.ready_s > now_s:
            return
        self._ended[pending.batch_id] = _at(pending.ready_s)
        self._pending = None
        if pending.version:
            self._champion = pending.version
        self._tell(now_s, RELEASED if pending.version else REFUSED, pending.said)

    def _facts(self, now_s: float) -> Facts:
        champion, guard = self._champion, self._terms.guard
        since_s = now_s - guard.budget_days * 86_400
        return Facts(
            now=_at(now_s),
            alarm=self._alarm(now_s),
            champion=Champion(
                f"model/{champion.number}",
                _at(champion.live_s),
                f"the rows of version {champion.number}",
                _at(champion.fresh_until_s) if champion.fresh_until_s is not None else None,
                is_first=champion.number == 1,
            ),
            under_way=UnderWay(batch_id=self._pending.batch_id if self._pending else ""),
            ended=self._ended,
            spent_usd=sum(usd for at_s, usd in self._spent if at_s > since_s),
        )

    def _alarm(self, now_s: float) -> Alarm:
        """The composite of what the policy watches. A calendar asks as drift does: at once, by inputs alone."""
        standing = set()
        if self._policy.drift is not None and self._has_drifted(now_s, self._policy.drift):
            standing.add(DRIFT)
        if self._policy.quality is not None and self._is_worse(now_s, self._policy.quality):
            standing.add(QUALITY)
        if self._due_s is not None and now_s >= self._due_s:
            standing.add(DRIFT)
        return Alarm("ALARM" if standing else "OK", frozenset(standing))

    def _has_drifted(self, now_s: float, threshold: float) -> bool:
        history, champion = self._history, self._champion
        watched = [name for name in history.features if name not in self._terms.ignored]
        if champion.number not in self._baselines:
            rows = history.frame[champion.model.rows].select(watched)
            self._baselines = {champion.number: watching.baseline(rows)}
        window = history.frame[history.between(now_s - self._terms.guard.window_s, now_s)].select(watched)
        found = watching.drifts(window, self._baselines[champion.number], threshold)
        return any(drift.is_violation for drift in found.values())

    def _is_worse(self, now_s: float, margin: float) -> bool:
        """On the newest window whose labels have come."""
        guard, course = self._terms.guard, self.course
        end_s = now_s - guard.label_delay_s
        rows = self._history.between(end_s - guard.window_s, end_s)
        known = ~(np.isnan(self._history.truth[rows]) | np.isnan(course.served[rows]))
        course.labels_used[rows] |= known
        truth, scores = self._history.truth[rows][known], course.served[rows][known]
        return self._metric(truth, scores) < self._champion.baseline * (1 - margin)  # never for NaN

    def _train(self, batch_id: str, now_s: float, why: str, window: tuple[float, float]) -> None:
        rows, fresh = self._rows(window)
        self.course.labels_used[fresh] = True
        self._tell(now_s, TRAINED, f"{why}; {len(fresh):,} fresh rows of {len(rows):,}")
        if self._due_s is not None:
            self._due_s = _next_due(self._policy.every_s, now_s)
        model = self._workshop.fit(rows)
        self._pay(now_s, model)
        version, said = None, "no model can be made of these rows"
        if model is not None:
            mine = self._workshop.on_holdout(model, model)
            baseline = self._metric(model.holdout[1], mine)
            said = self._refused(model, mine, baseline)
            ready_s = now_s + self._terms.lead_s
            version = None if said else Version(self._champion.number + 1, model, baseline, ready_s, window[1])
        self._pending = Pending(batch_id, now_s + self._terms.lead_s, version, said)

    def _rows(self, window: tuple[float, float]) -> tuple[Array, Array]:
        """What Assemble would make: a seeded share of the champion's rows, and the fresh ones with a label."""
        since_s = max(window[0], self._start_s)  # nothing was captured before production
        fresh = np.arange(len(self._history))[self._history.between(since_s, window[1])]
        fresh = fresh[~np.isnan(self._history.truth[fresh])]
        old = self._champion.model.rows
        drawn = np.random.default_rng(self._champion.number).random(len(old)) < self._terms.guard.history_share
        return np.concatenate([old[drawn], fresh]), fresh

    def _metric(self, truth: Array, scores: Array) -> float:
        return watching.metric(str(self._history.contract["metric"]), truth, scores)

    def _refused(self, model: Fitted, mine: Array, value: float) -> str:
        """What train's gates say against a model; empty if nothing."""
        contract, truth = self._history.contract, model.holdout[1]
        threshold = contract["thresholds"][contract["metric"]]
        if not value >= threshold:
            return f"hold-out {contract['metric']} is {value:.4f}, below the threshold {threshold}"
        other = self._workshop.on_holdout(self._champion.model, model)
        worse = watching.losses(truth, mine) - watching.losses(truth, other)
        at_least = float(worse.mean() - _SURE * worse.std() / np.sqrt(len(worse)))
        margin = contract.get("release", {}).get("tests", {}).get("champion_margin", 0.02)
        return "" if at_least <= margin else f"worse than the champion by at least {at_least:.4f}"

    def _pay(self, now_s: float, model: Fitted | None) -> None:
        usd = self._terms.prices.training_usd
        if usd is None:
            machines = self._history.contract["instances"]
            usd = cost_usd(machines["training"], 1, model.training_s if model else 0.0)
            usd += cost_usd(machines["processing"], 1, model.processing_s if model else 0.0)
        self._spent.append((now_s, usd))
        self.course.usd += usd

    def _tell(self, at_s: float, kind: str, why: str) -> None:
        self.course.events.append(Event(at_s, kind, why))


def _next_due(every_s: float | None, after_s: float) -> float | None:
    if every_s is None:
        return None
    if every_s != MONTH_S:
        return after_s + every_s
    after = _at(after_s)
    return datetime(after.year + after.month // 12, after.month % 12 + 1, 1, tzinfo=UTC).timestamp()


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
