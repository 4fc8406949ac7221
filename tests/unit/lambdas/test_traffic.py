"""How production goes from one version to the next, and how many instances it has."""

from typing import Any

import pytest

from lambdas.change_endpoint import decision
from lambdas.change_endpoint.decision import Wanted
from lambdas.shared.settings import Machines, Scaling, Traffic
from tests.unit.lambdas.world import World, package_arn

PROD = "driftloop-flights-prod"
TARGET = f"endpoint/{PROD}/variant/champion"
CANARY = Traffic("canary", 25, 300, 2700, ("driftloop-flights-prod-errors",))
LINEAR = Traffic("linear", 20, 60, 100, ())
ALL_AT_ONCE = Traffic("all_at_once", 25, 0, 90_000, ())
SCALING = Scaling(1, 4, 1000.0)


def _event(change: str, version: int, **more: str) -> dict[str, str]:
    return {
        "change": change,
        "stage": "prod",
        "model_package_arn": package_arn(version),
        "release_id": f"r{version}",
        **more,
    }


def _champion(**more: Any) -> dict[str, Any]:
    return {"ProductionVariants": [{"VariantName": "champion", **more}]}


ALONE = Wanted(PROD, "new", ({"VariantName": "champion"},))
BOTH = Wanted(PROD, "ab", ({"VariantName": "champion"}, {"VariantName": "challenger"}))
SHADOWED = Wanted(PROD, "ab", ({"VariantName": "champion"},), ({"VariantName": "challenger"},))


def test_a_canary_takes_its_share_is_watched_and_then_takes_all() -> None:
    assert decision.deployment(CANARY, _champion(), ALONE) == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 300,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
            },
            "TerminationWaitInSeconds": 300,
            "MaximumExecutionTimeoutInSeconds": 2700,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "driftloop-flights-prod-errors"}]},
    }


def test_linear_steps_and_all_at_once_have_their_own_sizes_and_times_within_the_bounds() -> None:
    linear, at_once = (decision.deployment(traffic, _champion(), ALONE) for traffic in (LINEAR, ALL_AT_ONCE))

    assert linear
    assert at_once
    routing = linear["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["LinearStepSize"] == {"Type": "CAPACITY_PERCENT", "Value": 20}
    assert linear["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] == 600
    assert at_once["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == {
        "Type": "ALL_AT_ONCE",
        "WaitIntervalInSeconds": 0,
    }
    assert at_once["BlueGreenUpdatePolicy"]["MaximumExecutionTimeoutInSeconds"] == 28_800
    assert "AutoRollbackConfiguration" not in linear


@pytest.mark.parametrize(
    ("traffic", "before", "wanted"),
    [
        (None, _champion(), ALONE),
        (CANARY, _champion(), BOTH),
        (CANARY, _champion(), SHADOWED),
        (CANARY, {**_champion(), "ShadowProductionVariants": [{"VariantName": "challenger"}]}, ALONE),
        (CANARY, {}, ALONE),
        (CANARY, _champion(), Wanted(PROD, "new", ({"VariantName": "champion"},), is_urgent=True)),
    ],
)
def test_what_adds_or_removes_a_variant_or_is_urgent_changes_all_at_once(
    traffic: Traffic | None, before: dict[str, Any], wanted: Wanted
) -> None:
    assert decision.deployment(traffic, before, wanted) is None


def test_a_promotion_shifts_its_traffic_and_a_rollback_does_not(world: World) -> None:
    function = world.change_endpoint(mode="none", traffic=CANARY)
    for version in (1, 2, 3):
        world.add_package(version, "Approved")
    function.handle(_event("promote", 1))

    function.handle(_event("promote", 2))
    function.handle(_event("promote", 3, at_once="true"))

    shifts = ["DeploymentConfig" in request for _, request in world.sagemaker.changes]
    assert shifts == [False, True, False]


def test_scaling_is_registered_as_the_settings_say_and_again_is_fine(world: World) -> None:
    world.add_package(1, "Approved")
    function = world.change_endpoint(scaling=SCALING)

    answers = [function.handle(_event("scale", 1)) for _ in range(2)]

    said = "1 to 4 instances, 1000 invocations a minute each"
    assert answers == [{"endpoint": PROD, "scaling": said}] * 2
    target = world.clients.scaler.targets[TARGET]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    policy = world.clients.scaler.policies[TARGET]["TargetTrackingScalingPolicyConfiguration"]
    assert policy["TargetValue"] == 1000
    assert policy["PredefinedMetricSpecification"] == {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}


def test_scaling_that_nobody_wants_any_more_is_taken_off(world: World) -> None:
    world.add_package(1, "Approved")
    world.change_endpoint(scaling=SCALING).handle(_event("scale", 1))

    said = [world.change_endpoint().handle(_event("scale", 1))["scaling"] for _ in range(2)]

    assert said == ["taken off", "not asked for"]
    assert world.clients.scaler.targets == {}


def test_a_champion_that_changes_its_machine_is_taken_off_first_and_one_that_does_not_stays(world: World) -> None:
    for version in (1, 2, 3):
        world.add_package(version, "Approved")
    world.change_endpoint(scaling=SCALING).handle(_event("promote", 1))
    world.change_endpoint(scaling=SCALING).handle(_event("scale", 1))

    world.change_endpoint(scaling=SCALING).handle(_event("promote", 2))
    kept = dict(world.clients.scaler.targets)
    world.change_endpoint(scaling=SCALING, machines=Machines("ml.m5.xlarge", 1)).handle(_event("promote", 3))

    assert list(kept) == [TARGET]
    assert world.clients.scaler.targets == {}
