"""Judging the conditions of a condition step.

AWS_NAME: Condition step
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition; operators from
    the SDK v3 (sagemaker.core.workflow.conditions), read 2026-11
DIFFERS: the service's rule for operands of different types is undocumented. Here numbers compare as numbers, anything
    else by type and value, and ordering operands of different types fails the step.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

from emulator.semantics.pipelines.errors import DefinitionError, UnresolvedError

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
_OPERANDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Equals", "NotEquals", *_ORDERINGS), ("LeftValue", "RightValue")),
    **dict.fromkeys(("In", "NotIn"), ("QueryValue", "Values")),
    "Not": ("Condition",),
    "Or": ("Conditions",),
}


def check(condition: Any, place: str) -> None:
    """Refuse a condition of an unknown type or without its operands.

    Raises:
        DefinitionError: names the place.
    """
    kind = condition.get("Type") if isinstance(condition, dict) else None
    if kind not in _OPERANDS:
        raise DefinitionError(place, f"condition type {kind!r} is not one of {sorted(_OPERANDS)}")
    missing = [key for key in _OPERANDS[kind] if key not in condition]
    if missing:
        raise DefinitionError(place, f"condition {kind} lacks {', '.join(missing)}")
    nested = condition["Conditions"] if kind == "Or" else [condition["Condition"]] if kind == "Not" else []
    for item in nested:
        check(item, place)


def holds(conditions: Sequence[Any]) -> bool:
    """Whether all of the (resolved) conditions hold.

    Raises:
        UnresolvedError: operands that cannot be ordered.
    """
    return all(_holds(condition) for condition in conditions)


def _holds(condition: dict[str, Any]) -> bool:
    match condition["Type"]:
        case "Not":
            return not _holds(condition["Condition"])
        case "Or":
            return any(_holds(item) for item in condition["Conditions"])
        case "In":
            return any(_are_equal(condition["QueryValue"], value) for value in condition["Values"])
        case "NotIn":
            return not any(_are_equal(condition["QueryValue"], value) for value in condition["Values"])
        case "Equals":
            return _are_equal(condition["LeftValue"], condition["RightValue"])
        case "NotEquals":
            return not _are_equal(condition["LeftValue"], condition["RightValue"])
        case ordering:
            return _is_ordered(ordering, condition["LeftValue"], condition["RightValue"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _are_equal(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return bool(left == right)
    return type(left) is type(right) and bool(left == right)


def _is_ordered(ordering: str, left: Any, right: Any) -> bool:
    if (_is_number(left) and _is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return _ORDERINGS[ordering](left, right)
    raise UnresolvedError(
        f"Condition {ordering} cannot compare {left!r} ({type(left).__name__}) with {right!r} ({type(right).__name__})"
    )
