"""PutMetricData, GetMetricStatistics, ListMetrics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.cloudwatch import limits, series, statistics
from emulator.services.cloudwatch import queries
from emulator.services.cloudwatch.engine import Engine
from emulator.services.cloudwatch.metric_store import Datapoint, Metric, metric
from emulator.services.cloudwatch.records import page, utc

LISTED_S = 14 * 86_400
ACTIVE_S = 3 * 3600
MOST_STATISTICS = 1440


def put_metric_data(params: Params, ctx: Context) -> Params:
    """Record datapoints, all or none.

    Raises:
        AwsError: InvalidParameterValue and its siblings.
    """
    if params["Namespace"].startswith("AWS/"):
        raise AwsError("InvalidParameterValue", "The value AWS/ for parameter Namespace is invalid.")
    now = ctx.kernel.clock.now()
    entries = [*(params.get("MetricData") or [])]
    for entity in params.get("EntityMetricData") or []:
        entries += entity.get("MetricData") or []
    for entry in entries:
        if entry.get("Timestamp") is not None:
            entry["Timestamp"] = utc(entry["Timestamp"])
    if refusal := limits.metric_data(entries, now):
        raise AwsError(*refusal)
    Engine.of(ctx.kernel).metrics.add(_datapoint(params["Namespace"], entry, now) for entry in entries)
    return {}


def _datapoint(namespace: str, entry: dict[str, Any], now: datetime) -> Datapoint:
    dimensions = {one["Name"]: one["Value"] for one in entry.get("Dimensions") or []}
    at = entry.get("Timestamp") or now
    wanted = metric(namespace, entry["MetricName"], dimensions)
    return Datapoint(wanted, at.timestamp(), _reading(entry), entry.get("Unit") or "None")


def _reading(entry: dict[str, Any]) -> statistics.Reading:
    if given := entry.get("StatisticValues"):
        return statistics.statistic_set(given["SampleCount"], given["Sum"], given["Minimum"], given["Maximum"])
    if values := entry.get("Values"):
        counts = entry.get("Counts") or [1.0] * len(values)
        return statistics.several(zip(values, counts, strict=True))
    return statistics.single(entry["Value"])


def get_metric_statistics(params: Params, ctx: Context) -> Params:
    """Statistics of one metric, period by period."""
    wanted = [*(params.get("Statistics") or []), *(params.get("ExtendedStatistics") or [])]
    if not wanted:
        raise AwsError("MissingParameter", "Must specify either Statistics or ExtendedStatistics")
    for name in wanted:
        if not statistics.is_known(name):
            raise AwsError(
                "InvalidParameterValue", f"The value {name} for parameter ExtendedStatistics is not supported."
            )
    start, end, period_s = _stretch(params, ctx)
    rows = Engine.of(ctx.kernel).metrics.readings(queries.of(params), start, end, params.get("Unit"))
    units = {start + int((at - start) // period_s) * period_s: unit for at, _, unit in rows}
    buckets = series.bucketed(((at, reading) for at, reading, _ in rows), start, period_s)
    found = [_statistics(wanted, at, buckets[at], units[at], ctx) for at in sorted(buckets)]
    return {"Label": params["MetricName"], "Datapoints": found}


def _stretch(params: Params, ctx: Context) -> tuple[int, float, int]:
    begin, end, period_s = utc(params["StartTime"]), utc(params["EndTime"]), params["Period"]
    if begin >= end:
        text = "The parameter StartTime must be less than the parameter EndTime."
        raise AwsError("InvalidParameterValue", text)
    if not limits.is_period(period_s):
        text = "The parameter Period must be 10, 20, 30 or a multiple of 60."
        raise AwsError("InvalidParameterValue", text)
    asked = (end - begin).total_seconds() / period_s
    if asked > MOST_STATISTICS:
        text = f"You have requested up to {int(asked)} datapoints, which exceeds the limit of {MOST_STATISTICS}."
        raise AwsError("InvalidParameterCombination", text)
    start = series.aligned_start(begin.timestamp(), ctx.kernel.clock.now().timestamp(), period_s)
    return start, end.timestamp(), period_s


def _statistics(wanted: list[str], at: int, rows: list[statistics.Reading], unit: str, ctx: Context) -> dict[str, Any]:
    answer: dict[str, Any] = {"Timestamp": datetime.fromtimestamp(at, ctx.kernel.clock.now().tzinfo), "Unit": unit}
    for name in wanted:
        number = statistics.compute(name, rows)
        if number is None:
            continue
        if name in statistics.SIMPLE:
            answer[name] = number
        else:
            answer.setdefault("ExtendedStatistics", {})[name] = number
    return answer


def list_metrics(params: Params, ctx: Context) -> Params:
    """Metrics that got data within two weeks, or within three hours on request."""
    now = ctx.kernel.clock.now().timestamp()
    since = now - (ACTIVE_S if params.get("RecentlyActive") else LISTED_S)
    found = Engine.of(ctx.kernel).metrics.metrics(since, params.get("Namespace"), params.get("MetricName"))
    asked = params.get("Dimensions") or []
    shown, more = page([_shown(one) for one in found if _fits(one, asked)], params, 500)
    return {"Metrics": shown, **more}


def _fits(found: Metric, asked: list[dict[str, str]]) -> bool:
    held = found.as_map()
    return all(one["Name"] in held and one.get("Value") in (None, held[one["Name"]]) for one in asked)


def _shown(found: Metric) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in found.dimensions]
    return {"Namespace": found.namespace, "MetricName": found.name, "Dimensions": dimensions}


OPERATIONS: dict[str, Operation] = {
    "PutMetricData": put_metric_data,
    "GetMetricStatistics": get_metric_statistics,
    "ListMetrics": list_metrics,
}
