"""A small world to replay: rows whose pattern turns round at a time, and models that know what they were made from."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from driftloop.backtest.history import Array, History
from driftloop.backtest.models import Fitted
from driftloop.backtest.policies import Prices, Terms
from lambdas.shared.settings import RetrainingPolicy

START = datetime(2026, 1, 1, tzinfo=UTC)
START_S, DAY_S = START.timestamp(), 86_400.0
CONTRACT = {
    "name": "toy",
    "columns": [{"name": "x", "type": "number", "role": "feature"}],
    "target": {"name": "y", "column": "y", "greater_than": 0.5},
    "time_column": "t",
    "metric": "auc",
    "thresholds": {"auc": 0.6},
    "instances": {"processing": "ml.m5.large", "training": "ml.m5.large"},
}


def history(days: int, turns_on: int | None = None, rows_a_day: int = 100) -> History:
    """x says y, until it says the opposite and lies elsewhere."""
    count = days * rows_a_day
    at_s = START_S + np.arange(count) * DAY_S / rows_a_day
    truth = (np.arange(count) % 2).astype(float)
    is_turned = np.arange(count) >= (turns_on if turns_on is not None else days) * rows_a_day
    x = np.where(is_turned, 5.0 - truth, truth) + (np.arange(count) % 7) / 10
    return History(pl.DataFrame({"x": [str(value) for value in x]}), at_s, truth, CONTRACT)


class Makers:
    """Models that answer rightly to rows of a kind that they have seen enough of, and wrongly to others."""

    def __init__(self, found: History) -> None:
        self.made: list[Array] = []
        self._is_turned = found.frame["x"].cast(pl.Float64).to_numpy() > 3
        self._truth = found.truth

    def fit(self, rows: Array) -> Fitted | None:
        self.made.append(rows)
        holdout = rows[-len(rows) // 5 :]
        return Fitted(rows, Path(str(len(self.made))), (",".join(map(str, holdout)), self._truth[holdout]), 60.0, 30.0)

    def scores(self, model: Fitted, rows: slice) -> Array:
        return self._answers(model, np.arange(len(self._truth))[rows])

    def on_holdout(self, model: Fitted, of: Fitted) -> Array:
        return self._answers(model, np.array(of.holdout[0].split(","), dtype=int))

    def _answers(self, model: Fitted, rows: Array) -> Array:
        knows_turned = self._is_turned[model.rows].mean() > 0.2
        is_right = self._is_turned[rows] == knows_turned
        noise = (rows % 5) / 20
        return np.where(is_right == (self._truth[rows] == 1), 0.75, 0.25) + noise - 0.1


def terms(**changed: float) -> Terms:
    """A day's window, labels two days later, a week between runs, half of the champion's rows."""
    known = {"cooldown_s": 7 * DAY_S, "runs_max": 3, "label_delay_s": 2 * DAY_S, "budget_usd": 50.0, **changed}
    guard = RetrainingPolicy(**known, per_day_max=1, budget_days=30, history_share=0.5, window_s=int(DAY_S))  # type: ignore[arg-type]
    return Terms(guard, look_every_s=DAY_S, lead_s=DAY_S, prices=Prices())
