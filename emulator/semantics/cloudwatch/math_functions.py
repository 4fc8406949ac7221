"""The functions of metric math. Importing this module fills `metric_math.FUNCTIONS`."""

from __future__ import annotations

import itertools
import math
import statistics as numbers
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from emulator.semantics.cloudwatch import anomaly_bands
from emulator.semantics.cloudwatch.expressions import MathError, Name, Node
from emulator.semantics.cloudwatch.metric_math import FUNCTIONS, Scope, Value, all_series, evaluate, mapped, value
from emulator.semantics.cloudwatch.series import Series

AWS_NAME = "Metric math functions"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html#metric-math-syntax-functions-list"
    " (read 2026-11-23)"
)
DIFFERS = (
    "ANOMALY_DETECTION_BAND is a local approximation; LAMBDA, SERVICE_QUOTA, INSIGHT_RULE_METRIC and DB_PERF_INSIGHTS "
    "are refused"
)

Arguments = tuple[Node, ...]


def _reducer(reduce: Callable[[list[float]], float]) -> Callable[[Arguments, Scope], Value]:
    """SUM and its like: an array becomes a series, a series becomes a number."""

    def function(arguments: Arguments, scope: Scope) -> Value:
        found = value(_only(arguments), scope)
        if isinstance(found, list):
            return Series(_by_time(found, reduce), period_s=scope.period_s)
        values = list(all_series(found)[0].points.values())
        return float(reduce(values)) if values else 0.0

    return function


def _by_time(series: Iterable[Series], reduce: Callable[[list[float]], float]) -> dict[int, float]:
    columns: dict[int, list[float]] = {}
    for one in series:
        for at, number in one.points.items():
            columns.setdefault(at, []).append(number)
    return {at: float(reduce(column)) for at, column in sorted(columns.items())}


def _elementwise(change: Callable[[float], float | None]) -> Callable[[Arguments, Scope], Value]:
    return lambda arguments, scope: mapped(value(_only(arguments), scope), change)


def _per_series(change: Callable[[Series, Scope], Mapping[int, float]]) -> Callable[[Arguments, Scope], Value]:
    """A function of each whole series."""

    def function(arguments: Arguments, scope: Scope) -> Value:
        found = value(_only(arguments), scope)
        changed = [Series(change(one, scope), one.label, one.period_s) for one in all_series(found)]
        return changed if isinstance(found, list) else changed[0]

    return function


def _difference(series: Series, scope: Scope) -> dict[int, float]:
    at = sorted(series.points)
    return {late: series.points[late] - series.points[early] for early, late in itertools.pairwise(at)}


def _time_difference(series: Series, scope: Scope) -> dict[int, float]:
    at = sorted(series.points)
    return {late: float(late - early) for early, late in itertools.pairwise(at)}


def _rate(series: Series, scope: Scope) -> dict[int, float]:
    at = sorted(series.points)
    return {b: (series.points[b] - series.points[a]) / (b - a) for a, b in itertools.pairwise(at)}


def _running_sum(series: Series, scope: Scope) -> dict[int, float]:
    total, sums = 0.0, {}
    for at in sorted(series.points):
        total += series.points[at]
        sums[at] = total
    return sums


def _calendar(part: Callable[[datetime], int]) -> Callable[[Arguments, Scope], Value]:
    return _per_series(lambda series, scope: {at: float(part(datetime.fromtimestamp(at, UTC))) for at in series.points})


def _grid(scope: Scope) -> range:
    return range(scope.start, scope.end, scope.period_s)


def _period(arguments: Arguments, scope: Scope) -> Value:
    return float(all_series(value(_only(arguments), scope))[0].period_s)


def _time_series(arguments: Arguments, scope: Scope) -> Value:
    number = value(_only(arguments), scope)
    if not isinstance(number, float):
        raise MathError("TIME_SERIES takes a number")
    return Series(dict.fromkeys(_grid(scope), number), period_s=scope.period_s)


