"""When a monitoring schedule is due: every hour, at hours of the day, or once and at once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

AWS_NAME = "ScheduleExpression of a monitoring schedule"
SOURCE = "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-schedule-expression.html (read 2026-11-24)"
DIFFERS = (
    "cron(0 17/12 ? * * *) is due at 17 and 5 o'clock, as the page says, though cron would never leave the day; the "
    "wording of refusals is ours"
)

NOW = "NOW"
START_DELAY_MAX_S = 20 * 60.0
"""Jobs start up to so much later than they are due."""
_HOUR = timedelta(hours=1)
_CRON = re.compile(r"cron\(0 (?:(?P<hourly>\*)|(?P<first>\d{1,2})(?:/(?P<step>\d{1,2}))?) \? \* \* \*\)")


class InvalidExpression(ValueError):  # noqa: N818 - AWS calls it a ValidationException
    """Not one of the forms that Model Monitor takes; the message is for the caller."""


@dataclass(frozen=True)
class Once:
    """At once, and never again."""


@dataclass(frozen=True)
class Daily:
    """At these full hours of each day, UTC; `every_h` is the time between them."""

    hours: frozenset[int]
    every_h: int


Expression = Once | Daily


def parse(text: str) -> Expression:
    """Read an expression.

    Raises:
        InvalidExpression: Model Monitor takes fewer forms than EventBridge does.
    """
    if text == NOW:
        return Once()
    found = _CRON.fullmatch(text)
    if found is None:
        raise InvalidExpression(
            f"Invalid ScheduleExpression '{text}': expected cron(0 * ? * * *), cron(0 [00-23] ? * * *), "
            "cron(0 [00-23]/[01-24] ? * * *) or NOW"
        )
    first, every_h = (0, 1) if found["hourly"] else (int(found["first"]), int(found["step"] or 24))
    if first > 23 or not 1 <= every_h <= 24:
        raise InvalidExpression(f"Invalid ScheduleExpression '{text}': the hour is 00-23 and its step 01-24")
    return Daily(frozenset((first + hour) % 24 for hour in range(0, 24, every_h)), every_h)


def at_hour(hour: int) -> str:
    """The expression of a day's hour; SageMaker picks one where no schedule was given."""
    return f"cron(0 {hour} ? * * *)"


def next_due(expression: Expression, after: datetime) -> datetime | None:
    """The first full hour after `after` that is due; none for what runs once."""
    if isinstance(expression, Once):
        return None
    at = after.replace(minute=0, second=0, microsecond=0) + _HOUR
    while at.hour not in expression.hours:
        at += _HOUR
    return at
