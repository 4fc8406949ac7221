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
    every: Annotated[str, typer.Option(help="How often the monitors look.")] = "P1D",
    window: Annotated[str, typer.Option(help="What they look at.")] = "P1D",
    label_delay: Annotated[str, typer.Option(help="When a label comes.")] = "P7D",
    cooldown: Annotated[str, typer.Option(help="From the end of a run to the next.")] = "P1D",
    lead: Annotated[str, typer.Option(help="From a run's start to production: approval, release.")] = "P1D",
    runs_max: Annotated[int, typer.Option(help="Runs against one champion, before a person is called.")] = 3,
    history_share: Annotated[float, typer.Option(min=0, max=1, help="Of the champion's rows in a run.")] = 0.5,
    budget_usd: Annotated[float, typer.Option(help="What runs may cost in 30 days.")] = 50.0,
    label_usd: Annotated[float, typer.Option(help="What a label costs.")] = 0.0,
    training_usd: Annotated[float | None, typer.Option(help="What a run costs (default: its seconds here).")] = None,
    ignore: Annotated[list[str] | None, typer.Option(help="A feature whose drift is not watched.")] = None,
    tick: Annotated[str, typer.Option(help="What one step of a clock of numbers stands for.")] = "P1D",
    plot: Annotated[Path, typer.Option(help="Where the plot goes.")] = Path("backtest.svg"),
) -> None:
    """Replay history under several retraining policies: quality over time, trainings, labels and money of each.

    Decides with the guard's own code, watches with the analyzer's, and trains with the pipeline's scripts.
    """
    try:
        from driftloop.backtest import policies, run  # polars, which only this command needs
    except ModuleNotFoundError as exc:
        raise UserError(f"{exc.name} is not installed; run `make setup`, or install driftloop[backtest]") from exc
    tried = [policies.parse(text) for text in policy]
    terms = policies.terms(
        {
            "look_every_s": every,
            "window_s": window,
            "label_delay_s": label_delay,
            "cooldown_s": cooldown,
            "lead_s": lead,
        },
        {"runs_max": runs_max, "history_share": history_share, "budget_usd": budget_usd},
        policies.Prices(label_usd, training_usd),
        frozenset(ignore or ()),
    )
    first_s = policies.duration("--first", first) if first else None
    run.backtest(run.Question(data, settings, tried, terms, first_s, policies.duration("--tick", tick)), plot)
