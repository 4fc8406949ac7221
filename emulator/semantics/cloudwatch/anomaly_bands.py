"""The band of values that are to be expected."""

from __future__ import annotations

import statistics

AWS_NAME = "CloudWatch anomaly detection"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Anomaly_Detection.html (read 2026-11-23)"
)
DIFFERS = (
    "local approximation: AWS trains a model with hourly, daily and weekly seasons on two weeks; ours is the median "
    "plus and minus the width times the robust sigma (1.4826 x median absolute deviation), with no season"
)

LEAST_POINTS = 3
_TO_SIGMA = 1.4826


def band(values: list[float], width: float) -> list[tuple[str, float]] | None:
    """The upper and the lower edge, named; None while there is too little to learn from."""
    if len(values) < LEAST_POINTS:
        return None
    middle = statistics.median(values)
    spread = statistics.median(abs(number - middle) for number in values) * _TO_SIGMA
    return [("upper", middle + width * spread), ("lower", middle - width * spread)]
