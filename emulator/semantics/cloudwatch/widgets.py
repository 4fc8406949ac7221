"""Metric widgets: the JSON that describes a graph, read into queries and a stretch of time."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

AWS_NAME = "Metric widget structure of GetMetricWidgetImage"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Metric-Widget-Structure.html "
    "(read 2026-11-23)"
)
DIFFERS = "the graph is a plain line chart: view, stacked, yAxis, legend and vertical annotations are passed over"

_DURATION = re.compile(r"-P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


class WidgetError(ValueError):
    """The widget cannot be read."""


@dataclass(frozen=True)
class Widget:
    """A graph: its queries, the seconds it shows, its size in pixels, its title and its horizontal lines."""

    queries: list[dict[str, Any]]
    start: int
    end: int
    width: int
    height: int
    title: str
    lines: tuple[float, ...] = ()


def parse(text: str, now: datetime) -> Widget:
    """Read a widget.

    Raises:
        WidgetError: it is malformed.
    """
    try:
        found = json.loads(text)
        return _widget(found, now)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise WidgetError(f"Invalid metric widget: {error}") from error


def _widget(found: dict[str, Any], now: datetime) -> Widget:
    start, end = _moment(found.get("start", "-PT3H"), now), _moment(found.get("end", "-PT0H"), now)
    if start >= end:
        raise WidgetError("Invalid metric widget: start must be before end")
    horizontal = found.get("annotations", {}).get("horizontal", [])
    return Widget(
        _queries(found),
        start,
        end,
        min(max(int(found.get("width", 600)), 1), 2000),
        min(max(int(found.get("height", 400)), 1), 2000),
        str(found.get("title", "")),
        tuple(float(line["value"]) for line in horizontal if "value" in line),
    )


def _moment(text: str, now: datetime) -> int:
    if match := _DURATION.fullmatch(text):
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
        at = now - timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    else:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return int(at.timestamp())


def _queries(found: dict[str, Any]) -> list[dict[str, Any]]:
    queries: list[dict[str, Any]] = []
    before: list[Any] = []
    for number, row in enumerate(found["metrics"], 1):
        options = row[-1] if isinstance(row[-1], dict) else {}
        words = [part for part in row if not isinstance(part, dict)]
        words = _spelled_out(words, before)
        before = words or before
        queries.append(_query(words, options, found, f"w{number}"))
    return queries


def _spelled_out(words: list[Any], before: list[Any]) -> list[Any]:
    """`.` repeats one word of the row above, `...` all that are left out."""
    if "..." in words:
        at = words.index("...")
        missing = len(before) - (len(words) - 1)
        words = words[:at] + before[at : at + missing] + words[at + 1 :]
    return [before[index] if word == "." else word for index, word in enumerate(words)]


def _query(words: list[Any], options: dict[str, Any], widget: dict[str, Any], default: str) -> dict[str, Any]:
    name = options.get("id", default)
    period = int(options.get("period", widget.get("period", 300)))
    query: dict[str, Any] = {"Id": name, "ReturnData": options.get("visible", True)}
    if "label" in options:
        query["Label"] = options["label"]
    if "expression" in options:
        return {**query, "Expression": options["expression"], "Period": period}
    dimensions = [{"Name": key, "Value": value} for key, value in zip(words[2::2], words[3::2], strict=True)]
    metric = {"Namespace": words[0], "MetricName": words[1], "Dimensions": dimensions}
    stat = options.get("stat", widget.get("stat", "Average"))
    return {**query, "MetricStat": {"Metric": metric, "Period": period, "Stat": stat}}
