"""MetricDataQueries answered: metrics fetched, expressions computed. Alarms, GetMetricData and widgets share this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from emulator.semantics.cloudwatch import expressions, math_functions, metric_math, metric_search, series, statistics
from emulator.semantics.cloudwatch.expressions import MathError
from emulator.semantics.cloudwatch.metric_math import Scope, Value
from emulator.semantics.cloudwatch.series import Series
from emulator.services.cloudwatch.metric_store import Metric, MetricStore, metric
from emulator.services.cloudwatch.records import invalid

TRAINING_S = 14 * 86_400
"""How far back an anomaly band learns."""
SEARCHED_S = 14 * 86_400
"""SEARCH finds metrics that reported within two weeks."""
MOST_NAMES = 500

Query = dict[str, Any]


def of(found: Query) -> Metric:
    """The metric of a request's `Metric` structure, or of any structure with Namespace, MetricName and Dimensions."""
    dimensions = {one["Name"]: one["Value"] for one in found.get("Dimensions") or []}
    return metric(found.get("Namespace", ""), found.get("MetricName", ""), dimensions)


def check(queries: list[Query]) -> None:
    """Refuse queries that contradict themselves.

    Raises:
        AwsError: ValidationError, naming the query.
    """
    ids = [query["Id"] for query in queries]
    for query in queries:
        name = query["Id"]
        if ids.count(name) > 1:
            raise invalid(f"The values for parameter id in MetricDataQueries must be unique: '{name}'")
        if not (name[:1].isascii() and name[:1].islower() and name.replace("_", "a").isalnum()):
            raise invalid(f"The value '{name}' for parameter Id must start with a lowercase letter")
        if ("Expression" in query) == ("MetricStat" in query):
            raise invalid(f"Query '{name}' must have either MetricStat or Expression")
        if "MetricStat" in query and not statistics.is_known(query["MetricStat"]["Stat"]):
            raise invalid(f"The value {query['MetricStat']['Stat']} for parameter Stat is not supported")
        if "Expression" in query:
            _check_expression(query, ids)


def _check_expression(query: Query, ids: list[str]) -> None:
    try:
        tree = expressions.parse(query["Expression"])
    except MathError as error:
        raise invalid(str(error)) from error
    if len(tree_names := expressions.names(tree)) > MOST_NAMES:
        raise invalid(f"Error in expression '{query['Id']}': it mentions {len(tree_names)} ids, at most {MOST_NAMES}")
    known = {*ids, "REPEAT", "LINEAR", "AVG", "MIN", "MAX", "SUM", "ASC", "DESC"}
    for name in tree_names:
        if name not in known:
            text = f"Error in expression '{query['Id']}' [Undefined variable: '{name}']"
            raise invalid(text)


def period_of(query: Query, queries: list[Query]) -> int:
    """The period of a query: its own, or of an expression the longest of what it is made of."""
    if "MetricStat" in query:
        return int(query["MetricStat"]["Period"])
    if query.get("Period"):
        return int(query["Period"])
    periods = [one["MetricStat"]["Period"] for one in queries if "MetricStat" in one]
    return max(periods, default=300)


@dataclass
class Resolver:
    """Computes the queries of one request over one stretch of time, each once.

    `start` and `end` are seconds; every metric's grid goes through `start`.
    """

    store: MetricStore
    queries: list[Query]
    start: int
    end: int
    _done: dict[str, Value] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def value(self, name: str) -> Value:
        """The value of a query.

        Raises:
            MathError: its expression cannot be computed.
        """
        if name in self._done:
            return self._done[name]
        query = next((one for one in self.queries if one["Id"] == name), None)
        if query is None:
            raise MathError(f"Undefined variable: '{name}'")
        if name in self._open:
            raise MathError(f"Circular dependency of expression '{name}'")
        self._open.add(name)
        self._done[name] = self._metric(query) if "MetricStat" in query else self._expression(query)
        return self._done[name]

    def _metric(self, query: Query) -> Series:
        stat = query["MetricStat"]
        label = query.get("Label") or stat["Metric"].get("MetricName", "")
        return fetch(
            self.store,
            of(stat["Metric"]),
            stat["Stat"],
            stat["Period"],
            (self.start, self.end),
            unit=stat.get("Unit"),
            label=label,
        )

    def _expression(self, query: Query) -> Value:
        period_s = period_of(query, self.queries)
        metrics = {one["Id"]: self._series(one["Id"]) for one in self.queries if "MetricStat" in one}
        scope = Scope(self.start, self.end, period_s, metrics, self.value, self._search, self._history)
        return math_functions.evaluate(query["Expression"], scope)

    def _series(self, name: str) -> Series:
        return metric_math.all_series(self.value(name))[0]

    def _search(self, text: str, statistic: str, period_s: int) -> list[Series]:
        try:
            fits = metric_search.compile_search(text)
        except metric_search.SearchError as error:
            raise MathError(str(error)) from error
        found = [
            one
            for one in self.store.metrics(self.start - SEARCHED_S)
            if fits(metric_search.Found(one.namespace, one.name, one.as_map()))
        ]
        grid = (self.start, self.end)
        return [fetch(self.store, one, statistic, period_s, grid, label=_label(one)) for one in found]

    def _history(self, name: str) -> Series | None:
        query = next((one for one in self.queries if one["Id"] == name and "MetricStat" in one), None)
        if query is None:
            return None
        stat = query["MetricStat"]
        start = self.start - TRAINING_S // stat["Period"] * stat["Period"]
        return fetch(self.store, of(stat["Metric"]), stat["Stat"], stat["Period"], (start, self.start))


def fetch(
    store: MetricStore,
    wanted: Metric,
    statistic: str,
    period_s: int,
    between: tuple[int, int],
    unit: str | None = None,
    label: str = "",
) -> Series:
    """One statistic of one metric on the grid that starts at `between`."""
    start, end = between
    if statistic in statistics.SIMPLE:
        rows = store.summaries(wanted, start, end, period_s, unit)
    else:
        rows = [(at, reading) for at, reading, _ in store.readings(wanted, start, end, unit)]
    return series.aggregated(series.bucketed(rows, start, period_s), statistic, period_s, label)


def _label(found: Metric) -> str:
    return " ".join([*(value for _, value in found.dimensions), found.name])
