"""When policies scale, and how far."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.semantics.autoscaling import step_scaling, target_tracking
from emulator.semantics.autoscaling.target_tracking import Last, Reading

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRACKING = {"TargetValue": 10.0, "PredefinedMetricSpecification": {}, "ScaleOutCooldown": 60, "ScaleInCooldown": 60}


def reading(capacity: int, value: float, least: int = 1, most: int = 10, target: float = 10) -> Reading:
    return Reading(capacity, least, most, value, target)


@pytest.mark.parametrize(
    ("capacity", "value", "wanted"), [(1, 25, 3), (2, 10, None), (2, 11, 3), (4, 100, 10), (10, 99, None), (1, 5, None)]
)
def test_capacity_grows_in_proportion_up_to_its_bound(capacity: int, value: float, wanted: int | None) -> None:
    assert target_tracking.scaled_out(TRACKING, reading(capacity, value), None, NOW) == wanted


@pytest.mark.parametrize(("capacity", "value", "wanted"), [(4, 5, 2), (4, 0, 1), (3, 9.9, None), (1, 0, None)])
def test_capacity_shrinks_in_proportion_down_to_its_bound(capacity: int, value: float, wanted: int | None) -> None:
    assert target_tracking.scaled_in(TRACKING, reading(capacity, value), None, NOW) == wanted


def test_within_the_cool_down_only_what_exceeds_the_last_step_is_added() -> None:
    last = Last(NOW - timedelta(seconds=30), before=1, after=3)

    assert target_tracking.scaled_out(TRACKING, reading(3, 25), last, NOW) is None
    assert target_tracking.scaled_out(TRACKING, reading(3, 48), last, NOW) == 5
    assert target_tracking.scaled_out(TRACKING, reading(3, 25), last, NOW + timedelta(seconds=31)) == 8


def test_a_scale_in_waits_for_its_cool_down_and_a_scale_out_does_not() -> None:
    last = Last(NOW - timedelta(seconds=30), before=4, after=3)

    assert target_tracking.scaled_in(TRACKING, reading(3, 1), last, NOW) is None
    assert target_tracking.scaled_in(TRACKING, reading(3, 1), last, NOW + timedelta(seconds=30)) == 1
    assert target_tracking.scaled_out(TRACKING, reading(3, 20), last, NOW) == 6


def test_a_policy_watches_the_target_from_above_and_ninety_percent_of_it_from_below() -> None:
    watched = target_tracking.metric(TRACKING, "e", "v")
    high, low = target_tracking.alarms(TRACKING, watched, "arn", ["h", "l"])

    assert (high["Threshold"], high["ComparisonOperator"], high["EvaluationPeriods"]) == (10, "GreaterThanThreshold", 3)
    assert (low["Threshold"], low["ComparisonOperator"], low["EvaluationPeriods"]) == (9, "LessThanThreshold", 15)
    assert (high["Namespace"], high["MetricName"], high["Statistic"]) == (
        "AWS/SageMaker",
        "InvocationsPerInstance",
        "Sum",
    )
    assert len(target_tracking.alarms({**TRACKING, "DisableScaleIn": True}, watched, "arn", ["h", "l"])) == 1


STEPS = [
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
    {"MetricIntervalUpperBound": 0, "ScalingAdjustment": -1},
]


@pytest.mark.parametrize(("value", "wanted"), [(50, 3), (59.9, 3), (60, 5), (49, 1)])
def test_the_size_of_a_breach_chooses_the_step(value: float, wanted: int) -> None:
    config = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": STEPS}

    assert step_scaling.scaled(config, reading(2, value, target=50), None, NOW) == wanted


@pytest.mark.parametrize(
    ("config", "capacity", "wanted"),
    [
        ({"AdjustmentType": "ExactCapacity", "StepAdjustments": [{"ScalingAdjustment": 7}]}, 2, 7),
        ({"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 50}]}, 4, 6),
        ({"AdjustmentType": "PercentChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 10}]}, 4, 5),
        (
            {
                "AdjustmentType": "PercentChangeInCapacity",
                "MinAdjustmentMagnitude": 3,
                "StepAdjustments": [{"ScalingAdjustment": 10}],
            },
            4,
            7,
        ),
        ({"AdjustmentType": "ChangeInCapacity", "StepAdjustments": [{"ScalingAdjustment": 99}]}, 4, 10),
    ],
)
def test_adjustments_are_exact_relative_or_in_percent_and_stay_within_the_bounds(
    config: dict[str, Any], capacity: int, wanted: int
) -> None:
    assert step_scaling.scaled(config, reading(capacity, 60, target=50), None, NOW) == wanted


def test_step_scaling_rests_for_its_cool_down() -> None:
    config = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": STEPS}
    last = Last(NOW - timedelta(seconds=299), before=1, after=2)

    assert step_scaling.scaled(config, reading(2, 60, target=50), last, NOW) is None
    assert step_scaling.scaled(config, reading(2, 60, target=50), last, NOW + timedelta(seconds=1)) == 5
