"""Laws of alarm evaluation; AWS's own tables are in tests/conformance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.cloudwatch import alarm_evaluation
from emulator.semantics.cloudwatch.alarm_evaluation import ALARM, OK, Point, Rule, next_change, window_end

MODES = ("missing", "ignore", "breaching", "notBreaching")
LETTERS = st.lists(st.sampled_from("0X-"), min_size=3, max_size=12)


def points(letters: list[str], start: int = 0) -> list[Point | None]:
    values = {"0": 0.0, "X": 1.0}
    return [None if one == "-" else Point(start + 60 * at, values[one], 0.5, 0.5) for at, one in enumerate(letters)]


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    periods = draw(st.integers(1, 5))
    return Rule(periods, draw(st.integers(1, periods)), "GreaterThanThreshold", draw(st.sampled_from(MODES)))


@given(rules(), LETTERS, st.integers(-(10**6), 10**6))
def test_the_verdict_does_not_depend_on_when(rule: Rule, letters: list[str], minutes: int) -> None:
    here = alarm_evaluation.evaluate(rule, points(letters), OK)
    there = alarm_evaluation.evaluate(rule, points(letters, 60 * minutes), OK)

    assert here.state == there.state
    assert [point.at + 60 * minutes for point in here.evaluated] == [point.at for point in there.evaluated]


@given(rules(), LETTERS)
def test_with_points_enough_the_mode_does_not_matter(rule: Rule, letters: list[str]) -> None:
    full = ["0" if one == "-" else one for one in letters] + ["X"] * rule.evaluation_periods

    states = {
        alarm_evaluation.evaluate(
            Rule(rule.evaluation_periods, rule.datapoints_to_alarm, rule.comparison, mode), points(full), "before"
        ).state
        for mode in MODES
    }

    assert states == {ALARM}


@given(rules(), LETTERS)
def test_one_more_breaching_point_never_ends_an_alarm(rule: Rule, letters: list[str]) -> None:
    if alarm_evaluation.evaluate(rule, points(letters), OK).state != ALARM:
        return
    for at, letter in enumerate(letters):
        if letter == "0":
            worse = [*letters[:at], "X", *letters[at + 1 :]]
            assert alarm_evaluation.evaluate(rule, points(worse), OK).state == ALARM


@pytest.mark.parametrize(
    ("comparison", "value", "is_breaching"),
    [
        ("GreaterThanOrEqualToThreshold", 2.0, True),
        ("GreaterThanThreshold", 2.0, False),
        ("LessThanThreshold", 2.0, False),
        ("LessThanOrEqualToThreshold", 2.0, True),
    ],
)
def test_a_point_on_the_threshold(comparison: str, value: float, is_breaching: bool) -> None:
    assert alarm_evaluation.is_breaching(Point(0, value, 2.0, 2.0), comparison) is is_breaching


@pytest.mark.parametrize(("value", "below", "above"), [(0.0, True, False), (2.0, False, False), (9.0, False, True)])
def test_a_point_against_a_band(value: float, below: bool, above: bool) -> None:
    point = Point(0, value, 1.0, 3.0)

    assert alarm_evaluation.is_breaching(point, "LessThanLowerThreshold") is below
    assert alarm_evaluation.is_breaching(point, "GreaterThanUpperThreshold") is above
    assert alarm_evaluation.is_breaching(point, "LessThanLowerOrGreaterThanUpperThreshold") is (below or above)


def test_a_percentile_of_too_few_samples_leaves_the_state_as_it_is() -> None:
    few = Point(0, 9.0, 1.0, 1.0, 3.0, is_too_few=True)

    assert alarm_evaluation.evaluate(Rule(1, 1, "GreaterThanThreshold"), [None, None, few], OK).state == OK


@pytest.mark.parametrize(
    ("now", "period_s", "is_wall_clock", "end"),
    [(10 * 60 + 59, 300, False, 600), (10 * 60 + 59, 60, False, 600), (659, 10, False, 650), (659, 300, True, 600)],
)
def test_a_window_slides_by_the_minute(now: int, period_s: int, is_wall_clock: bool, end: int) -> None:
    assert alarm_evaluation.window_end(now, period_s, is_wall_clock) == end


@given(
    times=st.lists(st.integers(0, 3600), max_size=4),
    minutes=st.integers(1, 200),
    period_s=st.sampled_from([60, 300, 3600]),
    periods=st.integers(1, 5),
)
def test_between_its_next_changes_an_alarm_sees_the_same_periods(
    times: list[int], minutes: int, period_s: int, periods: int
) -> None:
    """What an alarm sees is which period each datapoint is in; it rests only while that stays so."""

    def seen(now_s: int) -> list[int | None]:
        end = window_end(now_s, period_s)
        start = end - periods * period_s
        return [(at - start) // period_s if start <= at < end else None for at in times]

    for minute in range(minutes, minutes + 30):
        now_s = 60 * minute
        end = window_end(now_s, period_s)
        looked_at = [float(at) for at in times if at >= end - periods * period_s]
        until_s = next_change(end, period_s, looked_at)
        if now_s + 60 < until_s:
            assert seen(now_s + 60) == seen(now_s)
