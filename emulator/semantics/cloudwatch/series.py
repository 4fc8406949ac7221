"""Time series as metric math and GetMetricData see them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from emulator.semantics.cloudwatch import statistics
from emulator.semantics.cloudwatch.statistics import Reading


@dataclass(frozen=True)
class Series:
    """Values by the second at which their period starts."""

    points: Mapping[int, float]
    label: str = ""
    period_s: int = 60
    counts: Mapping[int, float] = field(default_factory=dict)


def bucketed(readings: Iterable[tuple[float, Reading]], start: int, period_s: int) -> dict[int, list[Reading]]:
    """Readings by period; the grid goes through `start`."""
    buckets: dict[int, list[Reading]] = {}
    for at, reading in readings:
        buckets.setdefault(start + int((at - start) // period_s) * period_s, []).append(reading)
    return buckets


def aggregated(buckets: Mapping[int, list[Reading]], statistic: str, period_s: int, label: str = "") -> Series:
    """One statistic of every period that has it."""
    found = {at: statistics.compute(statistic, rows) for at, rows in sorted(buckets.items())}
    points = {at: value for at, value in found.items() if value is not None}
    counts = {at: sum(row.count for row in buckets[at]) for at in points}
    return Series(points, label, period_s, counts)


def aligned_start(start_s: float, now_s: float, period_s: int) -> int:
    """Where CloudWatch lets a query begin: the older the data, the coarser the rounding.

    Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html (StartTime).
    """
    age_s = now_s - start_s
    if period_s < 60 and age_s <= 3 * 3600:
        step = period_s
    else:
        step = 60 if age_s <= 15 * 86_400 else 300 if age_s <= 63 * 86_400 else 3600
    return int(start_s // step) * step
