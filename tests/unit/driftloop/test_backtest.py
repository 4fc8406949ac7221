"""Backtest: what policies decide on a small world, and the command on real weather with real models."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from driftloop import datasets
from driftloop.backtest import history as histories
from driftloop.backtest import plot, policies, results
from driftloop.backtest.history import History
from driftloop.backtest.replay import CALLED, REFUSED, RELEASED, TRAINED, Course, Replay
from driftloop.cli import commands
from driftloop.errors import UserError
from infra import monitoring_settings
from tests.support.backtesting import DAY_S, START_S, Makers, history, terms
from tests.support.scripts import ROOT

FIRST_DAYS = 10
RAINFALL = ROOT / "infra/models/rainfall.json"


def replayed(policy: str, found: History, **changed: float) -> Course:
    replay = Replay(found, Makers(found), terms(**changed), policies.parse(policy))
    return replay.run(START_S + FIRST_DAYS * DAY_S, lambda now_s, events: None)


def days(course: Course, kind: str) -> list[int]:
    return [round((event.at_s - START_S) / DAY_S) for event in course.events if event.kind == kind]


def test_never_trains_nothing_and_pays_nothing() -> None:
    course = replayed("never", history(30, turns_on=15))

    assert (course.events, course.usd, course.labels_used.any()) == ([], 0.0, np.False_)


def test_drift_starts_a_run_as_soon_as_its_window_shows_it_and_labels_are_there() -> None:
    course = replayed("drift:0.2", history(40, turns_on=20), cooldown_s=4 * DAY_S)

    assert days(course, TRAINED)[0] == 21  # a day's window behind the turn
    assert "drift: run 1 of 3" in course.events[0].why
    assert not replayed("drift:0.2", history(40)).events


def test_quality_starts_a_run_when_labels_of_the_turned_days_have_come() -> None:
    course = replayed("quality:0.1", history(40, turns_on=20), cooldown_s=4 * DAY_S)

    assert days(course, TRAINED)[0] == 23  # the turn, the window, and two days until its labels are there


def test_a_run_takes_what_is_labelled_by_then_behind_half_of_the_champions_rows() -> None:
    found = history(40, turns_on=20)
    makers = Makers(found)

    Replay(found, makers, terms(), policies.parse("drift:0.2")).run(START_S + 10 * DAY_S, lambda now_s, events: None)

    first, second = makers.made[:2]
    fresh = second[second >= 1000]
    assert (first.min(), first.max()) == (0, 999)
    assert (fresh.min(), fresh.max()) == (1000, 1899)  # day 21 less two days of labels
    assert 400 < (second < 1000).sum() < 600


def test_a_run_that_knows_the_turned_rows_is_released_and_ends_the_alarm() -> None:
    course = replayed("drift:0.2", history(60, turns_on=20), cooldown_s=5 * DAY_S, runs_max=5)

    answers = course.served[5500:]
    truth = history(60, turns_on=20).truth[5500:]
    assert days(course, RELEASED)
    assert max(days(course, TRAINED)) < 45
    assert answers[truth == 1].min() > answers[truth == 0].max()


def test_the_cool_down_stands_between_runs_and_a_person_is_called_after_as_many_as_may_be() -> None:
    found = history(60, turns_on=20)
    blind = {**found.contract, "thresholds": {"auc": 1.1}}

    course = replayed("drift:0.2", History(found.frame, found.at_s, found.truth, blind))

    assert np.diff(days(course, TRAINED)).tolist() == [8, 8]  # seven days after the end of a run, which took one
    assert course.count(REFUSED) == 3
    assert course.count(CALLED) == 1
    assert "below the threshold 1.1" in next(event.why for event in course.events if event.kind == REFUSED)


def test_the_budget_stops_runs_and_calls_a_person() -> None:
    course = replayed("every:P3D", history(40), cooldown_s=0, budget_usd=0.004)

    assert course.count(TRAINED) == 2  # of 0.0029 USD each
    assert course.count(CALLED) == 1


def test_the_calendar_asks_on_the_first_of_each_month() -> None:
    course = replayed("monthly", history(75))

    assert days(course, TRAINED) == [31, 59]


def test_labels_are_counted_where_they_are_used_by_runs_and_by_the_monitor_of_quality() -> None:
    found = history(30)

    assert not replayed("drift:0.2", found).labels_used.any()
    watched = replayed("quality:0.1", found).labels_used
    assert watched[1000:2700].all()
    assert not watched[:1000].any()


def test_periods_are_months_or_twelve_parts_of_a_long_history() -> None:
    year = 365 * DAY_S

    assert [part.name for part in results.periods(START_S, START_S + 70 * DAY_S)] == ["2026-01", "2026-02", "2026-03"]
    assert len(results.periods(START_S, START_S + 10 * year)) == 12


def test_the_plot_is_one_file_with_a_line_a_policy() -> None:
    found = history(40, turns_on=20)
    parts = results.periods(START_S + FIRST_DAYS * DAY_S, float(found.at_s[-1]))
    made = [results.result(found, replayed(name, found), parts, 0.5) for name in ("never", "drift:0.2")]

    picture = plot.svg("toy <1>", parts, made)

    assert picture.startswith("<svg")
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert picture.count("<polyline") == 4
    assert "toy &lt;1&gt;" in picture


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("often", "policy 'often': unknown; there are never, monthly"),
        ("drift:much", "policy 'drift:much': 'much' cannot be read"),
        ("drift:1.5", "expected a number between 0 and 1"),
        ("every:P1M", "has months or years; say days"),
        ("never+drift:0.1", "unknown"),
    ],
)
def test_a_policy_that_is_none_is_refused_with_those_there_are(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        policies.parse(text)


def test_the_terms_are_those_of_the_settings_unless_a_person_says_otherwise() -> None:
    watch = {"window_s": 172_800, "drift": {"ignore": ["month"]}}
    settings = {"monitoring": watch, "retraining": {"cooldown_s": 60, "runs_max": 5}}

    found = policies.terms(settings, policies.Given(label_delay="P2D", runs_max=2), 0.0, policies.Prices())

    guard = found.guard
    assert (guard.window_s, guard.cooldown_s, guard.runs_max, guard.label_delay_s) == (172_800, 60, 2, 172_800)
    assert (found.look_every_s, found.ignored) == (86_400, {"month"})


def test_what_is_not_said_is_what_infra_deploys() -> None:
    found = policies.terms({}, policies.Given(), 0.0, policies.Prices())

    watch, bounds = monitoring_settings.Monitoring(), monitoring_settings.Retraining()
    assert (found.look_every_s, found.ignored) == (watch.every_h * 3600, set(watch.drift.ignore))
    assert (found.guard.window_s, found.guard.label_delay_s) == (watch.window_s, watch.label_delay_s)
    assert all(getattr(found.guard, name) == getattr(bounds, name) for name in _BOUNDS)


_BOUNDS = ("cooldown_s", "per_day_max", "runs_max", "budget_usd", "budget_days", "history_share")


def test_policies_joined_are_one_alarm() -> None:
    assert policies.parse("drift:0.1+quality:0.05") == policies.Policy("drift:0.1+quality:0.05", 0.1, 0.05)


def test_history_is_in_the_order_of_time_and_knows_what_never_came(tmp_path: Path) -> None:
    table = "day,rain," + ",".join(f'"{name}"' for name in _WEATHER) + "\n"
    (tmp_path / "a.csv").write_text(table + "2,NA" + ",0.5" * 8 + "\n")
    (tmp_path / "b.csv").write_text(table + "1,1" + ",NA" * 8 + "\n")

    found = histories.read(tmp_path, histories.contract(RAINFALL), tick_s=DAY_S)

    assert np.diff(found.at_s).tolist() == [DAY_S]
    assert (found.truth[0], np.isnan(found.truth[1])) == (1.0, np.True_)
    assert found.frame["temperature"].to_list() == [None, "0.5"]


def test_the_command_replays_real_weather_with_real_models(tmp_path: Path) -> None:
    data, picture = tmp_path / "rain.csv", tmp_path / "out" / "plot.svg"
    data.write_bytes(datasets.rainfall(9000, 14000))  # it drifts from day 12,000 on
    where = ["--data", str(data), "--settings", str(RAINFALL), "--plot", str(picture)]
    when = ["--tick", "PT1H", "--first", "P60D", "--every", "P7D", "--window", "P14D", "--cooldown", "P7D"]
    tried = ["--policy", "never", "--policy", "quality:0.1", "--label-usd", "0.1"]

    done = CliRunner().invoke(
        commands,
        ["backtest", *where, *when, *tried],
        env={"COLUMNS": "200"},
    )

    assert done.exit_code == 0, done.output
    never, quality = (line.split() for line in done.output.splitlines() if line.startswith(("never ", "quality:0.1 ")))
    assert never[3:] == ["0", "0", "0", "0.00", "0.0000"]
    assert float(quality[1]) > float(never[1]) + 0.02
    assert int(quality[3]) >= int(quality[4]) >= 1
    assert float(quality[6]) == pytest.approx(int(quality[5].replace(",", "")) / 10, abs=0.01)
    assert picture.read_text("utf-8").count("<polyline") == 4


def test_data_that_do_not_fit_the_contract_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n")

    done = CliRunner().invoke(
        commands, ["backtest", "--data", str(tmp_path), "--settings", str(RAINFALL), "--policy", "never"]
    )

    assert isinstance(done.exception, UserError)
    assert "cannot be read by the model's contract" in str(done.exception)


_WEATHER = (
    *("temperature", "dew point", "sea-level pressure", "visibility", "average wind speed"),
    *("max sustained wind-speed", "minimum temperature", "maximum temperature"),
)
