"""What each function of a template answers."""

from typing import Any

import pytest

from emulator.semantics.cloudformation import intrinsics
from emulator.semantics.cloudformation.errors import TemplateError
from emulator.semantics.cloudformation.intrinsics import Scope

SCOPE = Scope(
    refs={
        "AWS::Region": "us-east-1",
        "Name": "n",
        "Number": 5,
        "Flag": True,
        "List": ["a", "b"],
        "Literal": "${!x} ${Name}",
        "Queue": "https://q",
    },
    mappings={"M": {"us-east-1": {"size": "big"}}},
    conditions={
        "Yes": {"Fn::Equals": [{"Ref": "Name"}, "n"]},
        "No": {"Fn::Not": [{"Condition": "Yes"}]},
        "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
        "Either": {"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]},
    },
    attributes={("Queue", "Arn"): "arn:q", ("Queue", "Deep.Er"): "d"},
)
NO_VALUE = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (5, 5),
        (None, None),
        ({"Ref": "Name"}, "n"),
        ({"Ref": "List"}, ["a", "b"]),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:q"),
        ({"Fn::GetAtt": "Queue.Deep.Er"}, "d"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Name"}, {"Ref": "Number"}]]}, "a-n-5"),
        ({"Fn::Join": [",", {"Ref": "List"}]}, "a,b"),
        ({"Fn::Join": ["", ["a", NO_VALUE, "b"]]}, "ab"),
        ({"Fn::Split": ["/", {"Fn::Sub": "a/${Name}"}]}, ["a", "n"]),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "x,y"]}]}, "y"),
        ({"Fn::Select": [0, {"Ref": "List"}]}, "a"),
        ({"Fn::Base64": {"Ref": "Name"}}, "bg=="),
        ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "size"]}, "big"),
        ({"Fn::If": ["Yes", {"Ref": "Name"}, "other"]}, "n"),
        ({"Fn::If": ["No", {"Fn::GetAtt": ["Absent", "Arn"]}, "other"]}, "other"),
        ({"Fn::If": ["Both", 1, {"Fn::If": ["Either", 2, 3]}]}, 2),
        ({"Fn::Sub": "${AWS::Region}/${Name}/${Queue.Arn}/${Flag}"}, "us-east-1/n/arn:q/true"),
        ({"Fn::Sub": ["${X}-${Name}", {"X": {"Ref": "Number"}, "Name": "mine"}]}, "5-mine"),
        ({"Fn::Sub": "${!Literal} ${Name} $ {} $${Name}"}, "${Literal} n $ {} $n"),
        ({"Fn::Sub": "${Literal}"}, "${!x} ${Name}"),
        ({"a": [NO_VALUE, {"b": NO_VALUE, "c": {"Fn::If": ["No", 1, NO_VALUE]}}], "d": NO_VALUE}, {"a": [{}]}),
        ({"Condition": {"StringEquals": {"a": {"Ref": "Name"}}}}, {"Condition": {"StringEquals": {"a": "n"}}}),
        ({"Ref": "Name", "Other": 1}, {"Ref": "Name", "Other": 1}),
    ],
)
def test_a_value_is_what_its_functions_answer(value: Any, expected: Any) -> None:
    assert intrinsics.resolve(value, SCOPE) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Ref": "Absent"}, r"Unresolved resource or parameter \[Absent\]"),
        ({"Fn::Sub": "${Absent}"}, r"Unresolved resource or parameter \[Absent\]"),
        ({"Fn::GetAtt": ["Queue", "Colour"]}, "resource Queue does not support attribute Colour"),
        ({"Fn::Select": [2, {"Ref": "List"}]}, "cannot select nonexistent value at index 2"),
        ({"Fn::FindInMap": ["M", "eu-west-1", "size"]}, "Unable to get mapping for M::eu-west-1::size"),
        ({"Fn::If": ["Absent", 1, 2]}, r"Unresolved condition \[Absent\]"),
        ({"a": [{"Fn::ImportValue": "x"}]}, "the function Fn::ImportValue is not emulated yet"),
        ({"a": "{{resolve:ssm:/x}}"}, "dynamic reference '{{resolve:ssm:/x}}' is not emulated yet"),
        ({"Fn::Sub": "{{resolve:ssm:/${Name}}}"}, "dynamic reference .* is not emulated yet"),
    ],
)
def test_what_means_nothing_is_refused_by_name(value: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        intrinsics.resolve(value, SCOPE)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::If": ["Yes", 1, {"Fn::GetAZs": ""}]}, "the function Fn::GetAZs is not emulated yet"),
        ([{"x": {"Fn::Cidr": []}}], "the function Fn::Cidr is not emulated yet"),
        ({"Fn::Join": ["", ["{{resolve:secretsmanager:x}}"]]}, "dynamic reference"),
        ({"Fn::If": ["Absent", 1, 2]}, r"Unresolved condition \[Absent\]"),
        ({"Fn::If": ["Yes", 1]}, "Fn::If has an operand that it cannot have"),
        ({"Fn::GetAtt": "Queue"}, "Fn::GetAtt has an operand"),
        ({"Fn::Sub": ["a", ["b"]]}, "Fn::Sub has an operand"),
        ({"Ref": ["Queue"]}, "Ref has an operand"),
    ],
)
def test_what_no_deployment_could_resolve_is_refused_without_one(value: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        intrinsics.check(value, SCOPE)


def test_a_check_asks_for_no_resource() -> None:
    intrinsics.check({"a": [{"Ref": "Unmade"}, {"Fn::Sub": "${Un.Made}"}, {"Fn::GetAtt": ["Un", "Made"]}]}, SCOPE)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Condition": "Yes"}, True),
        ({"Condition": "Both"}, False),
        ({"Condition": "Either"}, True),
        ({"Fn::Contains": [["a", "n"], {"Ref": "Name"}]}, True),
        ({"Fn::Contains": [["a"], {"Ref": "Name"}]}, False),
    ],
)
def test_a_condition_holds_or_does_not(condition: Any, expected: bool) -> None:
    assert intrinsics.is_true(condition, SCOPE) is expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"Condition": "Absent"}, r"Unresolved condition \[Absent\]"),
        ({"Fn::EachMemberIn": [[], []]}, "condition .*Fn::EachMemberIn.* is not emulated yet"),
        ({"Fn::Equals": ["a"]}, "operand that it cannot have"),
        ({"Fn::Not": []}, "operand that it cannot have"),
        ("yes", "is not emulated yet"),
    ],
)
def test_a_condition_that_is_none_is_refused(condition: Any, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        intrinsics.is_true(condition, SCOPE)


def test_a_value_needs_every_name_in_it_once_for_each_place() -> None:
    value = {
        "a": {"Ref": "A"},
        "b": [{"Fn::GetAtt": ["B", "Arn"]}, {"Fn::GetAtt": "C.Arn"}],
        "c": {"Fn::Sub": ["${D} ${E.Arn} ${Given} ${!Literal}", {"Given": {"Ref": "F"}}]},
        "d": {"Fn::If": ["Condition", {"Ref": "G"}, {"Fn::Join": ["", [{"Ref": "H"}]]}]},
    }

    assert sorted(intrinsics.references(value)) == list("ABCDEFGH")
