"""Statistics of the readings that fall into one period."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

AWS_NAME = "CloudWatch statistics definitions"
SOURCE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html (read 2026-11-23)"
DIFFERS = "AWS sketches distributions; ours are exact, percentiles interpolated linearly between neighbours"

SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_NUMBER = r"\d+(?:\.\d{0,10})?"
_SHORT = re.compile(rf"(p|tm|tc|ts|wm)({_NUMBER})")
_RANGE = re.compile(rf"(TM|TC|TS|WM|PR)\((?:({_NUMBER})(%)?)?:(?:({_NUMBER})(%)?)?\)")
_LIMITS = {"IQM": "TM(25%:75%)"}


@dataclass(frozen=True)
class Reading:
    """What was put at one instant: values with their counts, or a statistic set (then `values` is empty)."""

    count: float
    total: float
    low: float
    high: float
    values: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Statistic:
    """A parsed statistic, such as `p90` or `TM(10%:90%)`; bounds are values where not `is_share` of the samples."""

    kind: str
    low: float | None = None
    high: float | None = None
    is_share: bool = True


def single(value: float, count: float = 1.0) -> Reading:
    return Reading(count, value * count, value, value, ((value, count),))


def several(values: Iterable[tuple[float, float]]) -> Reading:
    """A reading of values and how often each came."""
    pairs = tuple(values)
    count = sum(times for _, times in pairs)
    total = sum(value * times for value, times in pairs)
    return Reading(count, total, min(v for v, _ in pairs), max(v for v, _ in pairs), pairs)


def statistic_set(count: float, total: float, low: float, high: float) -> Reading:
    """A statistic set; it has percentiles only when all its samples must be equal."""
    known = ((low, count),) if count == 1 or low == high else ()
    return Reading(count, total, low, high, known)


def is_known(name: str) -> bool:
    return parse(name) is not None


@lru_cache(maxsize=1024)
def parse(name: str) -> Statistic | None:
    """The statistic of that name, or None when CloudWatch has no such."""
    if name in SIMPLE:
        return Statistic(name)
    if short := _SHORT.fullmatch(name):
        percent = float(short[2])
        return Statistic(short[1].upper(), 0.0, percent) if percent <= 100 else None
    found = _RANGE.fullmatch(_LIMITS.get(name, name))
    if found is None or (found[2] is None and found[4] is None):
        return None
    is_share = bool(found[3] or found[5])
    if found[1] == "PR" and is_share:
        return None
    low, high = (float(text) if text else None for text in (found[2], found[4]))
    return Statistic(found[1], low, high, is_share)


def needs_values(name: str) -> bool:
    """Whether the statistic cannot be had from statistic sets."""
    return name not in SIMPLE


def compute(name: str, readings: Iterable[Reading]) -> float | None:
    """The statistic over the readings of a period; None when there are none, or none that could tell."""
    found, rows = parse(name), list(readings)
    if found is None or not rows:
        return None
    if found.kind not in SIMPLE:
        return _of_distribution(found, rows)
    count = sum(row.count for row in rows)
    total = sum(row.total for row in rows)
    match found.kind:
        case "SampleCount":
            return count
        case "Sum":
            return total
        case "Minimum":
            return min(row.low for row in rows)
        case "Maximum":
            return max(row.high for row in rows)
    return total / count if count else None


def _of_distribution(statistic: Statistic, rows: list[Reading]) -> float | None:
    if any(not row.values for row in rows):
        return None
    samples = sorted(pair for row in rows for pair in row.values if pair[1] > 0)
    if not samples:
        return None
    if statistic.kind == "P":
        return _percentile(samples, statistic.high or 0.0)
    if statistic.kind == "WM":
        return _winsorized(samples, statistic)
    kept = _kept(samples, statistic)
    count, total = sum(times for _, times in kept), sum(value * times for value, times in kept)
    match statistic.kind:
        case "TC":
            return count
        case "TS":
            return total
        case "PR":
            return 100 * count / sum(times for _, times in samples)
    return total / count if count else None


def _percentile(samples: list[tuple[float, float]], percent: float) -> float:
    count = sum(times for _, times in samples)
    rank = percent / 100 * max(count - 1, 0)
    whole = int(rank)
    below, above = _sample_at(samples, whole), _sample_at(samples, whole + 1)
    return below + (above - below) * (rank - whole)


def _sample_at(samples: list[tuple[float, float]], index: float) -> float:
    seen = 0.0
    for value, times in samples:
        seen += times
        if index < seen:
            return value
    return samples[-1][0]


def _kept(samples: list[tuple[float, float]], statistic: Statistic) -> list[tuple[float, float]]:
    if not statistic.is_share:
        low = float("-inf") if statistic.low is None else statistic.low
        high = float("inf") if statistic.high is None else statistic.high
        return [(value, times) for value, times in samples if low < value <= high]
    count = sum(times for _, times in samples)
    first, last = count * (statistic.low or 0.0) / 100, count * _upper(statistic) / 100
    kept, seen = [], 0.0
    for value, times in samples:
        share = min(seen + times, last) - max(seen, first)
        if share > 1e-12:
            kept.append((value, share))
        seen += times
    return kept


def _winsorized(samples: list[tuple[float, float]], statistic: Statistic) -> float | None:
    if statistic.is_share:
        low: float = _percentile(samples, statistic.low or 0.0)
        high: float = _percentile(samples, _upper(statistic))
    else:
        low = samples[0][0] if statistic.low is None else statistic.low
        high = samples[-1][0] if statistic.high is None else statistic.high
    count = sum(times for _, times in samples)
    return sum(min(max(value, low), high) * times for value, times in samples) / count


def _upper(statistic: Statistic) -> float:
    return 100.0 if statistic.high is None else statistic.high


def has_few_samples(name: str, count: float) -> bool:
    """Whether a percentile of so few samples is not significant: under 10/(1-p), or 10/p below the median.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
    """
    found = parse(name)
    if found is None or found.kind != "P" or found.high is None:
        return False
    share = found.high / 100
    tail = 1 - share if share >= 0.5 else share
    return count < 10 / tail if tail > 0 else True
