"""Step scaling: how far a breach goes says how much is added or taken.

AWS_NAME: StepScaling
SOURCE: docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html (bounds relative to the
    alarm's threshold: lower inclusive and upper exclusive for a metric above it, the other way round below; percentages
    rounded away from nothing; minimum magnitude; cool-down 300 s), read 2026-11
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from emulator.semantics.autoscaling.target_tracking import COOLDOWN_S, Last, Reading


def step(adjustments: Sequence[Mapping[str, Any]], breach: float) -> int | None:
    """The adjustment for a metric that is `breach` above (or, negative, below) the threshold."""
    for item in adjustments:
        low = item.get("MetricIntervalLowerBound", -math.inf)
        high = item.get("MetricIntervalUpperBound", math.inf)
        if (low <= breach < high) if breach >= 0 else (low < breach <= high):
            return int(item["ScalingAdjustment"])
    return None


def scaled(config: Mapping[str, Any], reading: Reading, last: Last | None, now: datetime) -> int | None:
    """The capacity that the policy asks for; `reading.target` is the alarm's threshold. None: leave it."""
    if last is not None and now < last.at + timedelta(seconds=config.get("Cooldown", COOLDOWN_S)):
        return None
    adjustment = step(config.get("StepAdjustments", ()), reading.value - reading.target)
    if not adjustment and config.get("AdjustmentType") != "ExactCapacity":
        return None
    wanted = min(max(_wanted(config, reading.capacity, adjustment or 0), reading.least), reading.most)
    return wanted if wanted != reading.capacity else None


def _wanted(config: Mapping[str, Any], capacity: int, adjustment: int) -> int:
    match config.get("AdjustmentType"):
        case "ExactCapacity":
            return adjustment
        case "PercentChangeInCapacity":
            change = capacity * adjustment / 100
            rounded = math.copysign(max(1, int(abs(change))), adjustment)
            least = config.get("MinAdjustmentMagnitude", 0)
            return capacity + int(math.copysign(max(abs(rounded), least), adjustment))
    return capacity + adjustment
