"""How updates of endpoints are staged, and which ones AWS refuses."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.semantics.endpoints import configs, deployments


def routing(kind: str, wait_s: int = 60, **size: Any) -> dict[str, Any]:
    config = {"Type": kind, "WaitIntervalInSeconds": wait_s, **size}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": config, "TerminationWaitInSeconds": 120}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def count(value: int) -> dict[str, Any]:
    return {"Type": "INSTANCE_COUNT", "Value": value}


def rolling(size: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 30, **more}}


def steps(config: dict[str, Any] | None, total: int) -> list[tuple[float, int, int]]:
    stages = deployments.plan(config, total).stages
    return [(round(stage.share, 3), stage.instances(total), stage.wait_s) for stage in stages]


def test_without_a_configuration_all_traffic_moves_at_once_and_nothing_is_watched() -> None:
    assert steps(None, 3) == [(1.0, 3, 0)]


@pytest.mark.parametrize(
    ("config", "total", "expected"),
    [
        (routing("ALL_AT_ONCE"), 2, [(1.0, 2, 120)]),
        (routing("CANARY", CanarySize=percent(30)), 3, [(0.3, 1, 60), (1.0, 3, 120)]),
        (routing("CANARY", CanarySize=count(1)), 4, [(0.25, 1, 60), (1.0, 4, 120)]),
        (routing("CANARY", CanarySize=percent(10)), 1, [(0.1, 1, 60), (1.0, 1, 120)]),
        (routing("LINEAR", LinearStepSize=percent(50)), 2, [(0.5, 1, 60), (1.0, 2, 120)]),
        (routing("LINEAR", LinearStepSize=percent(40)), 5, [(0.4, 2, 60), (0.8, 4, 60), (1.0, 5, 120)]),
        (routing("LINEAR", LinearStepSize=count(1)), 3, [(0.333, 1, 60), (0.667, 2, 60), (1.0, 3, 120)]),
        (rolling(count(2)), 5, [(0.4, 2, 30), (0.8, 4, 30), (1.0, 5, 30)]),
        (rolling(percent(50)), 2, [(0.5, 1, 30), (1.0, 2, 30)]),
    ],
)
def test_traffic_moves_in_the_steps_of_the_policy(
    config: dict[str, Any], total: int, expected: list[tuple[float, int, int]]
) -> None:
    assert steps(config, total) == expected


def test_a_rollback_brings_the_whole_fleet_back_at_once_unless_told_otherwise() -> None:
    assert deployments.plan(rolling(count(1)), 4).rollback_batch == 4
    assert deployments.plan(rolling(count(1), RollbackMaximumBatchSize=percent(50)), 4).rollback_batch == 2


@pytest.mark.parametrize(
    ("config", "old", "new", "reason"),
    [
        (routing("ALL_AT_ONCE"), ["a"], {"a": 1, "b": 1}, "must be the same"),
        (routing("CANARY", CanarySize=percent(10)), ["a", "b"], {"a": 1}, "must be the same"),
        (rolling(count(1)), ["a", "b"], {"a": 2, "b": 2}, "multiple production variants"),
        (rolling(percent(60)), ["a"], {"a": 4}, "between 5 and 50"),
        (routing("CANARY", CanarySize=count(1)), ["a"], {"a": 1}, "between 0 and 50"),
        (routing("LINEAR", LinearStepSize=percent(5)), ["a"], {"a": 20}, "between 10 and 50"),
        (routing("CANARY"), ["a"], {"a": 1}, "takes CanarySize"),
        (routing("ALL_AT_ONCE", CanarySize=percent(5)), ["a"], {"a": 1}, "takes no size"),
        ({**rolling(count(1)), **routing("ALL_AT_ONCE")}, ["a"], {"a": 2}, "Only one update policy"),
    ],
)
def test_what_guardrails_do_not_allow_is_refused(
    config: dict[str, Any], old: list[str], new: dict[str, int], reason: str
) -> None:
    assert reason in (deployments.refusal(config, old, new, is_serverless=False) or "")


def test_rolling_is_not_for_serverless_and_alarms_alone_are_for_any_update() -> None:
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "x"}]}}

    assert "serverless" in (deployments.refusal(rolling(count(1)), ["a"], {"a": 2}, is_serverless=True) or "")
    assert deployments.refusal(alarms, ["a"], {"b": 1}, is_serverless=False) is None
    assert deployments.refusal({}, ["a"], {"b": 1}, is_serverless=False) is None


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"ProductionVariants": [{"VariantName": "a"}], "ShadowProductionVariants": [{"VariantName": "a"}]}, "unique"),
        (
            {
                "ProductionVariants": [{"VariantName": "a"}, {"VariantName": "b"}],
                "ShadowProductionVariants": [{"VariantName": "c"}],
            },
            "one production variant and one shadow",
        ),
        (
            {
                "ProductionVariants": [{"VariantName": "a", "ServerlessConfig": {}}],
                "DataCaptureConfig": {"DestinationS3Uri": "s3://b"},
            },
            "DataCaptureConfig is not supported for serverless",
        ),
        (
            {
                "ProductionVariants": [{"VariantName": "a", "ServerlessConfig": {}}],
                "ShadowProductionVariants": [{"VariantName": "b"}],
            },
            "ShadowProductionVariants is not supported for serverless",
        ),
    ],
)
def test_configurations_that_aws_does_not_take_are_refused(config: dict[str, Any], reason: str) -> None:
    assert reason in (configs.refusal(config) or "")
