"""Event patterns: which events a rule matches.

All fields of a pattern must match (AND), each by any of its alternatives (OR). An event is flattened to its leaves;
each leaf remembers in which element of which array it stands, and the leaves that satisfy a pattern together must agree
about that, so that an array of objects is matched within one element. Empty arrays and objects are absent.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

AWS_NAME = "Amazon EventBridge event patterns"
SOURCE = (
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html (read 2026-11-23); aws/event-ruler"
)
MAX_COMBINATIONS = 1000


class InvalidPattern(ValueError):  # noqa: N818 - AWS names it InvalidEventPatternException
    """The pattern is none; the message says where and why."""


Test = Callable[[Any], bool]


@dataclass(frozen=True)
class Leaf:
    """One scalar of an event: its dotted path, its value, and for each array around it the element it stands in."""

    path: str
    value: Any
    elements: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Pattern:
    """A compiled pattern: alternatives (from `$or`), each a test per path. `None` as a test means: must be absent."""

    alternatives: tuple[tuple[tuple[str, tuple[Test | None, ...]], ...], ...] = field(repr=False)

    def matches(self, event: dict[str, Any]) -> bool:
        """Whether the event, as AWS would deliver it, satisfies the pattern."""
        by_path: dict[str, list[Leaf]] = {}
        for leaf in leaves(event):
            by_path.setdefault(leaf.path, []).append(leaf)
        return any(_satisfied(alternative, by_path, {}) for alternative in self.alternatives)


def leaves(event: dict[str, Any]) -> Iterator[Leaf]:
    """All scalars of an event."""
    counter = iter(range(1_000_000_000))

    def walk(value: Any, path: str, elements: tuple[tuple[int, int], ...]) -> Iterator[Leaf]:
        if isinstance(value, dict):
            for key, item in value.items():
                yield from walk(item, f"{path}.{key}" if path else key, elements)
        elif isinstance(value, list):
            array = next(counter)
            for index, item in enumerate(value):
                yield from walk(item, path, (*elements, (array, index)))
        else:
            yield Leaf(path, value, elements)

    return walk(event, "", ())


def _satisfied(
    fields: tuple[tuple[str, tuple[Test | None, ...]], ...], by_path: dict[str, list[Leaf]], taken: dict[int, int]
) -> bool:
    if not fields:
        return True
    (path, tests), rest = fields[0], fields[1:]
    found = by_path.get(path, [])
    if not found:
        return None in tests and _satisfied(rest, by_path, taken)
    for leaf in found:
        if any(taken.get(array, index) != index for array, index in leaf.elements):
            continue
        if any(test is not None and test(leaf.value) for test in tests) and _satisfied(
            rest, by_path, {**taken, **dict(leaf.elements)}
        ):
            return True
    return False


@lru_cache(maxsize=4096)
def compile(text: str) -> Pattern:  # noqa: A001 - reads `patterns.compile(text)`
    """Compile a pattern from its JSON text.

    Raises:
        InvalidPattern: naming the place and what was expected there.
    """
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise InvalidPattern(f"Event pattern is not valid. Reason: not JSON: {error}") from error
    if not isinstance(pattern, dict):
        raise InvalidPattern("Event pattern is not valid. Reason: Filter is not an object")
    if not pattern:
        raise InvalidPattern("Event pattern is not valid. Reason: Empty patterns are not allowed")
    alternatives = [tuple(fields.items()) for fields in _alternatives(pattern, "")]
    return Pattern(tuple(alternatives))


Fields = dict[str, tuple[Test | None, ...]]


def _alternatives(pattern: dict[str, Any], path: str) -> list[Fields]:
    """The pattern as a disjunction: one field-to-tests mapping per combination of `$or` branches."""
    combined: list[Fields] = [{}]
    for key, value in pattern.items():
        here = f"{path}.{key}" if path else key
        if key == "$or" and _is_or(value):
            branches = [fields for branch in value for fields in _alternatives(branch, path)]
        elif isinstance(value, dict):
            if not value:
                raise _invalid(here, "Empty objects are not allowed")
            branches = _alternatives(value, here)
        elif isinstance(value, list):
            branches = [{here: _tests(value, here)}]
        else:
            raise _invalid(here, f"{json.dumps(value)} must be an object or an array")
        combined = [_merged(left, right) for left in combined for right in branches]
        if len(combined) > MAX_COMBINATIONS:
            raise InvalidPattern(
                f"Event pattern is not valid. Reason: more than {MAX_COMBINATIONS} combinations of $or"
            )
    return combined


def _merged(left: Fields, right: Fields) -> Fields:
    """Both; a field named again in a branch of `$or` is judged by the branch, as event-ruler has it."""
    return {**left, **right}


def _is_or(value: Any) -> bool:
    """`$or` means OR over two or more non-empty objects; anything else is a field with that name."""
    return isinstance(value, list) and len(value) >= 2 and all(isinstance(item, dict) and item for item in value)


def _tests(alternatives: list[Any], path: str) -> tuple[Test | None, ...]:
    if not alternatives:
        raise _invalid(path, "Empty arrays are not allowed")
    return tuple(_test(alternative, path) for alternative in alternatives)


def _test(alternative: Any, path: str) -> Test | None:
    if isinstance(alternative, list):
        raise _invalid(path, "Match value must be String, number, true, false, or null")
    if not isinstance(alternative, dict):
        return _equals(alternative)
    if len(alternative) != 1:
        raise _invalid(path, "Only one key allowed in match expression")
    ((operator, operand),) = alternative.items()
    if operator == "exists":
        return _exists(operand, path)
    if operator not in _OPERATORS:
        raise _invalid(path, f"Unrecognized match type {operator}")
    return _OPERATORS[operator](operand, path)


def _equals(wanted: Any) -> Test:
    if isinstance(wanted, bool) or wanted is None:
        return lambda value: value is wanted
    if isinstance(wanted, int | float):
        return lambda value: _is_number(value) and value == wanted
    return lambda value: isinstance(value, str) and value == wanted


def _exists(operand: Any, path: str) -> Test | None:
    if not isinstance(operand, bool):
        raise _invalid(path, "exists match pattern must be either true or false.")
    return (lambda value: True) if operand else None


def _affix(name: str, method: Callable[[str, str], bool]) -> Callable[[Any, str], Test]:
    def build(operand: Any, path: str) -> Test:
        if isinstance(operand, dict) and list(operand) == ["equals-ignore-case"]:
            wanted = _string(operand["equals-ignore-case"], f"{name} equals-ignore-case", path).lower()
            return lambda value: isinstance(value, str) and method(value.lower(), wanted)
        text = _string(operand, name, path)
        return lambda value: isinstance(value, str) and method(value, text)

    return build


def _ignore_case(operand: Any, path: str) -> Test:
    wanted = _string(operand, "equals-ignore-case", path).lower()
    return lambda value: isinstance(value, str) and value.lower() == wanted


def _wildcard(operand: Any, path: str) -> Test:
    text = _string(operand, "wildcard", path)
    expression = re.compile(_wildcard_expression(text, path), re.DOTALL)
    return lambda value: isinstance(value, str) and expression.fullmatch(value) is not None


def _wildcard_expression(text: str, path: str) -> str:
    """`*` matches any run, `\\*` and `\\\\` stand for themselves; two stars in a row are refused, as AWS does."""
    parts, index = [], 0
    while index < len(text):
        letter = text[index]
        if letter == "\\":
            if text[index + 1 : index + 2] not in ("*", "\\"):
                raise _invalid(path, "Invalid escape character in wildcard")
            parts.append(re.escape(text[index + 1]))
            index += 2
            continue
        if letter == "*" and text[index + 1 : index + 2] == "*":
            raise _invalid(path, "Consecutive wildcard characters are not allowed")
        parts.append(".*" if letter == "*" else re.escape(letter))
        index += 1
    return "".join(parts)


def _cidr(operand: Any, path: str) -> Test:
    text = _string(operand, "cidr", path)
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise _invalid(path, f"Malformed CIDR: {text}") from error

    def test(value: Any) -> bool:
        try:
            return isinstance(value, str) and ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
    "=": lambda value, bound: value == bound,
}


def _numeric(operand: Any, path: str) -> Test:
    if not isinstance(operand, list) or len(operand) not in (2, 4):
        raise _invalid(path, "Invalid member in numeric match: expected [operator, number] or a range")
    bounds = [(operand[index], operand[index + 1]) for index in range(0, len(operand), 2)]
    for operator, bound in bounds:
        if operator not in _COMPARE:
            raise _invalid(path, f"Unrecognized numeric range operator: {operator}")
        if not _is_number(bound):
            raise _invalid(path, "Value of numeric match must be a number")
    if len(bounds) == 2 and not (
        bounds[0][0] in (">", ">=") and bounds[1][0] in ("<", "<=") and bounds[0][1] < bounds[1][1]
    ):
        raise _invalid(path, "Bottom must be less than top of a numeric range")
    return lambda value: _is_number(value) and all(_COMPARE[operator](value, bound) for operator, bound in bounds)


def _anything_but(operand: Any, path: str) -> Test:
    excluded = _excluded(operand, path)
    return lambda value: not any(test(value) for test in excluded)


def _excluded(operand: Any, path: str) -> list[Test]:
    if isinstance(operand, dict):
        if len(operand) != 1 or next(iter(operand)) not in ("prefix", "suffix", "equals-ignore-case", "wildcard"):
            raise _invalid(path, "Unsupported anything-but pattern")
        ((operator, wanted),) = operand.items()
        values = wanted if isinstance(wanted, list) else [wanted]
        if not values or (operator in ("prefix", "suffix") and "" in values):
            raise _invalid(path, f"Null prefix/suffix not allowed in anything-but {operator}")
        return [_OPERATORS[operator](value, path) for value in values]
    values = operand if isinstance(operand, list) else [operand]
    kinds = {"number" if _is_number(value) else type(value).__name__ for value in values}
    if not values or not kinds <= {"str", "number"} or len(kinds) > 1:
        raise _invalid(path, "Inside anything-but list, either all values are strings or all are numbers")
    return [_equals(value) for value in values]


_OPERATORS: dict[str, Callable[[Any, str], Test]] = {
    "prefix": _affix("prefix", str.startswith),
    "suffix": _affix("suffix", str.endswith),
    "equals-ignore-case": _ignore_case,
    "wildcard": _wildcard,
    "cidr": _cidr,
    "numeric": _numeric,
    "anything-but": _anything_but,
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _string(operand: Any, operator: str, path: str) -> str:
    if not isinstance(operand, str):
        raise _invalid(path, f"{operator} match pattern must be a string")
    return operand


def _invalid(path: str, why: str) -> InvalidPattern:
    return InvalidPattern(f"Event pattern is not valid. Reason: {why} at '{path}'")