def _fill(arguments: Arguments, scope: Scope) -> Value:
    """FILL(m1, 0 | REPEAT | LINEAR | m2)."""
    if len(arguments) != 2:
        raise MathError("FILL takes a metric and what to fill it with")
    found, filler = value(arguments[0], scope), arguments[1]
    way = filler.name.upper() if isinstance(filler, Name) and filler.name.upper() in ("REPEAT", "LINEAR") else ""
    by = None if way else value(filler, scope)
    filled = [_filled(one, way, by, scope) for one in all_series(found)]
    return filled if isinstance(found, list) else filled[0]


def _filled(series: Series, way: str, by: Value | None, scope: Scope) -> Series:
    points = dict(series.points)
    for at in _grid(scope):
        if at not in points:
            number = _filler(series.points, at, way, by)
            if number is not None:
                points[at] = number
    return Series(dict(sorted(points.items())), series.label, series.period_s)


def _filler(points: Mapping[int, float], at: int, way: str, by: Value | None) -> float | None:
    if isinstance(by, float):
        return by
    if isinstance(by, Series):
        return by.points.get(at)
    before = max((other for other in points if other < at), default=None)
    if before is None or way == "REPEAT":
        return None if before is None else points[before]
    after = min((other for other in points if other > at), default=None)
    if after is None:
        return None
    return points[before] + (points[after] - points[before]) * (at - before) / (after - before)


def _if(arguments: Arguments, scope: Scope) -> Value:
    """IF(condition, then[, else])."""
    if len(arguments) not in (2, 3):
        raise MathError("IF takes a condition, a value, and what stands otherwise")
    condition, *branches = (value(argument, scope) for argument in arguments)
    if isinstance(condition, float):
        if condition or len(branches) == 2:
            return branches[0] if condition else branches[1]
        return Series({}, period_s=scope.period_s)
    if not isinstance(condition, Series):
        raise MathError("IF: the condition must be a number or a time series")
    points = {}
    for at, number in condition.points.items():
        chosen = _branch(branches, bool(number), at)
        if chosen is not None:
            points[at] = chosen
    return Series(points, condition.label, condition.period_s)


def _branch(branches: list[Value], holds: bool, at: int) -> float | None:
    if not holds and len(branches) == 1:
        return None
    chosen = branches[0] if holds else branches[1]
    if isinstance(chosen, Series):
        return chosen.points.get(at)
    if isinstance(chosen, float):
        return chosen
    raise MathError("IF: what stands then must be a number or a time series")


def _metrics(arguments: Arguments, scope: Scope) -> Value:
    """METRICS() or METRICS("part of an id")."""
    part = value(arguments[0], scope) if arguments else ""
    return [series for name, series in scope.metrics.items() if str(part) in name]


def _metric_count(arguments: Arguments, scope: Scope) -> Value:
    return float(len(all_series(value(_only(arguments), scope))))


def _datapoint_count(arguments: Arguments, scope: Scope) -> Value:
    found = value(_only(arguments), scope)
    if isinstance(found, list):
        return Series(_by_time(found, len), period_s=scope.period_s)
    return float(len(all_series(found)[0].points))


def _end_of(index: int) -> Callable[[Arguments, Scope], Value]:
    def function(arguments: Arguments, scope: Scope) -> Value:
        found = all_series(value(_only(arguments), scope))
        return found[index] if found else Series({}, period_s=scope.period_s)

    return function


def _slice(arguments: Arguments, scope: Scope) -> Value:
    found = all_series(value(arguments[0], scope))
    bounds = [value(argument, scope) for argument in arguments[1:]]
    if not 1 <= len(bounds) <= 2 or not all(isinstance(bound, float) for bound in bounds):
        raise MathError("SLICE takes an array and one or two numbers")
    first, *rest = (int(bound) for bound in bounds if isinstance(bound, float))
    return found[first : rest[0]] if rest else [found[first]]


_SORTS: dict[str, Callable[[list[float]], float]] = {
    "AVG": numbers.fmean,
    "MIN": min,
    "MAX": max,
    "SUM": math.fsum,
}


