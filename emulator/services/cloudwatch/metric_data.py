"""GetMetricData: many metrics and expressions at once, page by page."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.cloudwatch import limits, metric_math
from emulator.semantics.cloudwatch.expressions import MathError
from emulator.semantics.cloudwatch.series import Series, aligned_start
from emulator.services.cloudwatch import queries
from emulator.services.cloudwatch.engine import Engine
from emulator.services.cloudwatch.records import invalid, offset, token, utc

MOST_QUERIES, MOST_DATAPOINTS = 500, 100_800


def get_metric_data(params: Params, ctx: Context) -> Params:
    """The series that the queries return, newest datapoint first unless ScanBy says otherwise."""
    asked = params["MetricDataQueries"]
    _check(params, asked)
    begin, end = utc(params["StartTime"]).timestamp(), utc(params["EndTime"]).timestamp()
    if begin >= end:
        raise invalid("The parameter StartTime must be less than the parameter EndTime.")
    periods = [queries.period_of(query, asked) for query in asked]
    start = aligned_start(begin, ctx.kernel.clock.now().timestamp(), min(periods))
    resolver = queries.Resolver(Engine.of(ctx.kernel).metrics, asked, start, int(end))
    is_ascending = params.get("ScanBy") == "TimestampAscending"
    rows = [
        (query, series, sorted(series.points.items(), reverse=not is_ascending))
        for query in asked
        if query.get("ReturnData", True)
        for series in _returned(resolver, query)
    ]
    return _page(rows, params)


def _check(params: Params, asked: list[dict[str, Any]]) -> None:
    if not asked or len(asked) > MOST_QUERIES:
        raise invalid(f"The collection MetricDataQueries must have between 1 and {MOST_QUERIES} members.")
    queries.check(asked)
    for query in asked:
        if "${" in (query.get("Label") or ""):
            raise EmulatorError(
                f"cloudwatch: GetMetricData: Label of '{query['Id']}': dynamic labels are not emulated yet"
            )
        if query.get("AccountId"):
            raise EmulatorError("cloudwatch: GetMetricData: AccountId is not emulated yet")
        if not limits.is_period(queries.period_of(query, asked)):
            raise invalid(f"Period of '{query['Id']}' must be 10, 20, 30 or a multiple of 60")


def _returned(resolver: queries.Resolver, query: dict[str, Any]) -> list[Series]:
    try:
        found = resolver.value(query["Id"])
        if isinstance(found, float | str):
            raise MathError(f"Error in expression '{query['Id']}': expected a time series result")
        return metric_math.all_series(found)
    except MathError as error:
        raise invalid(str(error)) from error


def _page(rows: list[tuple[dict[str, Any], Series, list[tuple[int, float]]]], params: Params) -> Params:
    """Datapoints are counted over all series, in their order; a page holds at most MaxDatapoints."""
    most = min(params.get("MaxDatapoints") or MOST_DATAPOINTS, MOST_DATAPOINTS)
    first = offset(params)
    last, seen, results = first + most, 0, []
    for query, series, points in rows:
        kept = points[max(0, first - seen) : max(0, last - seen)]
        ends_in_page = seen + len(points) <= last
        seen += len(points)
        if kept or (not points and first == 0):
            results.append(_result(query, series, kept, ends_in_page))
    more = {"NextToken": token(last)} if seen > last else {}
    if first and not results:
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    return {"MetricDataResults": results, "Messages": [], **more}


def _result(query: dict[str, Any], series: Series, points: list[tuple[int, float]], is_whole: bool) -> dict[str, Any]:
    label = query.get("Label") or series.label or query["Id"]
    if "Expression" in query and not query.get("Label"):
        label = series.label if "SEARCH" in query["Expression"].upper() else query["Id"]
    return {
        "Id": query["Id"],
        "Label": label,
        "Timestamps": [datetime.fromtimestamp(at, UTC) for at, _ in points],
        "Values": [number for _, number in points],
        "StatusCode": "Complete" if is_whole else "PartialData",
    }


OPERATIONS: dict[str, Operation] = {"GetMetricData": get_metric_data}
