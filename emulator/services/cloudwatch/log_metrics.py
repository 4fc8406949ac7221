"""Metric filters of log groups: log events that were put become datapoints.

The filters are CloudWatch Logs' own records; they are read once a group and forgotten when a request changes them.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.cloudwatch import log_filters, statistics
from emulator.semantics.cloudwatch.log_filters import Fields
from emulator.services.cloudwatch.metric_store import Datapoint, metric

_CHANGES = frozenset({"PutMetricFilter", "DeleteMetricFilter", "DeleteLogGroup", "CreateLogGroup"})
_UNITS = "None"


class LogMetrics:
    """Watches requests to CloudWatch Logs."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._filters: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def saw(self, operation: str, body: bytes) -> list[Datapoint]:
        """A request was served; answers the datapoints that its log events make."""
        if operation in _CHANGES:
            with self._lock:
                self._filters.clear()
        if operation != "PutLogEvents":
            return []
        request = json.loads(body)
        name = request.get("logGroupName") or request.get("logGroupIdentifier", "").rsplit(":", 1)[-1]
        return [point for one in self._of(name) for point in _points(one, request.get("logEvents", []))]

    def _of(self, group: str) -> list[dict[str, Any]]:
        with self._lock:
            if group in self._filters:
                return self._filters[group]
        try:
            found = self._kernel.calls("logs", "DescribeMetricFilters", {"logGroupName": group})["metricFilters"]
        except AwsError:
            return []
        with self._lock:
            self._filters[group] = found
        return list(found)


def _points(one: dict[str, Any], events: list[dict[str, Any]]) -> Iterator[Datapoint]:
    try:
        matcher = log_filters.compile_pattern(one.get("filterPattern", ""))
    except log_filters.PatternError:
        return
    found = [(event["timestamp"] / 1000, matcher(event["message"])) for event in events]
    for transformation in one["metricTransformations"]:
        matched_minutes = {at // 60 for at, fields in found if fields is not None}
        for at, fields in found:
            if fields is not None:
                yield from _matched(transformation, at, fields)
            elif "defaultValue" in transformation and at // 60 not in matched_minutes:
                matched_minutes.add(at // 60)
                yield _point(transformation, at, float(transformation["defaultValue"]), {})


def _matched(transformation: dict[str, Any], at: float, fields: Fields) -> Iterator[Datapoint]:
    number = log_filters.metric_value(transformation["metricValue"], fields)
    given = transformation.get("dimensions") or {}
    dimensions = {name: log_filters.look_up(fields, path) for name, path in given.items()}
    if number is not None and all(value is not None for value in dimensions.values()):
        yield _point(transformation, at, number, {name: str(value) for name, value in dimensions.items()})


def _point(transformation: dict[str, Any], at: float, number: float, dimensions: dict[str, str]) -> Datapoint:
    wanted = metric(transformation["metricNamespace"], transformation["metricName"], dimensions)
    return Datapoint(wanted, at, statistics.single(number), transformation.get("unit") or _UNITS)