def _sort(arguments: Arguments, scope: Scope) -> Value:
    """SORT(array, AVG | MIN | MAX | SUM, ASC | DESC[, n])."""
    words = [argument.name.upper() if isinstance(argument, Name) else "" for argument in arguments[1:3]]
    if len(words) != 2 or words[0] not in _SORTS or words[1] not in ("ASC", "DESC"):
        raise MathError("SORT takes an array, a function (AVG, MIN, MAX, SUM) and an order (ASC, DESC)")
    found = [one for one in all_series(value(arguments[0], scope)) if one.points]
    found.sort(key=lambda one: _SORTS[words[0]](list(one.points.values())), reverse=words[1] == "DESC")
    most = value(arguments[3], scope) if len(arguments) > 3 else float(len(found))
    return found[: int(most)] if isinstance(most, float) else found


def _remove_empty(arguments: Arguments, scope: Scope) -> Value:
    return [one for one in all_series(value(_only(arguments), scope)) if one.points]


def _search(arguments: Arguments, scope: Scope) -> Value:
    """SEARCH('{Namespace,Dimension} terms', 'Statistic', period)."""
    given = [value(argument, scope) for argument in arguments]
    match given:
        case [str(text), str(statistic)]:
            return scope.search(text, statistic, scope.period_s)
        case [str(text), str(statistic), float(period_s)]:
            return scope.search(text, statistic, int(period_s))
    raise MathError("SEARCH takes a search text, a statistic and a period")


def _band(arguments: Arguments, scope: Scope) -> Value:
    """ANOMALY_DETECTION_BAND(m1[, width]): the upper and the lower series."""
    found = all_series(value(arguments[0], scope))[0] if arguments else None
    width = value(arguments[1], scope) if len(arguments) > 1 else 2.0
    if found is None or not isinstance(width, float):
        raise MathError("ANOMALY_DETECTION_BAND takes a metric and a number")
    first = arguments[0]
    history = scope.history_of(first.name) if isinstance(first, Name) else None
    band = anomaly_bands.band(list((history or found).points.values()), width)
    if band is None:
        return [Series({}, "upper", found.period_s), Series({}, "lower", found.period_s)]
    return [Series(dict.fromkeys(_grid(scope), edge), name, found.period_s) for name, edge in band]


def _only(arguments: Arguments) -> Node:
    if len(arguments) != 1:
        raise MathError(f"expected one argument, found {len(arguments)}")
    return arguments[0]


def _deviation(column: list[float]) -> float:
    return numbers.pstdev(column)


FUNCTIONS.update(
    {
        "SUM": _reducer(math.fsum),
        "AVG": _reducer(numbers.fmean),
        "MIN": _reducer(min),
        "MAX": _reducer(max),
        "STDDEV": _reducer(_deviation),
        "ABS": _elementwise(abs),
        "CEIL": _elementwise(lambda number: float(math.ceil(number))),
        "FLOOR": _elementwise(lambda number: float(math.floor(number))),
        "LOG": _elementwise(lambda number: math.log(number) if number > 0 else None),
        "LOG10": _elementwise(lambda number: math.log10(number) if number > 0 else None),
        "RATE": _per_series(_rate),
        "DIFF": _per_series(_difference),
        "DIFF_TIME": _per_series(_time_difference),
        "RUNNING_SUM": _per_series(_running_sum),
        "PERIOD": _period,
        "TIME_SERIES": _time_series,
        "FILL": _fill,
        "IF": _if,
        "METRICS": _metrics,
        "METRIC_COUNT": _metric_count,
        "DATAPOINT_COUNT": _datapoint_count,
        "FIRST": _end_of(0),
        "LAST": _end_of(-1),
        "SLICE": _slice,
        "SORT": _sort,
        "REMOVE_EMPTY": _remove_empty,
        "SEARCH": _search,
        "ANOMALY_DETECTION_BAND": _band,
        "EPOCH": _per_series(lambda series, scope: {at: float(at) for at in series.points}),
        "MINUTE": _calendar(lambda at: at.minute),
        "HOUR": _calendar(lambda at: at.hour),
        "DAY": _calendar(lambda at: at.isoweekday()),
        "DATE": _calendar(lambda at: at.day),
        "MONTH": _calendar(lambda at: at.month),
        "YEAR": _calendar(lambda at: at.year),
    }
)

__all__ = ["FUNCTIONS", "evaluate"]
