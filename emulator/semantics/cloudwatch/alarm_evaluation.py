"""Which state an alarm's datapoints speak for: M out of N, with what missing data means."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass

AWS_NAME = "Alarm evaluation and missing data"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html#alarms-and-missing-data "
    "(read 2026-11-23); all 40 rows of its tables are in tests/conformance/alarm_missing_data.json"
)
DIFFERS = (
    "AWS does not publish how far beyond N the evaluation range reaches; ours is N + max(N // 3, 2), which is 5 for "
    "N = 3 as in AWS's tables. Too few breaching points, all too young, read OK"
)

OK, ALARM, INSUFFICIENT_DATA = "OK", "ALARM", "INSUFFICIENT_DATA"
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanLowerThreshold": operator.lt,
    "GreaterThanUpperThreshold": operator.gt,
}
BAND_OPERATORS = frozenset(
    {"LessThanLowerOrGreaterThanUpperThreshold", "LessThanLowerThreshold", "GreaterThanUpperThreshold"}
)


@dataclass(frozen=True)
class Point:
    """One period as the alarm sees it. `low` and `high` are the thresholds that held then (equal when static)."""

    at: int
    value: float
    low: float
    high: float
    sample_count: float | None = None
    is_too_few: bool = False


@dataclass(frozen=True)
class Rule:
    """What decides: M out of N, the comparison, and what missing data counts as."""

    evaluation_periods: int
    datapoints_to_alarm: int
    comparison: str
    treat_missing: str = "missing"


@dataclass(frozen=True)
class Verdict:
    """The state, and what it was read from: `evaluated` are real points, oldest first; the rest was filled."""

    state: str
    evaluated: tuple[Point, ...] = ()
    filled: int = 0


def evaluation_range(evaluation_periods: int) -> int:
    """How many periods CloudWatch fetches for N evaluation periods."""
    return evaluation_periods + max(evaluation_periods // 3, 2)


def is_breaching(point: Point, comparison: str) -> bool:
    """Whether a point crosses its threshold, or its band."""
    if comparison == "LessThanLowerOrGreaterThanUpperThreshold":
        return point.value < point.low or point.value > point.high
    threshold = point.low if comparison.startswith("LessThanLower") else point.high
    return _COMPARE[comparison](point.value, threshold)


def evaluate(rule: Rule, points: list[Point | None], current: str) -> Verdict:
    """The state that the evaluation range speaks for.

    Args:
        points: the range, oldest first; None where nothing was received.
        current: the state now, for what is to stay as it is.
    """
    wanted = rule.evaluation_periods
    real = [point for point in points if point is not None]
    filled = max(0, wanted - len(real))
    latest = tuple(real[-wanted:])
    if any(point.is_too_few for point in latest):
        return Verdict(current, latest, filled)
    breaching = sum(is_breaching(point, rule.comparison) for point in latest)
    if filled and rule.treat_missing == "breaching":
        breaching += filled
    if breaching >= rule.datapoints_to_alarm:
        return Verdict(ALARM, latest, filled)
    if filled and rule.treat_missing in ("missing", "ignore"):
        return _short_of_data(rule, points, latest, filled, current)
    return Verdict(OK, latest, filled)


def _short_of_data(
    rule: Rule, points: list[Point | None], latest: tuple[Point, ...], filled: int, current: str
) -> Verdict:
    """Fewer points than wanted, none made up, and fewer breaching than it takes."""
    keeps = rule.treat_missing == "ignore"
    if not latest:
        return Verdict(current if keeps else INSUFFICIENT_DATA, (), filled)
    if not all(is_breaching(point, rule.comparison) for point in latest):
        return Verdict(OK, latest, filled)
    if keeps:
        return Verdict(current, latest, filled)
    oldest = next(index for index, point in enumerate(points) if point is not None)
    is_old_enough = len(points) - oldest >= rule.datapoints_to_alarm
    return Verdict(ALARM if is_old_enough else OK, latest, filled)


def next_change(end: int, period_s: int, times: list[float]) -> float:
    """Until when an alarm says the same unless new data comes: until a datapoint goes from one period into the next.

    Args:
        end: where the newest complete period ends now.
        times: when the datapoints since the beginning of the evaluation range were, also those after `end`.
    """
    return min((at + period_s * max(0, math.ceil((end - at) / period_s)) for at in times), default=math.inf)


def window_end(now_s: float, period_s: int, is_wall_clock: bool = False) -> int:
    """Where the newest complete period ends: sliding by the minute (10 s when finer), or on the period's own grid."""
    step = period_s if is_wall_clock else min(period_s, 60)
    if period_s < 60 and not is_wall_clock:
        step = 10
    return int(now_s // step) * step
