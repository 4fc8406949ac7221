"""The whole backtest: from files and options to a table and a plot."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from driftloop.backtest import history, plot, results
from driftloop.backtest.history import History
from driftloop.backtest.models import Pipeline, Workshop
from driftloop.backtest.policies import Policy, Terms
from driftloop.backtest.replay import CALLED, REFUSED, Replay
from driftloop.backtest.results import Period, Result
from driftloop.errors import UserError
from driftloop.screen import console, table
from lambdas.shared import prices


@dataclass(frozen=True)
class Question:
    """What is to be tried.

    Attributes:
        contract: the model's settings and schema.
        first_s: how much of history the first model is made from.
        tick_s: how long one step of a clock of numbers takes.
    """

    data: Path
    contract: Mapping[str, Any]
    policies: Sequence[Policy]
    terms: Terms
    first_s: float | None
    tick_s: float


def backtest(question: Question, picture: Path) -> list[Result]:
    """Replay, print, plot.

    Raises:
        UserError: the data cannot be replayed.
    """
    with console.status(f"reading {question.data}"):
        found = history.read(question.data, question.contract, question.tick_s)
    start_s = _start(found, question)
    parts = results.periods(start_s, float(found.at_s[-1]))
    with (
        tempfile.TemporaryDirectory(prefix="driftloop-backtest-") as folder,
        Pipeline(found, Path(folder)) as pipeline,
        _progress() as bars,
    ):
        made = replayed(found, question, pipeline, start_s, bars)
    show(found, question, parts, made)
    picture.parent.mkdir(parents=True, exist_ok=True)
    title = f"{found.contract['name']}: retraining policies on {_day(start_s)} to {_day(found.at_s[-1])}"
    picture.write_text(plot.svg(title, parts, made), "utf-8")
    console.print(f"Plot: {picture}")
    return made


def replayed(found: History, question: Question, workshop: Workshop, start_s: float, bars: Progress) -> list[Result]:
    """Every policy on the same history.

    Raises:
        UserError: no model can be made of its beginning.
    """
    end_s = float(found.at_s[-1])
    parts = results.periods(start_s, end_s)
    made = []
    for policy in question.policies:
        tell = partial(_tell, bars, bars.add_task(policy.name, total=end_s - start_s, said=""), start_s)
        try:
            course = Replay(found, workshop, question.terms, policy).run(start_s, tell)
        except ValueError as exc:
            raise UserError(f"{exc}; give --first a longer time") from exc
        made.append(results.result(found, course, parts, question.terms.prices.label_usd))
    return made


def show(found: History, question: Question, parts: Sequence[Period], made: Sequence[Result]) -> None:
    """The tables."""
    console.print(table("What the policies came to", _COLUMNS, (_balance(result) for result in made)))
    names = ["period", *(result.course.policy.name for result in made)]
    for title, value in (("AUC by period", "auc"), ("Log loss by period", "log_loss")):
        rows = (
            (part.name, *(_figure(getattr(result.periods[place], value)) for result in made))
            for place, part in enumerate(parts)
        )
        console.print()
        console.print(table(title, names, rows))
    for result in made:
        for event in result.course.events:
            if event.kind in (CALLED, REFUSED):
                console.print(f"{result.course.policy.name}: {_day(event.at_s)} {event.kind}: {event.why}")
    cost = "as given" if question.terms.prices.training_usd is not None else _priced(found)
    console.print(
        f"Money: labels at {question.terms.prices.label_usd:g} USD; runs {cost}. Monitors' own jobs are not counted."
    )


_COLUMNS = ("policy", "AUC", "log loss", "runs", "released", "labels", "labels USD", "runs USD")


def _balance(result: Result) -> tuple[str, ...]:
    whole = result.whole
    figures = (_figure(whole.auc), _figure(whole.log_loss), str(result.trainings), str(result.releases))
    money = (f"{result.labels_usd:.2f}", f"{result.course.usd:.4f}")
    return (result.course.policy.name, *figures, f"{result.labels:,}", *money)


def _priced(found: History) -> str:
    machines = found.contract["instances"]
    return (
        f"by the seconds of Prepare and Train on this machine, at the prices of {prices.READ} of "
        f"{machines['processing']} and {machines['training']} (a job on AWS is billed for its start as well)"
    )


def _start(found: History, question: Question) -> float:
    begin_s, end_s = float(found.at_s[0]), float(found.at_s[-1])
    first_s = (end_s - begin_s) / 6 if question.first_s is None else question.first_s
    day_s = 86_400.0
    start_s = begin_s + first_s if question.tick_s < day_s else math.floor((begin_s + first_s) / day_s) * day_s
    if not begin_s < start_s < end_s:
        raise UserError(f"{question.data}: its rows end {_day(end_s)}, and --first would reach to {_day(start_s)}")
    return start_s


def _figure(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "-"


def _day(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}"


def _tell(bars: Progress, bar: TaskID, start_s: float, now_s: float, events: int) -> None:
    bars.update(bar, completed=now_s - start_s, said=f"{_day(now_s)}, {events} events")


@contextmanager
def _progress() -> Iterator[Progress]:
    words = TextColumn("{task.description}"), TextColumn("{task.fields[said]}")
    with Progress(SpinnerColumn(), words[0], BarColumn(), words[1], console=console, transient=True) as bars:
        yield bars
