"""From an alarm's row and the datapoints to the state that they speak for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.semantics.cloudwatch import alarm_evaluation, alarm_reasons, metric_math, statistics
from emulator.semantics.cloudwatch.alarm_evaluation import Point, Rule
from emulator.semantics.cloudwatch.alarm_events import State
from emulator.semantics.cloudwatch.expressions import MathError
from emulator.semantics.cloudwatch.series import Series
from emulator.services.cloudwatch import queries
from emulator.services.cloudwatch.metric_store import MetricStore
from emulator.services.cloudwatch.records import Row
from emulator.services.cloudwatch.service_metrics import DEPTH

_FINE_S = 60
_MOST_TIMES = 50
"""A metric with so many datapoints in an alarm's range moves all the time."""


def evaluate(store: MetricStore, alarm: Row, now: datetime) -> State | None:
    """The state of a metric alarm at `now`; None when it cannot be computed, so that it stays as it is."""
    asked = queries_of(alarm)
    watched = _watched(alarm, asked)
    period_s = queries.period_of(watched, asked)
    end = alarm_evaluation.window_end(now.timestamp(), period_s, "WallClockWindow" in alarm.get("EvaluationWindow", {}))
    start = end - alarm_evaluation.evaluation_range(alarm["EvaluationPeriods"]) * period_s
    resolver = queries.Resolver(store, asked, start, end)
    try:
        series = metric_math.all_series(resolver.value(watched["Id"]))[0]
        band = _band(alarm, resolver)
    except (MathError, IndexError):
        return None
    rule = rule_of(alarm)
    points = [_point(alarm, at, series, band) for at in range(start, end, period_s)]
    verdict = alarm_evaluation.evaluate(rule, points, alarm["StateValue"])
    reason = alarm_reasons.text(rule, verdict, "DatapointsToAlarm" in alarm)
    statistic = watched["MetricStat"]["Stat"] if "MetricStat" in watched else None
    data = alarm_reasons.data(rule, verdict, now, period_s, statistic, alarm.get("Unit"))
    return State(verdict.state, reason, now, data)


@dataclass(frozen=True)
class Rest:
    """An alarm that says the same until a moment, as long as it and its metric stay as they are."""

    configured_at: datetime
    state_updated_at: datetime
    version: int
    until_s: float

    def holds(self, store: MetricStore, alarm: Row, now: datetime) -> bool:
        """Whether the alarm needs no evaluation at `now`."""
        return (
            now.timestamp() < self.until_s
            and self.configured_at == alarm["AlarmConfigurationUpdatedTimestamp"]
            and self.state_updated_at == alarm["StateUpdatedTimestamp"]
            and self.version == store.version(queries.of(alarm))
        )


def rest(store: MetricStore, alarm: Row, now: datetime, version: int) -> Rest | None:
    """For how long an alarm rests that was evaluated at `now`, when its metric had `version`.

    None when that is not known: it watches an expression, or a metric that gets data all the time.
    """
    if "Metrics" in alarm or alarm["Period"] < _FINE_S:
        return None
    period_s, is_wall_clock = alarm["Period"], "WallClockWindow" in alarm.get("EvaluationWindow", {})
    end = alarm_evaluation.window_end(now.timestamp(), period_s, is_wall_clock)
    start = end - alarm_evaluation.evaluation_range(alarm["EvaluationPeriods"]) * period_s
    times = store.times(queries.of(alarm), start, float("inf"), _MOST_TIMES)
    if len(times) == _MOST_TIMES:
        return None
    until_s = alarm_evaluation.next_change(end, period_s, times)
    return Rest(alarm["AlarmConfigurationUpdatedTimestamp"], alarm["StateUpdatedTimestamp"], version, until_s)


def queue_of(alarm: Row) -> str | None:
    """The queue whose depth an alarm watches, if it does."""
    if alarm.get("Namespace") != "AWS/SQS" or not alarm["MetricName"].startswith(DEPTH):
        return None
    return queries.of(alarm).as_map().get("QueueName")


def range_s(alarm: Row) -> int:
    """How far back an alarm on a single metric looks."""
    return alarm_evaluation.evaluation_range(alarm["EvaluationPeriods"]) * int(alarm["Period"])


def rule_of(alarm: Row) -> Rule:
    """How the alarm judges. AWS/DynamoDB metrics always ignore missing data."""
    treat_missing = "ignore" if alarm.get("Namespace") == "AWS/DynamoDB" else alarm.get("TreatMissingData", "missing")
    periods: int = alarm["EvaluationPeriods"]
    return Rule(periods, alarm.get("DatapointsToAlarm", periods), alarm["ComparisonOperator"], treat_missing)


def queries_of(alarm: Row) -> list[dict[str, Any]]:
    """An alarm's metrics as MetricDataQueries, also when it names a single metric."""
    if "Metrics" in alarm:
        return list(alarm["Metrics"])
    metric = {"Namespace": alarm["Namespace"], "MetricName": alarm["MetricName"]}
    stat = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    found = {
        "Metric": {**metric, "Dimensions": alarm.get("Dimensions", [])},
        "Period": alarm["Period"],
        "Stat": stat,
        "Unit": alarm.get("Unit"),
    }
    return [{"Id": "m1", "MetricStat": found, "ReturnData": True}]


def period_of(alarm: Row) -> int:
    """The period that an alarm counts in."""
    asked = queries_of(alarm)
    return queries.period_of(_watched(alarm, asked), asked)


def _watched(alarm: Row, asked: list[dict[str, Any]]) -> dict[str, Any]:
    threshold = alarm.get("ThresholdMetricId")
    return next(query for query in asked if query.get("ReturnData", True) and query["Id"] != threshold)


def _band(alarm: Row, resolver: queries.Resolver) -> list[Series] | None:
    """The upper and the lower threshold, when they are a band."""
    if "ThresholdMetricId" not in alarm:
        return None
    found = metric_math.all_series(resolver.value(alarm["ThresholdMetricId"]))
    return found if len(found) > 1 else [found[0], found[0]]


def _point(alarm: Row, at: int, series: Series, band: list[Series] | None) -> Point | None:
    if at not in series.points:
        return None
    if band is None:
        low = high = float(alarm["Threshold"])
    elif at in band[0].points and at in band[1].points:
        high, low = band[0].points[at], band[1].points[at]
    else:
        return None
    count = series.counts.get(at)
    return Point(at, series.points[at], low, high, count, _is_too_few(alarm, count))


def _is_too_few(alarm: Row, count: float | None) -> bool:
    if alarm.get("EvaluateLowSampleCountPercentile") != "ignore" or count is None:
        return False
    return statistics.has_few_samples(alarm.get("ExtendedStatistic", ""), count)
