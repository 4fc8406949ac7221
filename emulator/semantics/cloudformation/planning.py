"""What will be made, in which order, or why nothing can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from emulator.semantics.cloudformation import intrinsics
from emulator.semantics.cloudformation.errors import TemplateError
from emulator.semantics.cloudformation.intrinsics import Scope
from emulator.semantics.cloudformation.templates import Resource, Template

AWS_NAME = "Creating a stack"
SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stacks.html (read 2026-11-23)"


@dataclass(frozen=True)
class Plan:
    """The resources of a stack whose conditions hold, each after what it needs."""

    order: tuple[Resource, ...]


def parameters(template: Template, given: Mapping[str, str]) -> dict[str, Any]:
    """The value of every parameter: given or default. SSM-typed ones are still the parameter's name.

    Raises:
        TemplateError: one has neither, one is unknown, or a value is not allowed.
    """
    unknown = sorted(set(given) - set(template.parameters))
    if unknown:
        raise TemplateError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = sorted(name for name, body in template.parameters.items() if name not in given and "Default" not in body)
    if missing:
        raise TemplateError(f"Parameters: [{', '.join(missing)}] must have values")
    return {name: _parameter(name, body, given) for name, body in template.parameters.items()}


def _parameter(name: str, body: dict[str, Any], given: Mapping[str, str]) -> Any:
    value = given.get(name, str(body.get("Default", "")))
    allowed = body.get("AllowedValues")
    if allowed and value not in [str(item) for item in allowed]:
        raise TemplateError(f"Parameter '{name}' must be one of AllowedValues")
    kind = body["Type"]
    if kind == "CommaDelimitedList" or kind.startswith("List<"):
        return [item.strip() for item in value.split(",")] if value else []
    return value


def check_rules(template: Template, scope: Scope) -> None:
    """Refuse when an assertion of the template's Rules does not hold."""
    for name, rule in template.rules.items():
        if "RuleCondition" in rule and not intrinsics.is_true(rule["RuleCondition"], scope):
            continue
        for assertion in rule["Assertions"]:
            if not intrinsics.is_true(assertion["Assert"], scope):
                raise TemplateError(
                    f"Template validation error: rule {name}: {assertion.get('AssertDescription', 'assertion failed')}"
                )


def plan(template: Template, scope: Scope, known: Mapping[str, frozenset[str]]) -> Plan:
    """Decide what to make. `known` says which properties of which types are understood; nothing else is made.

    Raises:
        TemplateError: unknown types or properties (all of them, with their logical ids), unknown functions,
            unresolved names, cycles.
    """
    chosen = {
        name: resource
        for name, resource in template.resources.items()
        if resource.condition is None or intrinsics.is_true({"Condition": resource.condition}, scope)
    }
    _refuse_unknown(chosen, known)
    for name in template.conditions:
        intrinsics.is_true({"Condition": name}, scope)
    for resource in chosen.values():
        intrinsics.check(resource.properties, scope)
    _check_outputs(template, scope)
    return Plan(tuple(chosen[name] for name in _ordered(chosen, template, scope)))


def _refuse_unknown(resources: dict[str, Resource], known: Mapping[str, frozenset[str]]) -> None:
    by_type: dict[str, list[str]] = {}
    for resource in resources.values():
        if resource.type not in known:
            by_type.setdefault(resource.type, []).append(resource.logical_id)
    if by_type:
        listed = "; ".join(f"{kind} ({', '.join(sorted(ids))})" for kind, ids in sorted(by_type.items()))
        raise TemplateError(f"Template format error: Unrecognized resource types: {listed}. Nothing was created.")
    strange = [
        f"{resource.logical_id} ({resource.type}): {name}"
        for resource in resources.values()
        for name in sorted(set(resource.properties) - known[resource.type])
    ]
    if strange:
        raise TemplateError(f"Properties not emulated yet: {'; '.join(strange)}. Nothing was created.")


def _check_outputs(template: Template, scope: Scope) -> None:
    for name, output in template.outputs.items():
        if not isinstance(output, dict) or "Value" not in output:
            raise TemplateError(f"Template format error: Output {name} must have a Value.")
        intrinsics.check(output, scope)
        absent = _absent(set(intrinsics.references(output)), template, scope)
        if absent:
            raise TemplateError(_unresolved(absent, "Outputs"))


def _absent(wanted: set[str], template: Template, scope: Scope) -> str:
    """The names that mean nothing, by commas."""
    known = {*template.resources, *scope.refs, "AWS::NoValue"}
    return ", ".join(sorted(wanted - known))


def _unresolved(absent: str, block: str) -> str:
    place = f"in the {block} block of the template"
    return f"Template format error: Unresolved resource dependencies [{absent}] {place}"


def _ordered(resources: dict[str, Resource], template: Template, scope: Scope) -> list[str]:
    graph: dict[str, set[str]] = {}
    for name, resource in resources.items():
        wanted = {*intrinsics.references(resource.properties), *resource.depends_on}
        absent = _absent(wanted, template, scope)
        if absent:
            raise TemplateError(_unresolved(absent, "Resources"))
        graph[name] = {item for item in wanted if item in resources}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise TemplateError(f"Circular dependency between resources: [{', '.join(error.args[1])}]") from error
