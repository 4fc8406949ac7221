"""What will be made, in which order, or why nothing can be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.cloudformation import planning, templates
from emulator.semantics.cloudformation.errors import TemplateError
from emulator.semantics.cloudformation.intrinsics import Scope

KNOWN = {"T": frozenset({"P"}), "U": frozenset({"P", "Q"})}


def _template(resources: dict[str, Any], **sections: Any) -> templates.Template:
    whole = {name: {"Type": "T", **body} for name, body in resources.items()}
    return templates.parse(json.dumps({"Resources": whole, **sections}))


def _order(resources: dict[str, Any], **sections: Any) -> list[str]:
    template = _template(resources, **sections)
    scope = Scope({"AWS::Region": "r", "Param": "p"}, conditions=template.conditions)
    return [resource.logical_id for resource in planning.plan(template, scope, KNOWN).order]


def _needs(*names: str) -> dict[str, Any]:
    return {"Properties": {"P": [{"Ref": name} for name in names]}}


def test_a_resource_comes_after_everything_it_needs() -> None:
    resources = {
        "D": {"DependsOn": ["C"]},
        "C": {"Properties": {"P": {"Fn::GetAtt": ["B", "Arn"]}}},
        "B": {"Properties": {"P": {"Fn::Sub": "${A}-${AWS::Region}"}}},
        "A": _needs("Param", "AWS::NoValue"),
    }

    assert _order(resources) == ["A", "B", "C", "D"]


@given(st.permutations(range(8)), st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_any_acyclic_template_is_ordered_whatever_the_order_of_its_text(
    written: list[int], pairs: set[tuple[int, int]]
) -> None:
    needs = {number: {low for low, high in pairs if high == number and low < high} for number in written}
    resources = {f"R{number}": _needs(*(f"R{low}" for low in sorted(needs[number]))) for number in written}

    order = _order(resources)

    assert sorted(order) == sorted(resources)
    assert all(order.index(f"R{low}") < order.index(f"R{number}") for number in written for low in needs[number])


def test_a_circle_is_refused_by_its_members() -> None:
    with pytest.raises(TemplateError, match=r"Circular dependency between resources: \[.*A.*B.*\]") as refused:
        _order({"A": _needs("B"), "B": {"DependsOn": "A"}, "C": {}})

    assert "C" not in str(refused.value).split("[")[1]


def test_a_name_that_means_nothing_is_refused_in_its_block() -> None:
    with pytest.raises(TemplateError, match=r"Unresolved resource dependencies \[X, Y\] in the Resources block"):
        _order({"A": _needs("X", "Y")})
    with pytest.raises(TemplateError, match=r"Unresolved resource dependencies \[X\] in the Outputs block"):
        _order({"A": {}}, Outputs={"O": {"Value": {"Fn::GetAtt": ["X", "Arn"]}}})


def test_all_unknown_types_are_named_with_all_their_logical_ids() -> None:
    resources = {"B": {"Type": "X::Y"}, "A": {"Type": "X::Y"}, "C": {"Type": "Custom::Z"}, "D": {}}

    with pytest.raises(TemplateError) as refused:
        _order(resources)

    listed = "Custom::Z (C); X::Y (A, B)"
    assert str(refused.value) == f"Template format error: Unrecognized resource types: {listed}. Nothing was created."


def test_all_unknown_properties_are_named_with_their_resources() -> None:
    resources = {"A": {"Properties": {"P": 1, "S": 1, "R": 1}}, "B": {"Type": "U", "Properties": {"Q": 1, "Z": 1}}}

    with pytest.raises(TemplateError) as refused:
        _order(resources)

    listed = "A (T): R; A (T): S; B (U): Z"
    assert str(refused.value) == f"Properties not emulated yet: {listed}. Nothing was created."


def test_a_resource_whose_condition_fails_is_neither_made_nor_looked_at() -> None:
    conditions = {"Yes": {"Fn::Equals": ["a", "a"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}}
    resources = {
        "A": {"Condition": "Yes", **_needs("B")},
        "B": {"Condition": "No", "Type": "Custom::Unknown", "Properties": {"P": {"Ref": "Nowhere"}}},
    }

    assert _order(resources, Conditions=conditions) == ["A"]


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"Conditions": {"C": {"Fn::Maybe": []}}}, "Fn::Maybe.* is not emulated yet"),
        ({"Conditions": {"C": {"Condition": "Absent"}}}, r"Unresolved condition \[Absent\]"),
        ({"Outputs": {"O": {}}}, "Output O must have a Value"),
        ({"Outputs": {"O": {"Value": {"Fn::ImportValue": "x"}}}}, "Fn::ImportValue is not emulated yet"),
    ],
)
def test_what_would_fail_at_the_end_is_refused_at_the_beginning(sections: dict[str, Any], message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        _order({"A": {}}, **sections)


def test_a_function_that_is_not_emulated_is_refused_before_anything_is_made() -> None:
    with pytest.raises(TemplateError, match="Fn::GetAZs is not emulated yet"):
        _order({"A": {}, "B": {"Properties": {"P": {"Fn::Select": [0, {"Fn::GetAZs": ""}]}}}})


def _parameters(declared: dict[str, Any], **values: str) -> dict[str, Any]:
    return planning.parameters(_template({"A": {}}, Parameters=declared), values)


def test_a_parameter_is_what_was_given_or_its_default() -> None:
    declared = {
        "Given": {"Type": "String", "Default": "d"},
        "Default": {"Type": "Number", "Default": 5},
        "Empty": {"Type": "String", "Default": ""},
        "List": {"Type": "CommaDelimitedList"},
        "Numbers": {"Type": "List<Number>", "Default": ""},
        "Ssm": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/name"},
    }

    found = _parameters(declared, Given="g", List="a, b")

    assert found == {
        "Given": "g",
        "Default": "5",
        "Empty": "",
        "List": ["a", "b"],
        "Numbers": [],
        "Ssm": "/name",
    }


@pytest.mark.parametrize(
    ("declared", "given_values", "message"),
    [
        ({}, {"X": "1", "W": "1"}, r"Parameters: \[W, X\] do not exist in the template"),
        ({"A": {"Type": "String"}, "B": {"Type": "String"}}, {}, r"Parameters: \[A, B\] must have values"),
        (
            {"A": {"Type": "String", "AllowedValues": ["x", True]}},
            {"A": "y"},
            "Parameter 'A' must be one of AllowedValues",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_refused(
    declared: dict[str, Any], given_values: dict[str, str], message: str
) -> None:
    with pytest.raises(TemplateError, match=message):
        _parameters(declared, **given_values)


def _check_rule(rule: dict[str, Any], stage: str) -> None:
    template = _template({"A": {}}, Rules={"Stage": rule})
    planning.check_rules(template, Scope({"Stage": stage}))


RULE = {
    "RuleCondition": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "Assertions": [{"Assert": {"Fn::Contains": [["dev"], {"Ref": "Stage"}]}, "AssertDescription": "not in prod"}],
}


def test_a_rule_refuses_by_its_description_only_where_its_condition_holds() -> None:
    _check_rule(RULE, "dev")
    _check_rule(RULE, "test")
    with pytest.raises(TemplateError, match="rule Stage: not in prod"):
        _check_rule(RULE, "prod")


def test_a_rule_without_condition_always_counts() -> None:
    with pytest.raises(TemplateError, match="rule Stage: not in prod"):
        _check_rule({"Assertions": RULE["Assertions"]}, "test")
