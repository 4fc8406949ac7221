"""Intrinsic functions: what a template's value is, given what is known of parameters and made resources."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from emulator.semantics.cloudformation.errors import TemplateError

AWS_NAME = "Intrinsic function reference"
SOURCE = "AWS CloudFormation template reference, intrinsic functions (read 2026-11-23)"
DIFFERS = (
    "ImportValue, GetAZs, Cidr, Transform, ForEach, Length, ToJsonString and dynamic references are refused by name"
)

NO_VALUE = object()
_VARIABLE = re.compile(r"\$\{([^}]+)\}")


@dataclass
class Scope:
    """What names mean: `refs` for Ref, `attributes` for GetAtt by (logical id, attribute), and the conditions."""

    refs: dict[str, Any]
    mappings: dict[str, Any] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    attributes: dict[tuple[str, str], Any] = field(default_factory=dict)


def resolve(value: Any, scope: Scope) -> Any:
    """The value with every function replaced by its result; members that are AWS::NoValue are left out.

    Raises:
        TemplateError: an unknown function, or a name that means nothing.
    """
    if isinstance(value, list):
        return [item for item in (resolve(item, scope) for item in value) if item is not NO_VALUE]
    if isinstance(value, str):
        _refuse_dynamic(value)
        return value
    if not isinstance(value, dict):
        return value
    name = function_of(value)
    if name is None:
        resolved = {key: resolve(item, scope) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NO_VALUE}
    _refuse_unknown(name)
    return _FUNCTIONS[name](value[name], scope)


def check(value: Any, scope: Scope) -> None:
    """Refuse what `resolve` would refuse whatever the resources turn out to be, before anything has been made.

    Raises:
        TemplateError: an unknown function or condition, a dynamic reference, or an operand that a function cannot have.
    """
    if isinstance(value, str):
        _refuse_dynamic(value)
    elif isinstance(value, list):
        for item in value:
            check(item, scope)
    elif isinstance(value, dict):
        name = function_of(value)
        if name is not None:
            _refuse_unknown(name)
            if not _SHAPES[name](value[name]):
                raise TemplateError(f"Template error: {name} has an operand that it cannot have: {value[name]!r}")
            if name == "Fn::If":
                _named(scope.conditions, value[name][0], "condition")
        for item in value.values():
            check(item, scope)


def _refuse_unknown(name: str) -> None:
    if name not in _FUNCTIONS:
        raise TemplateError(f"Template error: the function {name} is not emulated yet; nothing was done")


def _refuse_dynamic(text: str) -> None:
    if "{{resolve:" in text:
        raise TemplateError(f"dynamic reference '{text}' is not emulated yet; nothing was done")


def function_of(value: dict[str, Any]) -> str | None:
    """The function that an object calls, if it is such an object."""
    if len(value) != 1:
        return None
    (name,) = value
    return name if name == "Ref" or name.startswith("Fn::") else None


def references(value: Any) -> Iterator[str]:
    """Every name that a value needs: logical ids, parameters and pseudo parameters."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        name = function_of(value)
        if name == "Ref":
            yield value["Ref"]
        elif name == "Fn::GetAtt":
            yield _attribute(value[name])[0]
        elif name == "Fn::Sub":
            text, given = _sub_parts(value[name])
            names = (found for found in _VARIABLE.findall(text) if not found.startswith("!") and found not in given)
            yield from (found.split(".")[0] for found in names)
            yield from references(given)
        else:
            for item in value.values():
                yield from references(item)


def is_true(condition: Any, scope: Scope) -> bool:
    """Whether a condition of the template (or of its rules) holds.

    Raises:
        TemplateError: it is none, or names what means nothing.
    """
    try:
        return _holds(condition, scope)
    except (IndexError, RecursionError, TypeError, ValueError) as error:  # circular conditions too
        if isinstance(error, TemplateError):
            raise
        raise TemplateError(f"Template error: condition {condition} has an operand that it cannot have") from error


