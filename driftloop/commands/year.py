"""The demo's second half: production is left to real flights, drifts, raises its alarm, and is trained anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from driftloop import stacks
from driftloop.commands import timeline
from driftloop.errors import UserError
from driftloop.screen import console, table
from driftloop.season import picture, results
from driftloop.season.frozen import stand_beside
from driftloop.season.play import Habits, Season
from driftloop.season.seen import Alarm, Seen, look
from driftloop.target import Emulator, Target

PICTURE = "year.svg"


@dataclass(frozen=True)
class Plan:
    """Which days are played.

    Attributes:
        after_recovery: how long it goes on once a version that an alarm asked for is production; None: to the last day.
    """

    first: date
    last: date
    flights_a_day: int
    labels_after: timedelta
    after_recovery: timedelta | None


@dataclass(frozen=True)
class Place:
    """Where it is played."""

    target: Target
    emulator: Emulator
    model: stacks.Model
    features: tuple[str, ...]


def play(place: Place, plan: Plan, champion: str) -> list[str]:
    """Play the days and show what came of them; answers what should not have been.

    Raises:
        UserError: it should have ended with a recovery, and did not.
    """
    frozen = stand_beside(place.target, place.model, champion)
    with Progress(
        BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console, transient=True
    ) as bar:
        habits = Habits(place.features, plan.flights_a_day, plan.labels_after, frozen)
        today = bar.add_task("", total=(plan.last - plan.first).days + 1)
        season = Season(place.target, place.emulator, place.model, habits, lambda text: bar.print(f"  {text}"))
        began = season.await_morning()
        for day in _days(plan):
            season.say = lambda text, day=day: bar.print(f"  {day:%d %B}: {text}")  # type: ignore[misc]
            bar.update(today, description=f"{day:%d %B}", advance=1)
            season.day(day)
            if plan.after_recovery is not None and _recovered_for(season) >= plan.after_recovery:
                break
    seen = look(place.target, place.model, tuple(season.releases[1:]), season.changes)
    _show(place, season, seen, _Calendar(began, plan.first))
    if plan.after_recovery is not None and not seen.releases:
        raise UserError(
            f"no version that an alarm asked for became production until {plan.last}; see driftloop timeline"
        )
    return seen.faults


@dataclass(frozen=True)
class _Calendar:
    """Days of 2013 in the emulator's time: `began` is when `first` was."""

    began: datetime
    first: date

    def day(self, at: datetime) -> date:
        return self.first + timedelta(days=(at - self.began).days)


def _days(plan: Plan) -> Iterator[date]:
    for number in range((plan.last - plan.first).days + 1):
        yield plan.first + timedelta(days=number)


def _recovered_for(season: Season) -> timedelta:
    """Since when the first version that an alarm asked for serves; negative while there is none."""
    return season.now() - season.releases[1].at if len(season.releases) > 1 else timedelta(days=-1)


def _show(place: Place, season: Season, seen: Seen, calendar: _Calendar) -> None:
    months = results.months(season.answers)
    rows = [_row(f"{month.first:%B}", month) for month in months]
    heads = ("month", "flights", "late", "AUC, loop", "AUC, frozen", "log loss, loop", "log loss, frozen")
    console.print(
        table("The loop beside the model it began with", heads, [*rows, _row("all", results.whole(season.answers))])
    )
    alarms = [
        (f"{calendar.day(alarm.began_at):%d %B}", _until(alarm, calendar), _short(alarm.answer))
        for alarm in seen.alarms
    ]
    console.print(table("Alarms", ("from", "to", "answered"), alarms))
    releases = [(f"{calendar.day(one.at):%d %B}", one.package.rpartition("/")[2]) for one in seen.releases]
    console.print(table("Releases", ("day", "version"), releases))
    drawn = picture.svg(
        months,
        [calendar.day(alarm.began_at) for alarm in seen.alarms],
        [calendar.day(release.at) for release in seen.releases],
    )
    path = place.emulator.state_dir / PICTURE
    path.write_text(drawn)
    console.print(f"{seen.runs} retraining runs; the picture is {path}")


def _row(name: str, month: results.Month) -> tuple[str, ...]:
    figures = (month.loop_auc, month.frozen_auc, month.loop_loss, month.frozen_loss)
    return (name, f"{month.flights:,}", f"{month.late:.0%}", *(f"{figure:.4f}" for figure in figures))


def _until(alarm: Alarm, calendar: _Calendar) -> str:
    return f"{calendar.day(alarm.ended_at):%d %B}" if alarm.ended_at else "stands"


def _short(answer: str) -> str:
    return " ".join(timeline.short(word) for word in answer.split())
