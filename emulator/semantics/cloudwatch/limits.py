"""What PutMetricData and PutMetricAlarm refuse beyond their service model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

AWS_NAME = "Limits of PutMetricData and PutMetricAlarm"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html and "
    "API_PutMetricAlarm.html (read 2026-11-23)"
)
DIFFERS = "the codes are AWS's, the sentences are close to AWS's but not recorded"

MOST_METRICS, MOST_DIMENSIONS, MOST_VALUES = 1000, 30, 150
VALUE_LIMIT = 2.0**360
OLDEST, NEWEST = timedelta(weeks=2), timedelta(hours=2)
SHORT_PERIODS = (10, 20, 30)
DAY_S, WEEK_S = 86_400, 604_800

Refusal = tuple[str, str]
"""An error code and its message."""


def metric_data(data: list[dict[str, Any]], now: datetime) -> Refusal | None:
    """Why PutMetricData refuses these entries, if it does."""
    if not data:
        return "MissingParameter", "The parameter MetricData is required."
    if len(data) > MOST_METRICS:
        return "InvalidParameterValue", f"The collection MetricData must not have a size greater than {MOST_METRICS}."
    for index, entry in enumerate(data, 1):
        if refusal := _datum(entry, f"MetricData.member.{index}", now):
            return refusal
    return None


def _datum(entry: Mapping[str, Any], path: str, now: datetime) -> Refusal | None:
    given = [name for name in ("Value", "Values", "StatisticValues") if entry.get(name) is not None]
    if not given:
        names = f"{path}.Value, {path}.Values and {path}.StatisticValues"
        return "MissingParameter", f"At least one of the parameters {names} must be specified."
    if len(given) > 1:
        both = " and ".join(f"{path}.{name}" for name in given)
        return (
            "InvalidParameterCombination",
            f"The parameters {both} are mutually exclusive and you have specified both.",
        )
    return _dimensions(entry, path) or _values(entry, path) or _numbers(entry, path) or _timestamp(entry, path, now)


def _dimensions(entry: Mapping[str, Any], path: str) -> Refusal | None:
    given = entry.get("Dimensions") or []
    if len(given) > MOST_DIMENSIONS:
        text = f"The collection {path}.Dimensions must not have a size greater than {MOST_DIMENSIONS}."
        return "InvalidParameterValue", text
    if len({dimension["Name"] for dimension in given}) < len(given):
        return "InvalidParameterValue", f"The collection {path}.Dimensions must not name a dimension twice."
    return None


def _values(entry: Mapping[str, Any], path: str) -> Refusal | None:
    values, counts = entry.get("Values"), entry.get("Counts")
    if values is None:
        return None
    if not 0 < len(values) <= MOST_VALUES:
        return "InvalidParameterValue", f"The collection {path}.Values must have between 1 and {MOST_VALUES} members."
    if counts is not None and len(counts) != len(values):
        text = f"The parameters {path}.Values and {path}.Counts must be of the same size."
        return "InvalidParameterValue", text
    return None


def _numbers(entry: Mapping[str, Any], path: str) -> Refusal | None:
    found = [("Value", entry.get("Value"))]
    found += [(f"Values.member.{index}", value) for index, value in enumerate(entry.get("Values") or [], 1)]
    found += [(f"StatisticValues.{name}", value) for name, value in (entry.get("StatisticValues") or {}).items()]
    for name, value in found:
        if value is not None and (math.isnan(value) or math.isinf(value) or abs(value) > VALUE_LIMIT):
            text = f"The value {value} for parameter {path}.{name} is invalid."
            return "InvalidParameterValue", text
    return None


def _timestamp(entry: Mapping[str, Any], path: str, now: datetime) -> Refusal | None:
    at = entry.get("Timestamp")
    if at is not None and not now - OLDEST <= at <= now + NEWEST:
        bounds = "no more than two weeks in the past and two hours in the future"
        return "InvalidParameterValue", f"The parameter {path}.Timestamp must specify a time {bounds}."
    return None


def is_period(period_s: int) -> bool:
    """Whether a period is one that CloudWatch has: 10, 20, 30 or whole minutes."""
    return period_s in SHORT_PERIODS or (period_s > 0 and period_s % 60 == 0)


def alarm_window(period_s: int, evaluation_periods: int) -> Refusal | None:
    """Why an alarm may not look back that far, if so."""
    if not is_period(period_s):
        return "ValidationError", "Period must be 10, 20, 30 or a multiple of 60"
    longest_s, longest = (WEEK_S, "7 days") if period_s >= 3600 else (DAY_S, "1 day")
    if period_s * evaluation_periods > longest_s:
        bound = f"EvaluationPeriods * Period must be <= {longest_s}"
        return "ValidationError", f"Metrics cannot be checked across more than {longest} ({bound})."
    return None
