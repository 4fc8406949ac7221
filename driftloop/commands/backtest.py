"""Trying retraining policies on history, before production pays for a wrong threshold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from driftloop.errors import UserError


def backtest(
    data: Annotated[Path, typer.Option("--data", exists=True, help="A CSV file, or a folder of them.")],
    settings: Annotated[Path, typer.Option("--settings", help="The model's settings, with its schema beside.")],
    policy: Annotated[
        list[str],
        typer.Option("--policy", help="never, monthly, every:P14D, drift:0.1, quality:0.05, or some joined by +."),
    ],
    first: Annotated[str, typer.Option(help="What the first model is made from (default: a sixth).")] = "",
    every: Annotated[str | None, typer.Option(help="How often the monitors look (default: the settings).")] = None,
    window: Annotated[str | None, typer.Option(help="What they look at (default: the settings).")] = None,
    label_delay: Annotated[str | None, typer.Option(help="When a label comes (default: the settings).")] = None,
    cooldown: Annotated[str | None, typer.Option(help="From a run's end to the next (default: the settings).")] = None,
    lead: Annotated[str, typer.Option(help="From a run's start to production: approval, release.")] = "P1D",
    runs_max: Annotated[int | None, typer.Option(help="Runs of an episode (default: the settings).")] = None,
    history_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the champion's rows in a run (default: the settings).")
    ] = None,
    budget_usd: Annotated[float | None, typer.Option(help="What runs may cost (default: the settings).")] = None,
    label_usd: Annotated[float, typer.Option(help="What a label costs.")] = 0.0,
    training_usd: Annotated[float | None, typer.Option(help="What a run costs (default: its seconds here).")] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A feature whose drift is not watched (default: the settings).")
    ] = None,
    tick: Annotated[str, typer.Option(help="What one step of a clock of numbers stands for.")] = "P1D",
    plot: Annotated[Path, typer.Option(help="Where the plot goes.")] = Path("backtest.svg"),
) -> None:
    """Replay history under several retraining policies: quality over time, trainings, labels and money of each.

    Decides with the guard's own code, watches with the analyzer's, and trains with the pipeline's scripts.
    """
    try:
        from driftloop.backtest import history, policies, run  # polars, which only this command needs
    except ModuleNotFoundError as exc:
        raise UserError(f"{exc.name} is not installed; run `make setup`, or install driftloop[backtest]") from exc
    tried = [policies.parse(text) for text in policy]
    contract = history.contract(settings)
    given = policies.Given(
        every, window, label_delay, cooldown, runs_max, history_share, budget_usd, tuple(ignore) if ignore else None
    )
    prices = policies.Prices(label_usd, training_usd)
    terms = policies.terms(contract, given, policies.duration("--lead", lead), prices)
    first_s = policies.duration("--first", first) if first else None
    run.backtest(run.Question(data, contract, tried, terms, first_s, policies.duration("--tick", tick)), plot)
