"""Metric math computed: operators over numbers and time series; the functions are in `math_functions`."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from emulator.semantics.cloudwatch import expressions
from emulator.semantics.cloudwatch.expressions import Array, Call, MathError, Name, Negated, Node, Number, Text
from emulator.semantics.cloudwatch.series import Series

AWS_NAME = "Metric math operators"
SOURCE = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (read 2026-11-23)"
DIFFERS = "where one of two series lacks a point it counts as 0, also in comparisons; division by zero drops the point"

Value = float | str | Series | list[Series]


@dataclass(frozen=True)
class Scope:
    """What an expression may look at.

    `metrics` are the queries that fetch a metric, by id, for METRICS(); `value_of` computes any other id; `search`
    answers SEARCH(); times are seconds, `end` exclusive.
    """

    start: int
    end: int
    period_s: int
    metrics: Mapping[str, Series]
    value_of: Callable[[str], Value]
    search: Callable[[str, str, int], list[Series]]
    history_of: Callable[[str], Series | None] = field(default=lambda name: None)


Function = Callable[[tuple[Node, ...], Scope], Value]
FUNCTIONS: dict[str, Function] = {}
"""Filled by `math_functions`."""


def evaluate(text: str, scope: Scope) -> Value:
    """Compute an expression.

    Raises:
        MathError: it is malformed, names something unknown, or mixes what cannot be mixed.
    """
    try:
        return value(expressions.parse(text), scope)
    except RecursionError as error:
        raise MathError("Error in expression: it is nested too deeply") from error


def value(node: Node, scope: Scope) -> Value:
    """Compute a part of an expression."""
    match node:
        case Number(number):
            return number
        case Text(text):
            return text
        case Name(name):
            return scope.value_of(name)
        case Array(items):
            return [series for item in items for series in all_series(value(item, scope))]
        case Negated(operand):
            return combine("*", -1.0, value(operand, scope))
        case Call(function, arguments):
            if function not in FUNCTIONS:
                raise MathError(f"metric math function {function} is not emulated")
            return FUNCTIONS[function](arguments, scope)
    return combine(node.operator, value(node.left, scope), value(node.right, scope))


def all_series(found: Value) -> list[Series]:
    """The series in a value.

    Raises:
        MathError: it is a number or a text.
    """
    if isinstance(found, Series):
        return [found]
    if isinstance(found, list):
        return found
    raise MathError(f"expected a time series, found {found!r}")


def mapped(found: Value, change: Callable[[float], float | None]) -> Value:
    """Apply a function to a number, or to every value of every series; None drops the point."""
    if isinstance(found, float):
        changed = change(found)
        if changed is None:
            raise MathError("the expression has no value")
        return changed
    if isinstance(found, Series):
        kept = {at: change(number) for at, number in found.points.items()}
        return Series({at: number for at, number in kept.items() if number is not None}, found.label, found.period_s)
    if isinstance(found, list):
        return [part for series in found for part in all_series(mapped(series, change))]
    raise MathError(f"expected numbers, found {found!r}")


def combine(word: str, left: Value, right: Value) -> Value:
    """An operator between two values."""
    if isinstance(left, str) or isinstance(right, str):
        raise MathError(f"operator {word} cannot take a text")
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise MathError(f"operator {word}: arrays of {len(left)} and {len(right)} time series")
        return [_pairwise(word, one, other) for one, other in zip(left, right, strict=True)]
    if isinstance(left, list):
        return [part for one in left for part in all_series(combine(word, one, right))]
    if isinstance(right, list):
        return [part for one in right for part in all_series(combine(word, left, one))]
    if isinstance(left, float) and isinstance(right, float):
        number = apply(word, left, right)
        if number is None:
            raise MathError(f"{left} {word} {right} has no value")
        return number
    if isinstance(right, float):
        return mapped(left, lambda number: apply(word, number, right))
    if isinstance(left, float):
        return mapped(right, lambda number: apply(word, left, number))
    return _pairwise(word, left, right)


def _pairwise(word: str, left: Series, right: Series) -> Series:
    points = {}
    for at in sorted(left.points.keys() | right.points.keys()):
        number = apply(word, left.points.get(at, 0.0), right.points.get(at, 0.0))
        if number is not None:
            points[at] = number
    return Series(points, left.label, left.period_s)


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
}
_LOGICAL: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda left, right: bool(left) and bool(right),
    "||": lambda left, right: bool(left) or bool(right),
}


def apply(word: str, left: float, right: float) -> float | None:
    """An operator between two numbers; None where there is no (finite, real) answer."""
    if word in _LOGICAL:
        return float(_LOGICAL[word](left, right))
    try:
        number = _ARITHMETIC[word](left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    if isinstance(number, complex) or number != number or number in (float("inf"), float("-inf")):
        return None
    return float(number)
