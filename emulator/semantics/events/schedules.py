"""Schedule expressions: `rate(…)`, AWS's six-field `cron(…)` and the one-time `at(…)`, and when they fire next."""

from __future__ import annotations

import calendar
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

AWS_NAME = "Schedule expressions of EventBridge rules and EventBridge Scheduler"
SOURCE = (
    "https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html and "
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html (read 2026-11-23)"
)
DIFFERS = "fires at the second that is due (AWS: within the minute); ranges that wrap around (FRI-MON) are refused"

_UNITS = {"minute": 60, "hour": 3600, "day": 86_400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_LAST_YEAR = 2199
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)(s?)\)")
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_CRON = re.compile(r"cron\(([^()]+)\)")


class InvalidSchedule(ValueError):  # noqa: N818 - AWS calls it a ValidationException
    """The expression is none; the message says why."""


@dataclass(frozen=True)
class Rate:
    """Every `period_s` seconds of real time, whatever clocks do in spring and autumn."""

    period_s: int


@dataclass(frozen=True)
class At:
    """Once, at this wall-clock time."""

    local: datetime


@dataclass(frozen=True)
class Cron:
    """The minutes, hours, months and years that fit, and the expressions for the day."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    day_of_month: str
    months: tuple[int, ...]
    day_of_week: str
    years: tuple[int, ...]


Schedule = Rate | At | Cron


def parse(expression: str) -> Schedule:
    """Read an expression.

    Raises:
        InvalidSchedule: naming the field and what is wrong with it.
    """
    if found := _RATE.fullmatch(expression):
        return _rate(int(found[1]), found[2], bool(found[3]))
    if found := _AT.fullmatch(expression):
        try:
            return At(datetime.fromisoformat(found[1]))
        except ValueError as error:
            raise InvalidSchedule(f"{expression}: {error}") from error
    if found := _CRON.fullmatch(expression):
        return _cron(found[1].split())
    raise InvalidSchedule(f"'{expression}' is neither rate(value unit), cron(six fields) nor at(yyyy-mm-ddThh:mm:ss)")


def next_fire(schedule: Schedule, after: datetime, anchor: datetime, zone: tzinfo = UTC) -> datetime | None:
    """The first time strictly after `after` at which the schedule fires, in UTC; None when it never will again.

    A rate counts from `anchor`. Times that a spring change leaves out are skipped; times that an autumn change
    repeats fire once, the first time.
    """
    match schedule:
        case Rate(period_s):
            return _next_of_rate(period_s, after, anchor)
        case At(local):
            at = _in_utc(local, zone)
            return at if at is not None and at > after else None
        case Cron():
            return _next_of_cron(schedule, after, zone)


def _rate(value: int, unit: str, is_plural: bool) -> Rate:
    if value == 0:
        raise InvalidSchedule("the value of a rate must be positive")
    if (value != 1) != is_plural:
        raise InvalidSchedule(f"rate({value} {unit}{'s' * is_plural}): the unit of 1 is singular, of others plural")
    return Rate(value * _UNITS[unit])


def _next_of_rate(period_s: int, after: datetime, anchor: datetime) -> datetime:
    if after < anchor:
        return anchor
    periods = (after - anchor) // timedelta(seconds=period_s) + 1
    return anchor + periods * timedelta(seconds=period_s)


def _next_of_cron(cron: Cron, after: datetime, zone: tzinfo) -> datetime | None:
    start = after.astimezone(zone).replace(tzinfo=None)
    times = [(hour, minute) for hour in cron.hours for minute in cron.minutes]
    for day in _days(cron, start.date()):
        first = bisect_right(times, (start.hour, start.minute)) if day == start.date() else 0
        for hour, minute in times[first:]:
            at = _in_utc(datetime(day.year, day.month, day.day, hour, minute), zone)  # noqa: DTZ001 - wall clock
            if at is not None and at > after:
                return at
    return None


def _in_utc(local: datetime, zone: tzinfo) -> datetime | None:
    """A wall-clock time as UTC (the first, where it comes twice); None where clocks jump over it."""
    at = local.replace(tzinfo=zone).astimezone(UTC)
    return at if at.astimezone(zone).replace(tzinfo=None) == local else None


def _days(cron: Cron, start: date) -> Iterator[date]:
    """Every day from `start` on that fits."""
    for year in (year for year in cron.years if year >= start.year):
        for month in (month for month in cron.months if (year, month) >= (start.year, start.month)):
            found = _days_of_month(cron, year, month)
            yield from (day for number in sorted(found) if (day := date(year, month, number)) >= start)


def _days_of_month(cron: Cron, year: int, month: int) -> set[int]:
    last = calendar.monthrange(year, month)[1]
    if cron.day_of_week in ("?", "*"):
        expression = "*" if cron.day_of_month == "?" else cron.day_of_month
        return set().union(*(_by_date(part, year, month, last) for part in expression.split(",")))
    return set().union(*(_by_weekday(part, year, month, last) for part in cron.day_of_week.split(",")))


def _by_date(part: str, year: int, month: int, last: int) -> set[int]:
    if part == "L":
        return {last}
    if part.endswith("W"):
        return {_nearest_weekday(int(part[:-1]), year, month, last)} if int(part[:-1]) <= last else set()
    return {day for day in _numbers(part, 1, 31, {}, "Day-of-month") if day <= last}


def _nearest_weekday(day: int, year: int, month: int, last: int) -> int:
    """Monday to Friday nearest to a day, within its month."""
    weekday = date(year, month, day).weekday()
    if weekday == 5:
        return day - 1 if day > 1 else day + 2
    if weekday == 6:
        return day + 1 if day < last else day - 2
    return day


def _by_weekday(part: str, year: int, month: int, last: int) -> set[int]:
    wanted, _, nth = part.partition("#")
    if nth:
        days = _weekdays(_number(wanted, _DAYS), year, month, last)
        return {days[int(nth) - 1]} if int(nth) <= len(days) else set()
    if part != "L" and part.endswith("L"):
        return {_weekdays(_number(part[:-1], _DAYS), year, month, last)[-1]}
    numbers = {7} if part == "L" else _numbers(part, 1, 7, _DAYS, "Day-of-week")
    return {day for number in numbers for day in _weekdays(number, year, month, last)}


def _weekdays(number: int, year: int, month: int, last: int) -> list[int]:
    """The days of a month that fall on a weekday; 1 is Sunday."""
    first = date(year, month, 1).isoweekday() % 7 + 1
    return list(range(1 + (number - first) % 7, last + 1, 7))


def _cron(fields: list[str]) -> Cron:
    if len(fields) != 6:
        raise InvalidSchedule(f"cron has six fields, found {len(fields)}")
    minutes, hours, day_of_month, months, day_of_week, years = (field.upper() for field in fields)
    if (day_of_month == "?") == (day_of_week == "?"):
        raise InvalidSchedule("one of Day-of-month and Day-of-week must be ?, the other not")
    _check_days(day_of_month, day_of_week)
    return Cron(
        _ordered(minutes, 0, 59, {}, "Minutes"),
        _ordered(hours, 0, 23, {}, "Hours"),
        day_of_month,
        _ordered(months, 1, 12, _MONTHS, "Month"),
        day_of_week,
        _ordered(years, 1970, _LAST_YEAR, {}, "Year"),
    )


def _check_days(day_of_month: str, day_of_week: str) -> None:
    for part in day_of_month.split(",") if day_of_month != "?" else ():
        if not re.fullmatch(r"L|([1-9]|[12]\d|3[01])W", part):
            _numbers(part, 1, 31, {}, "Day-of-month")
    parts = day_of_week.split(",") if day_of_week != "?" else []
    for part in parts:
        wanted, is_nth, nth = part.partition("#")
        if is_nth:
            _within(_number(wanted, _DAYS), 1, 7, "Day-of-week")
            _within(_number(nth, {}), 1, 5, "Day-of-week")
        elif part != "L":
            _numbers(part.removesuffix("L"), 1, 7, _DAYS, "Day-of-week")
    if "#" in day_of_week and len(parts) > 1:
        raise InvalidSchedule("Day-of-week: # may stand in one expression only")


def _ordered(field: str, low: int, high: int, names: dict[str, int], what: str) -> tuple[int, ...]:
    found: set[int] = set().union(*(_numbers(part, low, high, names, what) for part in field.split(",")))
    return tuple(sorted(found))


def _numbers(part: str, low: int, high: int, names: dict[str, int], what: str) -> set[int]:
    """What one part of a list stands for: `*`, `a`, `a-b`, each with `/step`."""
    span, is_stepped, step_text = part.partition("/")
    step = _number(step_text, {}) if is_stepped else 1
    if step < 1:
        raise InvalidSchedule(f"{what}: the step of '{part}' must be positive")
    first_text, is_range, last_text = span.partition("-")
    if span == "*":
        return set(range(low, high + 1, step))
    first = _within(_number(first_text, names), low, high, what)
    last = _within(_number(last_text, names), low, high, what) if is_range else (high if is_stepped else first)
    if last < first:
        raise InvalidSchedule(f"{what}: the range '{span}' runs backwards")
    return set(range(first, last + 1, step))


def _number(text: str, names: dict[str, int]) -> int:
    if text in names:
        return names[text]
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise InvalidSchedule(f"'{text}' is no number here")
    return int(text)


def _within(number: int, low: int, high: int, what: str) -> int:
    if not low <= number <= high:
        raise InvalidSchedule(f"{what}: {number} is not between {low} and {high}")
    return number
