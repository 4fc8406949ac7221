"""Which time a monitoring execution looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from emulator.semantics.monitoring.expressions import Daily, Expression, Once

AWS_NAME = "StartTimeOffset and EndTimeOffset, DataAnalysisStartTime and DataAnalysisEndTime"
SOURCE = (
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ScheduleConfig.html, "
    "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-schedule.html; requests of AWS's own "
    "hourly jobs as a user published them (read 2026-11-24)"
)
DIFFERS = (
    "a daily job looks at the 24 hours before it is due, though AWS's example of the container contract leaves out the "
    "first; which of the two kinds of offsets wins is not documented, here the schedule's does; ground truth is taken "
    "from the window's begin to the time that was due"
)

_DURATION = re.compile(r"(?P<sign>[+-]?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?P<time>(?=\d).+))?")
_TIME = re.compile(r"(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?")
_DAY = timedelta(days=1)
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)
_FIELDS = ("DataAnalysisStartTime", "DataAnalysisEndTime")

Json = Mapping[str, Any]


class InvalidOffset(ValueError):  # noqa: N818 - AWS calls it a ValidationException
    """Not a duration of ISO 8601, or not before the time that is due."""


@dataclass(frozen=True)
class Window:
    """From `start` on, before `end`."""

    start: datetime
    end: datetime

    def hours(self) -> Iterator[datetime]:
        """The full hours that it touches: captured requests lie by the hour."""
        at = self.start.replace(minute=0, second=0, microsecond=0)
        while at < self.end:
            yield at
            at += timedelta(hours=1)


def of(expression: Expression, schedule: Json, source: Json, due_at: datetime) -> Window:
    """The window of an execution: `schedule` is a ScheduleConfig, `source` an EndpointInput."""
    start = schedule.get(_FIELDS[0]) or source.get("StartTimeOffset")
    end = schedule.get(_FIELDS[1]) or source.get("EndTimeOffset")
    period = timedelta(hours=expression.every_h) if isinstance(expression, Daily) else _DAY
    return Window(due_at + (offset(start) if start else -period), due_at + (offset(end) if end else timedelta()))


def refusal(expression: Expression, schedule: Json, source: Json) -> str | None:
    """Why the times of a schedule are refused; None when they are taken."""
    given = [field for field in _FIELDS if schedule.get(field)]
    if isinstance(expression, Once) and len(given) < len(_FIELDS):
        return "DataAnalysisStartTime and DataAnalysisEndTime are required when ScheduleExpression is NOW."
    try:
        window = of(expression, schedule, source, _ANY_TIME)
    except InvalidOffset as error:
        return str(error)
    except OverflowError:
        return "The analysis would begin before the calendar does."
    if window.start >= window.end:
        return "The start of the analysis must be before its end."
    if given and window.end - window.start > _DAY:
        return "DataAnalysisStartTime must not precede DataAnalysisEndTime by more than 24 hours."
    return None


def offset(text: str) -> timedelta:
    """What a duration such as -PT1H adds to the time that is due. The sign may be left out: it looks back anyway.

    Raises:
        InvalidOffset: it is none.
    """
    found = _DURATION.fullmatch(text)
    time = _TIME.fullmatch((found and found["time"]) or "")
    if found is None or time is None or found["sign"] == "+":
        raise InvalidOffset(f"Invalid offset '{text}': expected an ISO 8601 duration that looks back, such as -PT1H")
    parts = {name: int(value) for name, value in {**found.groupdict(), **time.groupdict()}.items() if _is_number(value)}
    return -timedelta(**parts)


def _is_number(value: str | None) -> bool:
    return bool(value) and str(value).isdigit()
