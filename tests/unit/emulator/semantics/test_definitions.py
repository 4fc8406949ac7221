"""What CreatePipeline takes and what it refuses, each refusal naming its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.semantics.pipelines import parsing
from emulator.semantics.pipelines.definition import Branch
from emulator.semantics.pipelines.errors import DefinitionError, NotEmulated
from tests.support.emulator import REPOSITORY

JOB: dict[str, Any] = {
    "ProcessingResources": {},
    "AppSpecification": {},
    "RoleArn": "r",
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out"}]},
}


def document(*steps: dict[str, Any], **top: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": list(steps), **top})


def job(name: str, **more: Any) -> dict[str, Any]:
    arguments = {**JOB, **more.pop("arguments", {})}
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}


def fail(name: str = "F", message: Any = "x", **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **more}


def condition(name: str = "C", left: Any = 1, **branches: Any) -> dict[str, Any]:
    judged = [{"Type": "Equals", "LeftValue": left, "RightValue": 1}]
    return {"Name": name, "Type": "Condition", "Arguments": {"Conditions": judged, **branches}}


def get(path: str) -> dict[str, str]:
    return {"Get": path}


@pytest.mark.parametrize("pipeline", ["train", "release"])
def test_the_committed_definitions_are_accepted(pipeline: str) -> None:
    text = (REPOSITORY / "pipeline_definitions" / pipeline / "definition.json").read_text()

    assert parsing.parse(text).steps


def test_branches_are_flattened_and_references_become_needs() -> None:
    inner = job("B", arguments={"Environment": {"x": get("Steps.A.ProcessingJobName")}})

    parsed = parsing.parse(
        document(job("A"), condition(IfSteps=[inner], ElseSteps=[fail()]), job("D", DependsOn=["A"]))
    )

    assert [step.name for step in parsed.steps] == ["A", "C", "B", "F", "D"]
    assert (parsed.step("B").needs, parsed.step("B").within) == (("A",), Branch("C", True))
    assert parsed.step("F").within == Branch("C", False)
    assert parsed.step("D").needs == ("A",)


JSON_GET = {"Std:JsonGet": {"PropertyFile": get("Steps.A.PropertyFiles.P"), "Path": "a"}}
FILES = [{"PropertyFileName": "P", "OutputName": "out", "FilePath": "f"}]
REFUSED = {
    "not valid JSON": "no json",
    "not a JSON object": "[]",
    "Version must be '2020-12-01', found None": "{}",
    r"unknown properties \['Extra'\]": document(fail(), Extra=1),
    "a pipeline needs at least one step": document(),
    "Steps: names must be unique, repeated: F": document(fail(), condition(IfSteps=[fail()])),
    "Parameters: names must be unique": document(fail(), Parameters=[{"Name": "P", "Type": "String"}] * 2),
    "parameter 'P': Type 'Text' is not one of": document(fail(), Parameters=[{"Name": "P", "Type": "Text"}]),
    "parameter 'P': '1' is not of type Integer": document(
        fail(), Parameters=[{"Name": "P", "Type": "Integer", "DefaultValue": "1"}]
    ),
    "parameter 'P': 'c' is not one of the allowed values": document(
        fail(), Parameters=[{"Name": "P", "Type": "String", "DefaultValue": "c", "EnumValues": ["a", "b"]}]
    ),
    "step 'X': unknown step type 'Nope'": document({"Name": "X", "Type": "Nope"}),
    "step Name must match": document(fail("a b")),
    "step 'F': unknown keys for type 'Fail': Extra": document(fail(Extra=1)),
    "step 'A': unknown arguments for type 'Processing': Enviroment": document(job("A", arguments={"Enviroment": {}})),
    "step 'A': missing arguments for type 'Processing': AppSpecification, ProcessingResources": document(
        {"Name": "A", "Type": "Processing", "Arguments": {"RoleArn": "r"}}
    ),
    "step 'L': missing keys for type 'Lambda': FunctionArn": document({"Name": "L", "Type": "Lambda", "Arguments": {}}),
    "step 'F': Get 'Parameters.P': the pipeline has no such parameter": document(fail(message=get("Parameters.P"))),
    "step 'F': depends on step 'S', which the pipeline does not have": document(fail(message=get("Steps.S.X"))),
    "step 'F': Get 'Execution.Nope': not one of": document(fail(message=get("Execution.Nope"))),
    "step 'F': Get 'Else.Where': unknown root 'Else'": document(fail(message=get("Else.Where"))),
    "step 'A': depends on step 'B', which": document(job("A", DependsOn=["B"])),
    "step 'A': depends on 'F': a step of type Fail": document(fail(), job("A", DependsOn=["F"])),
    "step 'A': depends on 'C': a step of type Condition": document(condition(), job("A", DependsOn=["C"])),
    "property file 'P': output 'gone' not among outputs": document(
        job("A", PropertyFiles=[{**FILES[0], "OutputName": "gone"}])
    ),
    r"step 'A' has the property files \[\]": document(job("A"), fail(message=JSON_GET)),
    "PropertyFiles stand in the PropertyFile of a Std:JsonGet": document(
        job("A", PropertyFiles=FILES), fail(message=get("Steps.A.PropertyFiles.P"))
    ),
    "unknown function 'Std:Upper'": document(fail(message={"Std:Upper": "x"})),
    "Std:Join takes": document(fail(message={"Std:Join": {"Values": []}})),
    "cyclic dependency (A -> B -> A|B -> A -> B)": document(job("A", DependsOn=["B"]), job("B", DependsOn=["A"])),
    "cyclic dependency": document(condition(left=get("Steps.A.X"), IfSteps=[job("A")])),
    "condition type 'Like' is not one of": document(condition()).replace("Equals", "Like"),
    "condition Equals lacks RightValue": document(condition()).replace("RightValue", "Right"),
}


@pytest.mark.parametrize(("message", "text"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_definition_that_contradicts_itself_is_refused(message: str, text: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        parsing.parse(text)


@pytest.mark.parametrize(
    ("message", "step"),
    [
        ("step 'T': type 'Tuning' is not emulated yet", {"Name": "T", "Type": "Tuning"}),
        ("CacheConfig \\(step caching\\)", job("A", CacheConfig={"Enabled": True, "ExpireAfter": "P1D"})),
        ("RetryPolicies", job("A", RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"]}])),
        ("Trigger 'Any'", job("A", DependsOn=[{"Step": "B", "Trigger": "Any"}])),
        ("S3Uri", fail(message={"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a"}})),
    ],
)
def test_what_is_not_emulated_yet_is_refused_by_name(message: str, step: dict[str, Any]) -> None:
    with pytest.raises(NotEmulated, match=message):
        parsing.parse(document(step))


def test_what_the_sdk_renders_as_null_or_empty_is_harmless() -> None:
    nothing = {"Parameters": [], "Metadata": {}, "PipelineExperimentConfig": None, "MlflowConfig": None}

    assert parsing.parse(document(job("A", CacheConfig={"Enabled": False}, DependsOn=None), **nothing)).steps
