"""Target tracking: two alarms around a target value, and the capacity that brings the metric back to it.

AWS_NAME: TargetTrackingScaling
SOURCE: docs.aws.amazon.com/autoscaling/application/userguide/target-tracking-scaling-policy-overview.html (alarms made
    by the policy, scale-out in proportion, cool-downs), endpoint-auto-scaling-add-code-define.html of the SageMaker
    guide (SageMakerVariantInvocationsPerInstance; cool-downs default to 300 s), public outputs of DescribeAlarms
    (names, 3 periods of 60 s above the target and 15 below 90 % of it, "DO NOT EDIT OR DELETE"), read 2026-11
DIFFERS: AWS says that it scales in more cautiously than out, not how; here both are in proportion.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

COOLDOWN_S = 300
_HIGH_PERIODS, _LOW_PERIODS, PERIOD_S = 3, 15, 60
_LOW_SHARE = 0.9
PREDEFINED = "SageMakerVariantInvocationsPerInstance"


@dataclass(frozen=True)
class Last:
    """The last scaling activity of a policy: when, from which capacity to which."""

    at: datetime
    before: int
    after: int


@dataclass(frozen=True)
class Reading:
    """Where a variant stands: its capacity and its bounds, the metric's newest value, the target."""

    capacity: int
    least: int
    most: int
    value: float
    target: float


def metric(config: Mapping[str, Any], endpoint: str, variant: str) -> dict[str, Any]:
    """Namespace, name, dimensions and statistic of what is tracked."""
    if "PredefinedMetricSpecification" in config:
        dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}]
        return {
            "Namespace": "AWS/SageMaker",
            "MetricName": "InvocationsPerInstance",
            "Dimensions": dimensions,
            "Statistic": "Sum",
        }
    own = config["CustomizedMetricSpecification"]
    return {key: own[key] for key in ("Namespace", "MetricName", "Dimensions", "Statistic", "Unit") if key in own}


def alarms(
    config: Mapping[str, Any], watched: Mapping[str, Any], policy_arn: str, names: list[str]
) -> list[dict[str, Any]]:
    """PutMetricAlarm of the high alarm and, unless scaling in is off, of the low one; `names` in this order."""
    target = config["TargetValue"]
    high = {"Threshold": target, "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": _HIGH_PERIODS}
    low = {
        "Threshold": target * _LOW_SHARE,
        "ComparisonOperator": "LessThanThreshold",
        "EvaluationPeriods": _LOW_PERIODS,
    }
    kinds = [high] if config.get("DisableScaleIn") else [high, low]
    return [
        {
            "AlarmName": name,
            "AlarmDescription": f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy_arn}.",
            "AlarmActions": [policy_arn],
            "Period": PERIOD_S,
            **watched,
            **kind,
        }
        for name, kind in zip(names, kinds, strict=False)
    ]


def scaled_out(config: Mapping[str, Any], reading: Reading, last: Last | None, now: datetime) -> int | None:
    """The larger capacity that is needed now; None when there is none.

    Within the cool-down after a scale-out the metric still speaks of the capacity before it, so that only what is
    needed beyond the last step is added.
    """
    cooldown = timedelta(seconds=config.get("ScaleOutCooldown", COOLDOWN_S))
    is_cooling = last is not None and last.after > last.before and now < last.at + cooldown
    base = last.before if last and is_cooling else reading.capacity
    wanted = min(math.ceil(base * reading.value / reading.target - 1e-9), reading.most)
    return wanted if wanted > reading.capacity else None


def scaled_in(config: Mapping[str, Any], reading: Reading, last: Last | None, now: datetime) -> int | None:
    """The smaller capacity that is enough; None when there is none or a scale-in was just done."""
    cooldown = timedelta(seconds=config.get("ScaleInCooldown", COOLDOWN_S))
    if last is not None and last.after < last.before and now < last.at + cooldown:
        return None
    wanted = max(math.ceil(reading.capacity * reading.value / reading.target - 1e-9), reading.least)
    return wanted if wanted < reading.capacity else None
