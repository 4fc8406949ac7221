"""From a template's text, JSON or YAML, to values; what cannot be meant is refused."""

import json
from typing import Any

import pytest

from emulator.semantics.cloudformation import templates
from emulator.semantics.cloudformation.errors import TemplateError

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "q"}}


def test_json_and_yaml_of_one_template_are_one_template() -> None:
    text = """
        Description: two queues
        Parameters: {Name: {Type: String}}
        Resources:
          A: {Type: AWS::SQS::Queue, DependsOn: B, Condition: Wanted, DeletionPolicy: Retain}
          B:
            Type: AWS::SQS::Queue
            DependsOn: [C, D]
            Properties:
              QueueName: q
        Outputs: {}
    """
    same = {
        "Description": "two queues",
        "Parameters": {"Name": {"Type": "String"}},
        "Resources": {
            "A": {"Type": "AWS::SQS::Queue", "DependsOn": "B", "Condition": "Wanted", "DeletionPolicy": "Retain"},
            "B": {"Type": "AWS::SQS::Queue", "DependsOn": ["C", "D"], "Properties": {"QueueName": "q"}},
        },
    }

    found = templates.parse(text)

    assert found == templates.parse(json.dumps(same)) == templates.parse("\n " + json.dumps(same))
    assert found.resources["A"] == templates.Resource("A", "AWS::SQS::Queue", {}, ("B",), "Wanted")
    assert found.resources["B"].depends_on == ("C", "D")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("!Ref A", {"Ref": "A"}),
        ("!GetAtt A.Arn", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!GetAtt A.Nested.Arn", {"Fn::GetAtt": ["A", "Nested.Arn"]}),
        ("!GetAtt [A, Arn]", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!Sub 'x${A}'", {"Fn::Sub": "x${A}"}),
        ("!Sub ['${B}', {B: !Ref A}]", {"Fn::Sub": ["${B}", {"B": {"Ref": "A"}}]}),
        ("!Join ['-', [a, !Ref A]]", {"Fn::Join": ["-", ["a", {"Ref": "A"}]]}),
        ("!Select [0, !Split [',', 'a,b']]", {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}),
        ("!If [C, a, !Ref AWS::NoValue]", {"Fn::If": ["C", "a", {"Ref": "AWS::NoValue"}]}),
        ("!FindInMap [M, a, b]", {"Fn::FindInMap": ["M", "a", "b"]}),
        ("!Base64 x", {"Fn::Base64": "x"}),
        ("!Condition C", {"Condition": "C"}),
        ("!ImportValue x", {"Fn::ImportValue": "x"}),
        ("2012-10-17", "2012-10-17"),
        ("'5'", "5"),
        ("5", 5),
    ],
)
def test_yaml_short_forms_are_the_long_forms_and_dates_stay_text(short: str, long: Any) -> None:
    text = f"Resources:\n  A:\n    Type: T\n    Properties:\n      P: {short}\n"

    assert templates.parse(text).resources["A"].properties == {"P": long}


def test_empty_sections_and_properties_in_yaml_are_empty() -> None:
    found = templates.parse("Parameters:\nConditions:\nOutputs:\nResources:\n  A:\n    Type: T\n    Properties:\n")

    assert (found.parameters, found.conditions, found.outputs, found.resources["A"].properties) == ({}, {}, {}, {})


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({}, "At least one Resources member must be defined"),
        ({"Resources": {}}, "At least one Resources member must be defined"),
        ({"Resources": ["A"]}, "Resources must be an object"),
        ({"Resources": {"A": QUEUE}, "Parameters": ["P"]}, "Parameters must be an object"),
        ({"Resources": {"A": QUEUE}, "Parameters": {"P": {}}}, r"Every Parameters object must contain a Type.*P"),
        ({"Resources": {"A": QUEUE}, "Transform": "AWS::Serverless-2016-10-31"}, "section Transform is not emulated"),
        ({"Resources": {"A": {"Properties": {}}}}, r"\[/Resources/A\] Every Resources object must contain a Type"),
        ({"Resources": {"A": None}}, r"\[/Resources/A\] resource definition is malformed"),
        ({"Resources": {"A": {**QUEUE, "UpdatePolicy": {}}}}, "'A': attribute UpdatePolicy is not emulated"),
    ],
)
def test_a_template_that_cannot_be_meant_is_refused_by_its_place(template: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        templates.parse(json.dumps(template))


@pytest.mark.parametrize("text", ["{not json", "a: [", "just text", "", "- a\n- b"])
def test_a_text_that_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateError, match="Template format error"):
        templates.parse(text)
