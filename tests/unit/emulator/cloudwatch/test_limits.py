"""What PutMetricData and PutMetricAlarm refuse."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.semantics.cloudwatch import limits

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "entry",
    [
        {"Value": 1.0},
        {"Value": -(2.0**360)},
        {"Values": [1.0, 2.0], "Counts": [3.0, 4.0]},
        {"StatisticValues": {"SampleCount": 2.0, "Sum": 3.0, "Minimum": 1.0, "Maximum": 2.0}},
        {"Value": 1.0, "Timestamp": NOW - timedelta(days=14)},
        {"Value": 1.0, "Timestamp": NOW + timedelta(hours=2)},
        {"Value": 1.0, "Dimensions": [{"Name": str(number), "Value": "v"} for number in range(30)]},
    ],
)
def test_what_fits_is_taken(entry: dict[str, Any]) -> None:
    assert limits.metric_data([{"MetricName": "m", **entry}], NOW) is None


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({}, "MissingParameter"),
        ({"Value": 1.0, "Values": [1.0]}, "InvalidParameterCombination"),
        ({"Value": float("nan")}, "InvalidParameterValue"),
        ({"Values": [1.0, float("inf")]}, "InvalidParameterValue"),
        ({"Value": 2.0**361}, "InvalidParameterValue"),
        ({"Values": [1.0], "Counts": [1.0, 2.0]}, "InvalidParameterValue"),
        ({"Values": [1.0] * 151}, "InvalidParameterValue"),
        ({"Value": 1.0, "Timestamp": NOW - timedelta(days=14, seconds=1)}, "InvalidParameterValue"),
        ({"Value": 1.0, "Timestamp": NOW + timedelta(hours=2, seconds=1)}, "InvalidParameterValue"),
        ({"Value": 1.0, "Dimensions": [{"Name": str(n), "Value": "v"} for n in range(31)]}, "InvalidParameterValue"),
    ],
)
def test_what_does_not_fit_is_refused(entry: dict[str, Any], code: str) -> None:
    refusal = limits.metric_data([{"MetricName": "m", **entry}], NOW)

    assert refusal is not None
    assert refusal[0] == code


def test_a_thousand_metrics_are_the_most() -> None:
    data = [{"MetricName": "m", "Value": 1.0}] * 1000

    assert limits.metric_data(data, NOW) is None
    assert limits.metric_data([*data, data[0]], NOW) is not None


@pytest.mark.parametrize(
    ("period_s", "periods", "is_refused"),
    [(60, 1440, False), (60, 1441, True), (3600, 168, False), (3600, 169, True), (10, 1, False), (45, 1, True)],
)
def test_an_alarm_looks_back_a_day_or_a_week(period_s: int, periods: int, is_refused: bool) -> None:
    assert (limits.alarm_window(period_s, periods) is not None) is is_refused
