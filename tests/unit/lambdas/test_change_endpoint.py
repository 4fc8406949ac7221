"""A Lambda step starts one change of an endpoint, and starting it again changes nothing more."""

import hashlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.change_endpoint.decision import Names
from lambdas.shared.errors import Permanent
from lambdas.shared.settings import Machines
from tests.unit.lambdas.world import World, package_arn

DEV, STAGING, PROD = (f"driftloop-flights-{stage}" for stage in ("dev", "staging", "prod"))


def _suffix(version: int, release: str) -> str:
    return f"-v{version}-{hashlib.sha256(release.encode()).hexdigest()[:8]}"


def _event(change: str, stage: str, version: int = 1, release: str = "r1", **more: str) -> dict[str, str]:
    package = {"model_package_arn": package_arn(version), "release_id": release}
    return {"change": change, "stage": stage, **package, **more}


def _promoted(world: World, version: int = 1, release: str = "r1") -> str:
    """Production serves a version; its config's name."""
    world.add_package(version, "Approved")
    return world.change_endpoint().handle(_event("promote", "prod", version, release))["config"]


def _variant(slot: str, model: str, weight: float = 1.0) -> dict[str, Any]:
    return {
        "VariantName": slot,
        "ModelName": model,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": weight,
    }


V1, V2 = f"driftloop-flights{_suffix(1, 'r1')}", f"driftloop-flights{_suffix(2, 'r2')}"
AB = f"{PROD}{_suffix(2, 'r2')}-ab"


@pytest.mark.parametrize("stage", ["dev", "staging"])
def test_a_stage_that_is_deployed_serves_the_version_alone_and_captures_nothing(world: World, stage: str) -> None:
    world.add_package(1, "Approved")

    answer = world.change_endpoint().handle(_event("deploy", stage))

    endpoint, config = f"driftloop-flights-{stage}", f"driftloop-flights-{stage}{_suffix(1, 'r1')}"
    assert answer == {"endpoint": endpoint, "config": config, "variants": "champion", "mode": "none", "previous": ""}
    assert world.sagemaker.models[V1] == {
        "ModelName": V1,
        "ExecutionRoleArn": "arn:aws:iam::123456789012:role/driftloop-flights-serve",
        "Containers": [{"ModelPackageName": package_arn(1)}],
    }
    assert world.sagemaker.configs == {
        config: {"EndpointConfigName": config, "ProductionVariants": [_variant("champion", V1)]}
    }
    assert world.sagemaker.changes == [
        ("create_endpoint", {"EndpointName": endpoint, "EndpointConfigName": config}),
    ]


def test_production_captures_every_request_and_answer(world: World) -> None:
    config = _promoted(world)

    assert config == f"{PROD}{_suffix(1, 'r1')}"
    assert world.sagemaker.configs[config]["DataCaptureConfig"] == {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://driftloop-artifacts/flights/capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"], "JsonContentTypes": ["application/json"]},
    }


