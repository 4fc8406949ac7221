"""What policies came to: the quality of their answers, period by period, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from driftloop.backtest.history import History
from driftloop.backtest.replay import RELEASED, TRAINED, Course
from driftloop.backtest.watching import Quality, judged

CALENDAR_MAX: Final = 36
"""With more months than that, periods are equal parts instead."""
PARTS: Final = 12


@dataclass(frozen=True)
class Period:
    """A part of history that is judged by itself."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Result:
    """A policy's balance."""

    course: Course
    periods: tuple[Quality, ...]
    whole: Quality
    labels: int
    labels_usd: float

    @property
    def trainings(self) -> int:
        """Runs that were started, and paid."""
        return self.course.count(TRAINED)

    @property
    def releases(self) -> int:
        """Runs whose model went to production."""
        return self.course.count(RELEASED)


def periods(start_s: float, end_s: float) -> tuple[Period, ...]:
    """Calendar months, or twelve equal parts of a long history."""
    starts = [start_s]
    while len(starts) <= CALENDAR_MAX and starts[-1] <= end_s:
        at = datetime.fromtimestamp(starts[-1], UTC)
        starts.append(datetime(at.year + at.month // 12, at.month % 12 + 1, 1, tzinfo=UTC).timestamp())
    if len(starts) > CALENDAR_MAX:
        edges = [start_s + (end_s - start_s) * part / PARTS for part in range(PARTS)]
        return tuple(Period(_day(a), a, b) for a, b in zip(edges, [*edges[1:], end_s + 1], strict=True))
    return tuple(Period(f"{datetime.fromtimestamp(a, UTC):%Y-%m}", a, b) for a, b in pairwise(starts))


def result(history: History, course: Course, parts: Sequence[Period], label_usd: float) -> Result:
    """Judge production's answers under one policy."""
    rows = [history.between(part.start_s, part.end_s) for part in parts]
    labels = int(course.labels_used.sum())
    return Result(
        course,
        tuple(judged(history.truth[part], course.served[part]) for part in rows),
        judged(history.truth, course.served),
        labels,
        labels * label_usd,
    )


def _day(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}"
