"""Life cycle and variants of endpoints; how model packages change."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from emulator.semantics.endpoints import lifecycle, variants
from emulator.semantics.registry import packages

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def variant(name: str, weight: float) -> variants.Variant:
    config = {"ProductionVariants": [{"VariantName": name, "InitialVariantWeight": weight, "InitialInstanceCount": 1}]}
    return variants.from_config(config, {name: "image"}, NOW)[0]


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
    assert variants.choose([variant("a", 1), variant("b", 3), variant("c", 0)], unit) == chosen


def test_no_variant_answers_when_all_weights_are_zero() -> None:
    assert variants.choose([variant("a", 0)], 0.5) is None


def test_retained_properties_are_those_of_the_same_variant() -> None:
    old = variants.rescaled([variant("a", 1)], [{"VariantName": "a", "DesiredWeight": 5, "DesiredInstanceCount": 3}])

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