def _holds(condition: Any, scope: Scope) -> bool:
    if isinstance(condition, dict) and list(condition) == ["Condition"]:
        condition = {"Fn::Condition": condition["Condition"]}
    name = function_of(condition) if isinstance(condition, dict) else None
    match name:
        case "Fn::Condition":
            return is_true(_named(scope.conditions, condition[name], "condition"), scope)
        case "Fn::Equals":
            left, right = (resolve(item, scope) for item in condition[name])
            return bool(left == right)
        case "Fn::Not":
            return not is_true(condition[name][0], scope)
        case "Fn::And":
            return all(is_true(item, scope) for item in condition[name])
        case "Fn::Or":
            return any(is_true(item, scope) for item in condition[name])
        case "Fn::Contains":
            values, wanted = (resolve(item, scope) for item in condition[name])
            return wanted in values
    raise TemplateError(f"Template error: condition {condition} is not emulated yet; nothing was done")


def _ref(name: str, scope: Scope) -> Any:
    return NO_VALUE if name == "AWS::NoValue" else _named(scope.refs, name, "resource or parameter")


def _get_att(operand: Any, scope: Scope) -> Any:
    logical_id, attribute = _attribute(operand)
    found = scope.attributes.get((logical_id, attribute))
    if found is None:
        raise TemplateError(
            f"Template error: resource {logical_id} does not support attribute {attribute} in Fn::GetAtt here"
        )
    return found


def _attribute(operand: Any) -> tuple[str, str]:
    parts = operand.split(".", 1) if isinstance(operand, str) else operand
    return parts[0], parts[1]


def _sub(operand: Any, scope: Scope) -> str:
    text, given = _sub_parts(operand)
    _refuse_dynamic(text)
    values = {name: resolve(item, scope) for name, item in given.items()}

    def value_of(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("!"):
            return f"${{{name[1:]}}}"
        if name in values:
            return _text(values[name])
        return _text(_get_att(name, scope) if "." in name else _ref(name, scope))

    return _VARIABLE.sub(value_of, text)


def _sub_parts(operand: Any) -> tuple[str, dict[str, Any]]:
    return (operand, {}) if isinstance(operand, str) else (operand[0], operand[1])


def _join(operand: Any, scope: Scope) -> str:
    delimiter, values = operand
    return str(delimiter).join(_text(item) for item in resolve(values, scope))


def _split(operand: Any, scope: Scope) -> list[str]:
    return _text(resolve(operand[1], scope)).split(operand[0])


def _select(operand: Any, scope: Scope) -> Any:
    index, values = int(resolve(operand[0], scope)), resolve(operand[1], scope)
    if not 0 <= index < len(values):
        raise TemplateError(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return values[index]


def _if(operand: Any, scope: Scope) -> Any:
    name, then, otherwise = operand
    return resolve(then if is_true({"Condition": name}, scope) else otherwise, scope)


def _find_in_map(operand: Any, scope: Scope) -> Any:
    name, first, second = (resolve(item, scope) for item in operand)
    try:
        return scope.mappings[name][first][second]
    except KeyError as error:
        raise TemplateError(f"Template error: Unable to get mapping for {name}::{first}::{second}") from error


def _base64(operand: Any, scope: Scope) -> str:
    return base64.b64encode(_text(resolve(operand, scope)).encode()).decode()


def _named(names: dict[str, Any], name: str, what: str) -> Any:
    if name not in names:
        raise TemplateError(f"Template format error: Unresolved {what} [{name}]")
    return names[name]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _has(length: int) -> Callable[[Any], bool]:
    return lambda operand: isinstance(operand, list) and len(operand) == length


def _is_attribute(operand: Any) -> bool:
    return "." in operand if isinstance(operand, str) else _has(2)(operand)


def _is_sub(operand: Any) -> bool:
    pair = operand if isinstance(operand, list) else [operand, {}]
    return len(pair) == 2 and isinstance(pair[0], str) and isinstance(pair[1], dict)


_SHAPES: dict[str, Callable[[Any], bool]] = {
    "Ref": lambda operand: isinstance(operand, str),
    "Fn::Base64": lambda operand: True,
    "Fn::FindInMap": _has(3),
    "Fn::GetAtt": _is_attribute,
    "Fn::If": lambda operand: _has(3)(operand) and isinstance(operand[0], str),
    "Fn::Join": _has(2),
    "Fn::Select": _has(2),
    "Fn::Split": _has(2),
    "Fn::Sub": _is_sub,
}
_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
