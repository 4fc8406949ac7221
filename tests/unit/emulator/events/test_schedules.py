"""Schedule expressions: what AWS's guide says of them, and that time only runs forward."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.semantics.events import schedules

ANCHOR = datetime(2026, 1, 1, 9, 30, 15, tzinfo=UTC)
BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")


def _fires(expression: str, after: datetime, count: int = 1, zone: str = "UTC") -> list[str]:
    schedule, found = schedules.parse(expression), []
    for _ in range(count):
        at = schedules.next_fire(schedule, after, ANCHOR, ZoneInfo(zone))
        if at is None:
            return [*found, "never"]
        found.append(at.strftime("%Y-%m-%d %H:%M"))
        after = at
    return found


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        ("cron(0 10 * * ? *)", "2026-01-01 10:00", ["2026-01-02 10:00", "2026-01-03 10:00"]),
        ("cron(15 12 * * ? *)", "2026-01-01 10:00", ["2026-01-01 12:15", "2026-01-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", "2026-01-02 18:00", ["2026-01-05 18:00", "2026-01-06 18:00"]),
        ("cron(0 8 1 * ? *)", "2026-01-01 10:00", ["2026-02-01 08:00", "2026-03-01 08:00"]),
        ("cron(0/15 * * * ? *)", "2026-01-01 10:01", ["2026-01-01 10:15", "2026-01-01 10:30"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", "2026-01-02 17:54", ["2026-01-02 17:55", "2026-01-05 08:00"]),
        ("cron(0/30 20-23 ? * 2 *)", "2026-01-05 23:00", ["2026-01-05 23:30", "2026-01-12 20:00"]),
        ("cron(0 0 L * ? *)", "2026-01-01 00:00", ["2026-01-31 00:00", "2026-02-28 00:00"]),
        ("cron(0 0 L FEB ? 2028)", "2026-01-01 00:00", ["2028-02-29 00:00", "never"]),
        ("cron(0 9 3W * ? *)", "2026-01-01 00:00", ["2026-01-02 09:00", "2026-02-03 09:00"]),
        ("cron(0 9 1W * ? *)", "2026-01-15 00:00", ["2026-02-02 09:00", "2026-03-02 09:00"]),
        ("cron(0 9 31W * ? *)", "2026-01-01 00:00", ["2026-01-30 09:00", "2026-03-31 09:00"]),
        ("cron(0 9 ? * 3#2 *)", "2026-01-01 00:00", ["2026-01-13 09:00", "2026-02-10 09:00"]),
        ("cron(0 9 ? * TUE#5 *)", "2026-01-01 00:00", ["2026-03-31 09:00", "2026-06-30 09:00"]),
        ("cron(0 9 ? * 6L *)", "2026-01-01 00:00", ["2026-01-30 09:00", "2026-02-27 09:00"]),
        ("cron(0 9 ? * L *)", "2026-01-01 00:00", ["2026-01-03 09:00", "2026-01-10 09:00"]),
        ("cron(0 9 1,15 JAN-MAR/2 ? 2026-2027)", "2026-01-20 00:00", ["2026-03-01 09:00", "2026-03-15 09:00"]),
        ("cron(0 9 31 4 ? *)", "2026-01-01 00:00", ["never"]),
        ("cron(0 9 * * ? 2020)", "2026-01-01 00:00", ["never"]),
        ("rate(5 minutes)", "2026-01-01 10:00", ["2026-01-01 10:00", "2026-01-01 10:05"]),
        ("rate(1 day)", "2026-01-01 10:00", ["2026-01-02 09:30", "2026-01-03 09:30"]),
        ("at(2026-03-01T12:00:00)", "2026-01-01 00:00", ["2026-03-01 12:00", "never"]),
        ("at(2025-03-01T12:00:00)", "2026-01-01 00:00", ["never"]),
    ],
)
def test_when_it_fires_next(expression: str, after: str, expected: list[str]) -> None:
    assert _fires(expression, datetime.fromisoformat(after).replace(tzinfo=UTC), len(expected)) == expected


def test_a_rate_fires_first_at_its_anchor() -> None:
    assert schedules.next_fire(schedules.parse("rate(1 hour)"), ANCHOR - timedelta(seconds=1), ANCHOR) == ANCHOR


def test_a_time_that_spring_leaves_out_is_skipped() -> None:
    after = datetime(2026, 3, 28, 12, tzinfo=UTC)

    assert _fires("cron(30 2 * * ? *)", after, 2, "Europe/Berlin") == ["2026-03-30 00:30", "2026-03-31 00:30"]
    assert _fires("at(2026-03-29T02:30:00)", after, 1, "Europe/Berlin") == ["never"]


def test_a_time_that_autumn_repeats_fires_once() -> None:
    after = datetime(2026, 10, 24, 12, tzinfo=UTC)

    assert _fires("cron(30 2 * * ? *)", after, 2, "Europe/Berlin") == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_a_day_of_a_rate_is_24_hours_whatever_clocks_do() -> None:
    after = datetime(2026, 3, 28, 9, 30, 15, tzinfo=UTC)

    assert _fires("rate(1 day)", after, 2, "Europe/Berlin") == ["2026-03-29 09:30", "2026-03-30 09:30"]


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("rate(1 minutes)", "singular"),
        ("rate(5 minute)", "singular"),
        ("rate(0 minutes)", "positive"),
        ("rate(5 weeks)", "neither"),
        ("cron(0 10 * * *)", "six fields"),
        ("cron(0 10 * * * *)", r"must be \?"),
        ("cron(0 10 ? * ? *)", r"must be \?"),
        ("cron(60 10 * * ? *)", "Minutes: 60"),
        ("cron(0 24 * * ? *)", "Hours: 24"),
        ("cron(0 10 32 * ? *)", "Day-of-month: 32"),
        ("cron(0 10 ? * 8 *)", "Day-of-week: 8"),
        ("cron(0 10 ? * 3#6 *)", "Day-of-week: 6"),
        ("cron(0 10 ? * 3#1,6#3 *)", "one expression"),
        ("cron(0 10 * FOO ? *)", "'FOO' is no number"),
        ("cron(0 10 * * ? 1969)", "Year: 1969"),
        ("cron(5-1 10 * * ? *)", "backwards"),
        ("cron(0/0 10 * * ? *)", "step"),
        ("cron(? 10 * * ? *)", "no number"),
        ("at(2026-13-01T00:00:00)", "month"),
        ("at(2026-01-01)", "neither"),
        ("every day", "neither"),
    ],
)
def test_what_is_no_schedule_is_refused_with_the_reason(expression: str, why: str) -> None:
    with pytest.raises(schedules.InvalidSchedule, match=why):
        schedules.parse(expression)


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.lists(number, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found))),
        st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.tuples(number, st.integers(1, 20)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )


_DAYS = st.one_of(
    st.tuples(st.one_of(_field(1, 31), st.just("L"), st.integers(1, 31).map(lambda n: f"{n}W")), st.just("?")),
    st.tuples(
        st.just("?"),
        st.one_of(
            _field(1, 7),
            st.just("L"),
            st.integers(1, 7).map(lambda n: f"{n}L"),
            st.tuples(st.integers(1, 7), st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}"),
        ),
    ),
)
CRONS = st.tuples(_field(0, 59), _field(0, 23), _DAYS, _field(1, 12)).map(
    lambda found: f"cron({found[0]} {found[1]} {found[2][0]} {found[3]} {found[2][1]} *)"
)
RATES = st.tuples(st.integers(2, 10_000), st.sampled_from(["minutes", "hours", "days"])).map(
    lambda found: f"rate({found[0]} {found[1]})"
)
TIMES = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])


@settings(max_examples=300, deadline=None)
@given(st.one_of(CRONS, RATES), TIMES, TIMES, ZONES)
def test_the_next_time_is_always_later(expression: str, after: datetime, anchor: datetime, zone: str) -> None:
    schedule = schedules.parse(expression)

    for _ in range(5):
        at = schedules.next_fire(schedule, after, anchor, ZoneInfo(zone))
        if at is None:
            return
        assert at > after
        after = at


@settings(max_examples=200, deadline=None)
@given(CRONS, TIMES, st.floats(0, 1), ZONES)
def test_nothing_is_due_between_a_time_and_the_next(expression: str, after: datetime, share: float, zone: str) -> None:
    schedule, place = schedules.parse(expression), ZoneInfo(zone)
    at = schedules.next_fire(schedule, after, ANCHOR, place)

    if at is not None:
        between = after + (at - after) * share * 0.999
        assert schedules.next_fire(schedule, between, ANCHOR, place) == at