@pytest.mark.parametrize(("change", "stage"), [("deploy", "dev"), ("deploy", "staging"), ("promote", "prod")])
def test_a_change_that_is_started_again_changes_nothing_more(world: World, change: str, stage: str) -> None:
    world.add_package(1, "Approved")
    function = world.change_endpoint()

    answers = [function.handle(_event(change, stage)) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert len(world.sagemaker.models) == len(world.sagemaker.configs) == len(world.sagemaker.changes) == 1


def test_what_an_earlier_try_made_is_found(world: World) -> None:
    """It stopped after the model, or after the config."""
    _promoted(world)
    del world.sagemaker.endpoints[PROD]

    world.change_endpoint().handle(_event("promote", "prod"))

    assert [change for change, _ in world.sagemaker.changes] == ["create_endpoint", "create_endpoint"]


def test_two_releases_of_one_version_have_configs_of_their_own(world: World) -> None:
    first, second = _promoted(world, release="r1"), _promoted(world, release="r2")

    assert first != second
    assert world.sagemaker.endpoints[PROD]["EndpointConfigName"] == second


def test_an_update_keeps_what_autoscaling_did_and_takes_the_weight_of_the_config(world: World) -> None:
    _promoted(world, 1, "r1")
    world.sagemaker.endpoints[PROD]["ProductionVariants"][0]["DesiredInstanceCount"] = 4

    config = _promoted(world, 2, "r2")

    assert world.sagemaker.changes[-1] == (
        "update_endpoint",
        {
            "EndpointName": PROD,
            "EndpointConfigName": config,
            "RetainAllVariantProperties": True,
            "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
        },
    )


def test_an_update_takes_the_number_of_instances_too_where_nobody_moved_it(world: World) -> None:
    _promoted(world, 1, "r1")

    _promoted(world, 2, "r2")

    change, request = world.sagemaker.changes[-1]
    assert (change, request["RetainAllVariantProperties"]) == ("update_endpoint", True)
    excluded = [item["VariantPropertyType"] for item in request["ExcludeRetainedVariantProperties"]]
    assert excluded == ["DesiredWeight", "DesiredInstanceCount"]


def test_an_endpoint_whose_config_was_deleted_keeps_its_instances(world: World) -> None:
    """Nobody knows any more what its number was meant to be."""
    before = _promoted(world, 1, "r1")
    del world.sagemaker.configs[before]

    _promoted(world, 2, "r2")

    _, request = world.sagemaker.changes[-1]
    assert request["ExcludeRetainedVariantProperties"] == [{"VariantPropertyType": "DesiredWeight"}]


@pytest.mark.parametrize("mode", ["paired", "split", "none"])
def test_a_first_release_has_nobody_to_compare_with(world: World, mode: str) -> None:
    world.add_package(1, "Approved")

    answer = world.change_endpoint(mode=mode).handle(_event("experiment", "prod"))

    assert answer == {"endpoint": PROD, "config": "", "variants": "champion", "mode": "none", "previous": ""}
    assert (world.sagemaker.changes, world.sagemaker.models, world.sagemaker.configs) == ([], {}, {})


def test_who_wants_no_experiment_gets_none(world: World) -> None:
    _promoted(world)
    world.add_package(2, "Approved")

    answer = world.change_endpoint(mode="none").handle(_event("experiment", "prod", 2, "r2"))

    assert answer == {"endpoint": PROD, "config": "", "variants": "champion", "mode": "off", "previous": ""}
    assert len(world.sagemaker.changes) == len(world.sagemaker.configs) == 1


def test_a_paired_challenger_sees_every_request_and_answers_none(world: World) -> None:
    champion = _promoted(world)
    world.add_package(2, "Approved")

    answer = world.change_endpoint(mode="paired").handle(_event("experiment", "prod", 2, "r2"))

    assert answer == {
        "endpoint": PROD,
        "config": AB,
        "variants": "champion,challenger",
        "mode": "paired",
        "previous": champion,
    }
    config = world.sagemaker.configs[AB]
    assert config["ProductionVariants"] == [_variant("champion", V1)]
    assert config["ShadowProductionVariants"] == [_variant("challenger", V2)]
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 100
    assert world.sagemaker.endpoints[PROD]["EndpointConfigName"] == AB


def test_a_challenger_in_mode_split_answers_by_weight(world: World) -> None:
    champion = _promoted(world)
    world.add_package(2, "Approved")

    answer = world.change_endpoint(mode="split").handle(_event("experiment", "prod", 2, "r2"))

    assert (answer["variants"], answer["mode"], answer["previous"]) == ("champion,challenger", "split", champion)
    config = world.sagemaker.configs[AB]
    assert config["ProductionVariants"] == [_variant("champion", V1, 0.8), _variant("challenger", V2, 0.2)]
    assert "ShadowProductionVariants" not in config


def test_a_champion_keeps_its_machines_during_the_experiment(world: World) -> None:
    world.add_package(1, "Approved")
    world.change_endpoint(machines=Machines("ml.m5.large", 3)).handle(_event("promote", "prod"))
    world.add_package(2, "Approved")

    world.change_endpoint(mode="split").handle(_event("experiment", "prod", 2, "r2"))

    variants = world.sagemaker.configs[AB]["ProductionVariants"]
    assert [(each["VariantName"], each["InitialInstanceCount"]) for each in variants] == [
        ("champion", 3),
        ("challenger", 1),
    ]


def test_an_experiment_that_is_started_again_is_the_same_and_looks_behind_itself(world: World) -> None:
    before = _promoted(world)
    world.add_package(2, "Approved")
    function = world.change_endpoint()

    first, second = (function.handle(_event("experiment", "prod", 2, "r2")) for _ in range(2))

    assert first == second
    assert (first["config"], first["previous"]) == (AB, before)
    assert len(world.sagemaker.changes) == 2


def test_an_update_that_is_under_way_is_not_asked_for_again(world: World) -> None:
    before = _promoted(world)
    wanted = _promoted(world, 2, "r2")
    world.sagemaker.endpoints[PROD] |= {
        "EndpointStatus": "Updating",
        "EndpointConfigName": before,
        "PendingDeploymentSummary": {"EndpointConfigName": wanted},
    }

    answer = world.change_endpoint().handle(_event("promote", "prod", 2, "r2"))

    assert answer["config"] == wanted
    assert len(world.sagemaker.changes) == 2


def test_an_endpoint_that_failed_is_named_with_what_to_do(world: World) -> None:
    _promoted(world)
    world.sagemaker.endpoints[PROD] |= {"EndpointStatus": "Failed", "FailureReason": "no machines"}
    world.add_package(2, "Approved")

    with pytest.raises(Permanent, match=f"{PROD}: AWS lets a failed endpoint only be deleted: no machines; delete it"):
        world.change_endpoint().handle(_event("promote", "prod", 2, "r2"))


def test_a_promotion_puts_the_challenger_into_the_champions_slot(world: World) -> None:
    _promoted(world)
    world.add_package(2, "Approved")
    world.change_endpoint().handle(_event("experiment", "prod", 2, "r2"))

    answer = world.change_endpoint().handle(_event("promote", "prod", 2, "r2"))

    assert (answer["config"], answer["variants"]) == (f"{PROD}{_suffix(2, 'r2')}", "champion")
    assert world.sagemaker.configs[answer["config"]]["ProductionVariants"] == [_variant("champion", V2)]
    assert world.sagemaker.endpoints[PROD]["EndpointConfigName"] == answer["config"]


def test_a_withdrawal_goes_back_to_the_config_before(world: World) -> None:
    before = _promoted(world)
    world.add_package(2, "Approved")
    function = world.change_endpoint()
    previous = function.handle(_event("experiment", "prod", 2, "r2"))["previous"]

    answers = [function.handle(_event("withdraw", "prod", 2, "r2", previous=previous)) for _ in range(2)]

    expected = {"endpoint": PROD, "config": before, "variants": "champion", "mode": "none", "previous": ""}
    assert answers == [expected, expected]
    assert world.sagemaker.endpoints[PROD]["EndpointConfigName"] == before
    assert [change for change, _ in world.sagemaker.changes] == ["create_endpoint", *["update_endpoint"] * 2]
    assert set(world.sagemaker.configs) == {before, AB}


@pytest.mark.parametrize("more", [{}, {"previous": ""}])
def test_a_withdrawal_to_nobody_knows_what_is_refused(world: World, more: dict[str, str]) -> None:
    _promoted(world)

    with pytest.raises(Permanent, match="expected the endpoint config that production had before, found nothing"):
        world.change_endpoint().handle(_event("withdraw", "prod", **more))

    assert len(world.sagemaker.changes) == 1


@pytest.mark.parametrize("stage", ["dev", "staging"])
def test_a_stage_is_taken_down_with_its_config_and_again_is_fine(world: World, stage: str) -> None:
    world.add_package(1, "Approved")
    function = world.change_endpoint()
    endpoint = function.handle(_event("deploy", stage))["endpoint"]

    answers = [function.handle(_event("remove", stage)) for _ in range(2)]

    assert answers == [{"endpoint": endpoint, "removed": "yes"}] * 2
    assert (world.sagemaker.endpoints, world.sagemaker.configs) == ({}, {})
    assert list(world.sagemaker.models) == [V1]


def test_a_stage_stays_where_the_settings_keep_it(world: World) -> None:
    world.add_package(1, "Approved")
    function = world.change_endpoint(keeps_stages=True)
    function.handle(_event("deploy", "staging"))

    answer = function.handle(_event("remove", "staging"))

    assert answer == {"endpoint": STAGING, "removed": "kept by the settings"}
    assert list(world.sagemaker.endpoints) == [STAGING]
    assert len(world.sagemaker.configs) == 1


@pytest.mark.parametrize("keeps_stages", [True, False])
def test_production_is_never_taken_down(world: World, keeps_stages: bool) -> None:
    config = _promoted(world)

    with pytest.raises(Permanent, match=f"{PROD}: production is never removed"):
        world.change_endpoint(keeps_stages=keeps_stages).handle(_event("remove", "prod"))

    assert world.sagemaker.deleted == []
    assert (list(world.sagemaker.endpoints), list(world.sagemaker.configs)) == ([PROD], [config])


@pytest.mark.parametrize("status", ["PendingManualApproval", "Rejected"])
@pytest.mark.parametrize(("change", "stage"), [("deploy", "dev"), ("experiment", "prod"), ("promote", "prod")])
def test_what_is_not_approved_does_not_come_to_serve(world: World, change: str, stage: str, status: str) -> None:
    arn = world.add_package(1, status)

    with pytest.raises(Permanent, match=f"{arn}: expected Approved, found {status}"):
        world.change_endpoint().handle(_event(change, stage))

    assert (world.sagemaker.models, world.sagemaker.configs, world.sagemaker.changes) == ({}, {}, [])


def test_what_is_rejected_meanwhile_can_still_be_withdrawn_and_taken_down(world: World) -> None:
    before = _promoted(world)
    world.add_package(2, "Approved")
    function = world.change_endpoint()
    function.handle(_event("deploy", "dev", 2, "r2"))
    function.handle(_event("experiment", "prod", 2, "r2"))
    world.add_package(2, "Rejected")

    function.handle(_event("withdraw", "prod", 2, "r2", previous=before))
    function.handle(_event("remove", "dev", 2, "r2"))

    assert world.sagemaker.endpoints[PROD]["EndpointConfigName"] == before
    assert world.sagemaker.deleted == [DEV]


@pytest.mark.parametrize(
    ("change", "stage", "problem"),
    [
        (
            "redeploy",
            "dev",
            "change 'redeploy': expected deploy, experiment, promote, withdraw, scale, monitor or remove",
        ),
        ("deploy", "test", "stage 'test': expected one of dev, staging, prod"),
        ("remove", "test", "stage 'test': expected one of dev, staging, prod"),
    ],
)
def test_what_there_is_not_is_refused_by_name(world: World, change: str, stage: str, problem: str) -> None:
    world.add_package(1, "Approved")

    with pytest.raises(Permanent, match=problem):
        world.change_endpoint().handle(_event(change, stage))

    assert (world.sagemaker.models, world.sagemaker.changes, world.sagemaker.deleted) == ({}, [], [])


def test_what_sagemaker_refuses_for_another_reason_is_the_steps_failure(world: World) -> None:
    """Only what is there already, or gone already, is taken as done."""
    world.add_package(1, "Approved")
    previous = "driftloop-flights-prod-deleted-meanwhile"
    _promoted(world)

    with pytest.raises(ClientError, match=f'Could not find endpoint configuration "{previous}"'):
        world.change_endpoint().handle(_event("withdraw", "prod", previous=previous))


@pytest.mark.parametrize(("stage", "purpose"), [("dev", ""), ("staging", ""), ("prod", ""), ("prod", "-ab")])
def test_names_are_at_most_63_characters_and_tell_stages_and_releases_apart(stage: str, purpose: str) -> None:
    """What the stack allows to be deleted are configs of `dev*` and `stag*`."""
    prefix = f"{'a' * 20}-{'b' * 20}"
    names = [Names(prefix, prefix, 12345, release).config(stage, purpose) for release in ("r1", "r2")]

    assert all(len(name) <= 63 for name in names)
    assert len(set(names)) == 2
    may_delete = [name.startswith((f"{prefix}-dev", f"{prefix}-stag")) for name in names]
    assert may_delete == [stage != "prod"] * 2
