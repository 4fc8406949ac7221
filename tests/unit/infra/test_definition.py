"""A committed definition becomes a Fn::Sub: stand-ins out, everything else untouched."""

import json
from typing import Any

import pytest
from aws_cdk import Stack

from infra.definition import (
    MAX_INLINE_BYTES,
    DefinitionTooLargeError,
    Place,
    PlacedAsset,
    StandInLeftError,
    UnencryptableStepError,
    asset_places,
    code_version,
    fill,
    with_output_key,
)


def _filled(text: str, *places: Place) -> tuple[str, dict[str, Any]]:
    sub = Stack().resolve(fill("train", text, places))["Fn::Sub"]
    return (sub, {}) if isinstance(sub, str) else (sub[0], sub[1])


def test_a_stand_in_becomes_a_variable_and_only_used_variables_stay() -> None:
    text = json.dumps({"Bucket": "s3://token-artifact-bucket/x"})
    places = (Place("token-artifact-bucket", "Artifacts", "real"), Place("token-raw-bucket", "Raw", "other"))

    body, variables = _filled(text, *places)

    assert json.loads(body) == {"Bucket": "s3://${Artifacts}/x"}
    assert variables == {"Artifacts": "real"}


def test_an_asset_is_replaced_by_uri_and_by_path() -> None:
    text = json.dumps(["s3://token-asset-bucket/a.py", "/opt/ml/processing/input/code/a.py", "a.py"])

    body, variables = _filled(text, *asset_places((PlacedAsset("a.py", "assets", "0f.py"),)))

    assert json.loads(body) == ["${AssetUri0}", "${AssetPath0}", "a.py"]
    assert variables == {"AssetUri0": "s3://assets/0f.py", "AssetPath0": "/opt/ml/processing/input/code/0f.py"}


def test_what_looks_like_a_variable_and_is_none_of_ours_is_escaped() -> None:
    body, _ = _filled(json.dumps({"Shell": "echo ${HOME}"}))

    assert json.loads(body) == {"Shell": "echo ${!HOME}"}


def test_a_longer_name_that_begins_like_a_stand_in_is_another_name() -> None:
    body, variables = _filled(json.dumps(["my-role-job", "my-role"]), Place("my-role", "Role", "x"))

    assert json.loads(body) == ["my-role-job", "${Role}"]
    assert variables == {"Role": "x"}


def test_a_stand_in_without_a_place_is_refused() -> None:
    with pytest.raises(StandInLeftError, match="token-raw-bucket"):
        fill("train", json.dumps("s3://token-raw-bucket/x"), ())


def test_a_definition_that_is_too_large_is_refused() -> None:
    with pytest.raises(DefinitionTooLargeError, match=r"expected at most 100,000 bytes, found 100,002"):
        fill("train", json.dumps("x" * MAX_INLINE_BYTES), ())


def test_the_code_version_follows_definition_and_files() -> None:
    version = code_version("{}", {"a.py": b"1"})

    assert version == code_version("{}", {"a.py": b"1"})
    assert len({version, code_version("[]", {"a.py": b"1"}), code_version("{}", {"a.py": b"2"})}) == 3


def test_outputs_of_every_step_get_the_key_within_branches_too() -> None:
    training = {"Name": "Train", "Type": "Training", "Arguments": {"OutputDataConfig": {"S3OutputPath": "s3://b"}}}
    test = {"Name": "Test", "Type": "Processing", "Arguments": {"ProcessingOutputConfig": {"Outputs": []}}}
    branches = {"Conditions": [], "IfSteps": [test], "ElseSteps": [{"Name": "No", "Type": "Fail", "Arguments": {}}]}
    steps = [training, {"Name": "Gate", "Type": "Condition", "Arguments": branches}]

    found = json.loads(with_output_key(json.dumps({"Steps": steps}), "key"))["Steps"]

    assert found[0]["Arguments"]["OutputDataConfig"] == {"S3OutputPath": "s3://b", "KmsKeyId": "key"}
    assert found[1]["Arguments"]["IfSteps"][0]["Arguments"]["ProcessingOutputConfig"]["KmsKeyId"] == "key"
    assert found[1]["Arguments"]["ElseSteps"][0]["Arguments"] == {}


def test_a_step_of_which_nobody_knows_how_its_outputs_are_encrypted_is_refused() -> None:
    steps = [{"Name": "Score", "Type": "Transform", "Arguments": {}}]

    with pytest.raises(UnencryptableStepError, match=r"step 'Score': expected Processing, .* found Transform"):
        with_output_key(json.dumps({"Steps": steps}), "key")
