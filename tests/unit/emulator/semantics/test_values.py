"""Parameters, references and conditions of pipelines."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.semantics.pipelines import arguments, conditions, parameters, parsing, references, resolution
from emulator.semantics.pipelines.errors import DefinitionError, UnresolvedError
from emulator.semantics.pipelines.resolution import Facts

DECLARED = [
    {"Name": "S", "Type": "String", "DefaultValue": "s", "EnumValues": ["s", "t"]},
    {"Name": "I", "Type": "Integer", "DefaultValue": 1},
    {"Name": "F", "Type": "Float", "DefaultValue": 1},
    {"Name": "B", "Type": "Boolean", "DefaultValue": False},
]
DEFINITION = parsing.parse(
    json.dumps(
        {
            "Version": "2020-12-01",
            "Parameters": DECLARED,
            "Steps": [{"Name": "X", "Type": "Fail", "Arguments": {"ErrorMessage": "x"}}],
        }
    )
)
JOB = {
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "a-b", "S3Output": {"S3Uri": "s3://b/a"}}]},
    "FinalMetricDataList": [{"MetricName": "auc", "Value": 0.7}],
    "Environment": {"k": "v"},
    "Tags": ["x", "y"],
    "At": datetime(2026, 1, 1, tzinfo=UTC),
}
FACTS = Facts(
    parameters={"I": 3, "S": "s", "B": True},
    execution={"PipelineName": "p"},
    properties={"Job-1": JOB},
    files={("Job-1", "R"): {"a": {"b": [{"c": 0.25}]}, "empty": None}},
)


def given(**values: str) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def test_strings_become_the_types_that_the_definition_declares() -> None:
    assert parameters.bind(DEFINITION, given(S="t", I="-2", F="0.5", B="True")) == {
        "S": "t",
        "I": -2,
        "F": 0.5,
        "B": True,
    }
    assert parameters.bind(DEFINITION, []) == {"S": "s", "I": 1, "F": 1, "B": False}


@pytest.mark.parametrize("wrong", [{"I": "1.5"}, {"F": "x"}, {"B": "yes"}, {"S": "u"}, {"Nope": "1"}])
def test_a_value_that_does_not_fit_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(DefinitionError, match="parameter"):
        parameters.bind(DEFINITION, given(**wrong))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Get": "Parameters.I"}, 3),
        ({"Get": "Execution.PipelineName"}, "p"),
        ({"Get": "Steps.Job-1.ProcessingOutputConfig.Outputs['a-b'].S3Output.S3Uri"}, "s3://b/a"),
        ({"Get": 'Steps.Job-1.FinalMetricDataList["auc"].Value'}, 0.7),
        ({"Get": "Steps.Job-1.Environment['k']"}, "v"),
        ({"Get": "Steps.Job-1.Tags[1]"}, "y"),
        (
            {"Std:Join": {"On": "/", "Values": ["a", {"Get": "Parameters.I"}, 0.5, {"Get": "Parameters.B"}]}},
            "a/3/0.5/true",
        ),
        ({"Std:Join": {"On": "", "Values": [{"Std:Join": {"On": "-", "Values": [1, 2]}}]}}, "1-2"),
        ({"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Job-1.PropertyFiles.R"}, "Path": "a.b[0]['c']"}}, 0.25),
        ({"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Job-1.PropertyFiles.R"}, "Path": "$.empty"}}, None),
        ([{"deep": {"Get": "Parameters.S"}}, 1], [{"deep": "s"}, 1]),
    ],
)
def test_references_are_replaced_and_keep_their_json_types(value: Any, expected: Any) -> None:
    assert resolution.resolve(value, FACTS) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Get": "Steps.Job-1.ProcessingOutputConfig.Outputs['z'].S3Output"}, "'z' not found"),
        ({"Get": "Steps.Other.X"}, "step 'Other' has no properties"),
        (
            {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Job-1.PropertyFiles.R"}, "Path": "a.x"}},
            "path 'a.x' in property file 'R'",
        ),
        ({"Std:Join": {"On": "", "Values": [["list"]]}}, "Std:Join takes strings and numbers"),
    ],
)
def test_what_is_not_there_is_named(value: Any, message: str) -> None:
    with pytest.raises(UnresolvedError, match=message):
        resolution.resolve(value, FACTS)


@pytest.mark.parametrize("path", ["a..b", "a[", "a[x]", "['a'"])
def test_a_path_that_cannot_be_read_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        references.parse_path(path)


def compare(kind: str, left: Any, right: Any) -> dict[str, Any]:
    return {"Type": kind, "LeftValue": left, "RightValue": right}


YES, NO = compare("Equals", 1, 1), compare("Equals", 1, 2)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (compare("Equals", 1, 1.0), True),
        (compare("Equals", "1", 1), False),
        (compare("Equals", True, 1), False),
        (compare("NotEquals", "a", "b"), True),
        (compare("GreaterThan", 2, 1.5), True),
        (compare("GreaterThanOrEqualTo", 0.6, 0.6), True),
        (compare("LessThan", "a", "b"), True),
        (compare("LessThanOrEqualTo", 2, 1), False),
        ({"Type": "In", "QueryValue": "a", "Values": ["b", "a"]}, True),
        ({"Type": "NotIn", "QueryValue": 3, "Values": [1, 2]}, True),
        ({"Type": "Not", "Condition": NO}, True),
        (
            {"Type": "Or", "Conditions": [NO, {"Type": "Not", "Condition": {"Type": "Or", "Conditions": [NO, NO]}}]},
            True,
        ),
        ({"Type": "Or", "Conditions": []}, False),
    ],
)
def test_each_operator(condition: dict[str, Any], expected: bool) -> None:
    assert conditions.holds([condition]) is expected


def test_all_conditions_of_a_step_must_hold() -> None:
    assert conditions.holds([YES, YES])
    assert not conditions.holds([YES, NO])


@pytest.mark.parametrize(("left", "right"), [("1", 1), (True, 0), (None, 1)])
def test_operands_without_an_order_fail_the_step(left: Any, right: Any) -> None:
    with pytest.raises(UnresolvedError, match="cannot compare"):
        conditions.holds([compare("LessThan", left, right)])


def test_arguments_lose_their_nulls_and_become_text_where_the_api_wants_text() -> None:
    rendered = arguments.render({"A": None, "Environment": {"n": 1, "b": True}, "L": [{"x": None, "y": 2}]})

    assert rendered == {"Environment": {"n": "1", "b": "true"}, "L": [{"y": 2}]}


def test_names_of_jobs_fit_sixty_three_characters() -> None:
    assert arguments.job_name("abcdefghijkl", "My_Step", "0123456789") == "pipelines-abcdefghijkl-my-step-0123456789"
    assert len(arguments.job_name("abcdefghijkl", "x" * 64, "0123456789")) == 63
    assert arguments.job_name("abcdefghijkl", "S", "0123456789", "mine") == "mine-abcdefghijkl-0123456789"
