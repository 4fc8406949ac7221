"""Life cycle and variants of endpoints; how model packages change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from emulator.semantics.endpoints import lifecycle, routes, variants
from emulator.semantics.registry import packages

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def variant(name: str, weight: float) -> variants.Variant:
    items = [{"VariantName": name, "InitialVariantWeight": weight, "InitialInstanceCount": 1}]
    return variants.from_config(items, {name: ["image"]}, NOW)[0]


def road(name: str, weight: float, *pools: routes.Pool, strategy: str = "RANDOM") -> routes.Variant:
    return routes.Variant(name, weight, pools, strategy)


def pool(share: float, *instances: str) -> routes.Pool:
    return routes.Pool(f"share-{share}", share, tuple(routes.Instance(name, (1,)) for name in instances))


def test_a_failed_endpoint_can_only_be_deleted() -> None:
    assert lifecycle.move("Failed", "Deleting") == "Deleting"
    with pytest.raises(lifecycle.IllegalMove) as refusal:
        lifecycle.move("Failed", "Updating")
    assert refusal.value.status == "Failed"


def test_every_status_that_can_be_reached_has_its_moves_and_its_event_name() -> None:
    reached = {"Creating", *(to for moves in lifecycle.MOVES.values() for to in moves)}

    assert reached == lifecycle.MOVES.keys()
    assert all(lifecycle.event_name(status).isupper() for status in reached)


@pytest.mark.parametrize(("unit", "chosen"), [(0.0, "a"), (0.24, "a"), (0.25, "b"), (0.999999, "b")])
def test_a_variant_is_chosen_by_its_share_of_the_weights(unit: float, chosen: str) -> None:
    found = routes.variant_by_weight([road("a", 1), road("b", 3), road("c", 0)], unit)

    assert found is not None
    assert found.name == chosen


def test_no_variant_answers_when_all_weights_are_zero() -> None:
    assert routes.variant_by_weight([road("a", 0)], 0.5) is None


@pytest.mark.parametrize(("unit", "chosen"), [(0.0, 0.9), (0.89, 0.9), (0.91, 0.1)])
def test_fleets_share_a_variants_traffic(unit: float, chosen: float) -> None:
    found = routes.pool_by_share(road("a", 1, pool(0.9, "i-1"), pool(0.1, "i-2")), unit)

    assert found is not None
    assert found.share == chosen


def test_a_fleet_without_a_healthy_instance_leaves_its_traffic_to_the_other() -> None:
    both = road("a", 1, pool(0.9), pool(0.1, "i-2"))

    assert routes.pool_by_share(both, 0.0) == both.pools[1]
    assert routes.pool_by_share(both, 0.0, tried=("i-2",)) is None


def test_the_least_busy_instance_answers_where_the_strategy_says_so() -> None:
    three = pool(1, "i-1", "i-2", "i-3")
    load = {"i-1": 4, "i-2": 1, "i-3": 2}

    assert routes.instance(three, routes.LEAST_BUSY, load, 0.9).instance_id == "i-2"
    assert routes.instance(three, routes.LEAST_BUSY, load, 0.9, tried=("i-2",)).instance_id == "i-3"
    assert [routes.instance(three, "RANDOM", load, unit).instance_id for unit in (0.1, 0.5, 0.9)] == [
        "i-1",
        "i-2",
        "i-3",
    ]


@pytest.mark.parametrize(("weight", "unit", "expected"), [(1, 0.999, True), (0.5, 0.49, True), (0.5, 0.51, False)])
def test_a_shadow_gets_its_weights_share_of_the_requests(weight: float, unit: float, expected: bool) -> None:
    route = routes.Route("e", (road("p", 1),), road("s", weight))

    assert routes.is_mirrored(route, unit) is expected
    assert not routes.is_mirrored(routes.Route("e", (road("p", 1),)), unit)


def test_retained_properties_are_those_of_the_same_variant() -> None:
    wanted = [{"VariantName": "a", "DesiredWeight": 5, "DesiredInstanceCount": 3}]
    old = variants.settled(variants.desired([variant("a", 1)], wanted))

    kept = variants.retained([variant("a", 1), variant("b", 2)], old)
    partly = variants.retained([variant("a", 1)], old, ["DesiredWeight"])

    assert [(item["CurrentWeight"], item["CurrentInstanceCount"]) for item in kept] == [(5, 3), (2, 1)]
    assert (partly[0]["CurrentWeight"], partly[0]["CurrentInstanceCount"]) == (1, 3)


def test_an_update_of_a_package_that_names_nothing_changes_nothing() -> None:
    package = {"ModelApprovalStatus": "Approved", "CustomerMetadataProperties": {"a": "1"}}

    assert packages.changes(package, {"ModelPackageArn": "x"}) == {}


def test_a_version_waits_for_approval_and_an_unversioned_package_has_no_such_status() -> None:
    assert packages.born({}, is_versioned=True)["ModelApprovalStatus"] == "PendingManualApproval"
    assert packages.born({"ModelApprovalStatus": "Approved"}, is_versioned=True)["ModelApprovalStatus"] == "Approved"
    assert "ModelApprovalStatus" not in packages.born({}, is_versioned=False)
