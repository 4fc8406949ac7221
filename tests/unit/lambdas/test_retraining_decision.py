"""The retraining guard, rule by rule."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lambdas.shared.events import render_time
from lambdas.shared.ledger.episodes import Episode, Guard, WantedRun
from lambdas.start_retraining.decision import (
    DRIFT,
    QUALITY,
    Alarm,
    Cause,
    Champion,
    Decision,
    Facts,
    Outcome,
    UnderWay,
    decide,
    remembered,
)
from tests.unit.lambdas.world import POLICY, package_arn

ONE, TWO = package_arn(1), package_arn(2)
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CHAMPION = Champion(ONE, NOW - 30 * DAY, "s3://a/data.csv")
DRIFTED = Alarm("ALARM", frozenset({DRIFT}))
QUIET = Alarm("OK", frozenset())
FACTS = Facts(NOW, DRIFTED, CHAMPION, UnderWay(), {})


def _at(now: datetime, **changes: object) -> Facts:
    return replace(FACTS, now=now, **changes)  # type: ignore[arg-type]


def _next(guard: Guard, facts: Facts) -> tuple[Decision, Guard]:
    decision = decide(guard, facts, POLICY)
    return decision, remembered(guard, decision, facts.now) or guard


def _after_runs(*days_ago: float, episode: str = "1-x") -> Guard:
    runs = tuple(WantedRun(f"b{ago}", ONE, episode, render_time(NOW - ago * DAY)) for ago in days_ago)
    opened_at = render_time(NOW - 20 * DAY)
    return Guard(3, render_time(NOW - min(days_ago) * DAY), Episode(episode, ONE, opened_at), runs, "wait: x")


def _ended(guard: Guard) -> dict[str, datetime]:
    return {run.batch_id: datetime.fromisoformat(run.wanted_at) for run in guard.runs}


def test_an_alarm_that_stands_starts_a_run_on_what_is_labelled_and_a_share_of_history() -> None:
    decision, guard = _next(Guard(), FACTS)

    assert decision.outcome is Outcome.START
    assert decision.wanted is not None
    fresh = decision.wanted.fresh
    assert (fresh.history_uri, fresh.history_share, fresh.fresh_since) == ("s3://a/data.csv", 0.5, "none")
    assert fresh.fresh_until == render_time(NOW - 7 * DAY)
    assert [run.batch_id for run in guard.runs] == [decision.wanted.batch_id]


def test_the_same_facts_again_wait_for_the_run_and_are_news_once() -> None:
    _, guard = _next(Guard(), FACTS)
    going_on = _at(NOW, under_way=UnderWay(batch_id="b1"))

    decision, after = _next(guard, going_on)

    assert decision.outcome is Outcome.WAIT
    assert "batch b1" in decision.why
    assert remembered(after, decide(after, going_on, POLICY), NOW) is None


def test_what_is_fresh_begins_where_the_champions_data_end() -> None:
    champion = replace(CHAMPION, fresh_until=NOW - 20 * DAY)

    decision, _ = _next(Guard(), _at(NOW, champion=champion))

    assert decision.wanted is not None
    assert decision.wanted.fresh.fresh_since == render_time(NOW - 20 * DAY)


@pytest.mark.parametrize(
    ("under_way", "word"),
    [
        (UnderWay(batch_id="b7"), "b7"),
        (UnderWay(candidate=TWO), "waits for a person"),
        (UnderWay(release=TWO), "is being released"),
    ],
)
def test_while_something_is_under_way_it_waits(under_way: UnderWay, word: str) -> None:
    decision, _ = _next(Guard(), _at(NOW, under_way=under_way))

    assert decision.outcome is Outcome.WAIT
    assert word in decision.why


@pytest.mark.parametrize(
    ("standing", "live_days", "outcome"),
    [
        ({DRIFT}, 0.9, Outcome.WAIT),
        ({DRIFT}, 1.0, Outcome.START),
        ({QUALITY}, 7.9, Outcome.WAIT),
        ({QUALITY}, 8.0, Outcome.START),
        ({DRIFT, QUALITY}, 1.0, Outcome.START),
        (set(), 30.0, Outcome.WAIT),
    ],
)
def test_a_window_that_holds_answers_of_the_former_champion_does_not_count(
    standing: set[str], live_days: float, outcome: Outcome
) -> None:
    champion = replace(CHAMPION, live_since=NOW - live_days * DAY)
    facts = _at(NOW, alarm=Alarm("ALARM", frozenset(standing)), champion=champion)

    assert _next(Guard(), facts)[0].outcome is outcome


def test_a_champion_without_a_date_is_taken_to_be_live_for_long() -> None:
    assert _next(Guard(), _at(NOW, champion=replace(CHAMPION, live_since=None)))[0].outcome is Outcome.START


@pytest.mark.parametrize(("days", "outcome"), [(7.9, Outcome.WAIT), (8.0, Outcome.START)])
def test_before_any_fresh_request_can_have_its_label_no_run_is_wasted(days: float, outcome: Outcome) -> None:
    first = replace(CHAMPION, live_since=NOW - days * DAY, is_first=True)
    later = replace(CHAMPION, fresh_until=NOW - days * DAY)

    assert _next(Guard(), _at(NOW, champion=first))[0].outcome is outcome
    assert _next(Guard(), _at(NOW, champion=later))[0].outcome is outcome


def test_without_a_champion_it_waits() -> None:
    assert _next(Guard(), _at(NOW, champion=None))[0].outcome is Outcome.WAIT


def test_after_a_run_it_cools_down_from_its_end() -> None:
    guard = _after_runs(2)
    ended = {"b2": NOW - 0.5 * DAY}

    early, _ = _next(guard, _at(NOW, ended=ended))
    late, _ = _next(guard, _at(NOW + 0.5 * DAY, ended=ended))

    assert (early.outcome, early.why) == (Outcome.WAIT, f"cool-down until {render_time(NOW + 0.5 * DAY)}")
    assert late.outcome is Outcome.START


def test_the_cap_of_a_day_counts_runs_against_former_champions_too() -> None:
    guard = _after_runs(0.5)
    other = replace(CHAMPION, package_arn=TWO)

    decision, _ = _next(guard, _at(NOW, champion=other, ended=_ended(guard)))

    assert decision.outcome is Outcome.WAIT
    assert decision.why == f"1 runs a day are allowed; the next at {render_time(NOW + 0.5 * DAY)}"


def test_runs_that_did_not_help_end_the_episode_with_a_call_for_a_person() -> None:
    guard = _after_runs(9, 6, 3)

    decision, after = _next(guard, _at(NOW, ended=_ended(guard)))

    assert (decision.outcome, decision.cause) == (Outcome.STOP, Cause.NO_HELP)
    assert _next(after, _at(NOW + 9 * DAY, ended=_ended(guard)))[0].outcome is Outcome.STOP


def test_a_new_champion_begins_a_new_episode() -> None:
    guard = _after_runs(9, 6, 3)

    decision, after = _next(guard, _at(NOW, champion=replace(CHAMPION, package_arn=TWO), ended=_ended(guard)))

    assert decision.outcome is Outcome.START
    assert after.episode is not None
    assert after.episode.champion == TWO


@pytest.mark.parametrize(("away", "outcome"), [(0.5 * DAY, Outcome.STOP), (2 * DAY, Outcome.START)])
def test_an_alarm_that_flaps_goes_on_with_its_episode_one_that_was_gone_begins_another(
    away: timedelta, outcome: Outcome
) -> None:
    guard = _after_runs(9, 6, 3)
    calm, closed = _next(guard, _at(NOW, alarm=QUIET))

    decision, _ = _next(closed, _at(NOW + away, ended=_ended(guard)))

    assert calm.outcome is Outcome.NOTHING
    assert closed.episode is not None
    assert closed.episode.closed_at == render_time(NOW)
    assert decision.outcome is outcome


def test_an_alarm_without_data_closes_nothing() -> None:
    guard = _after_runs(3)

    decision, after = _next(guard, _at(NOW, alarm=Alarm("INSUFFICIENT_DATA", frozenset())))

    assert decision.outcome is Outcome.NOTHING
    assert after.episode == guard.episode


def test_an_alarm_that_was_always_ok_is_nothing_to_remember() -> None:
    assert remembered(Guard(), decide(Guard(), _at(NOW, alarm=QUIET), POLICY), NOW) is None


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"spent_usd": 50.0}, Cause.MONEY),
        ({"unpriced": "no price for ml.x"}, Cause.IMPOSSIBLE),
        ({"champion": replace(CHAMPION, history_uri="")}, Cause.IMPOSSIBLE),
    ],
)
def test_without_money_or_without_knowing_a_person_is_called(changes: dict[str, object], cause: Cause) -> None:
    decision, _ = _next(Guard(), _at(NOW, **changes))

    assert (decision.outcome, decision.cause) == (Outcome.STOP, cause)


def test_when_older_money_is_forgotten_it_goes_on() -> None:
    _, guard = _next(Guard(), _at(NOW, spent_usd=50.0))

    assert _next(guard, _at(NOW + DAY, spent_usd=49.0))[0].outcome is Outcome.START


def test_an_event_that_comes_late_is_not_taken_as_if_time_went_back() -> None:
    guard = _after_runs(0.5)

    decision, _ = _next(guard, _at(NOW - 10 * DAY, ended=_ended(guard)))

    assert decision.outcome is Outcome.WAIT
