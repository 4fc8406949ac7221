"""The monitors, by the analyzer's own modules: how far inputs have drifted, how good answers were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from driftloop.backtest.history import Array
from pipeline_definitions.watch.scripts.analyze import drift, quality
from pipeline_definitions.watch.scripts.analyze.columns import Column
from pipeline_definitions.watch.scripts.analyze.constraints_file import Rules
from pipeline_definitions.watch.scripts.analyze.drift import Drift
from pipeline_definitions.watch.scripts.analyze.measure import Expected, Measure
from pipeline_definitions.watch.scripts.analyze.quality import Observed

ANSWER_IS_YES: Final = 0.5

Baseline = Mapping[str, Column]


@dataclass(frozen=True)
class Quality:
    """How good answers were. NaN where that cannot be said, such as with one outcome alone."""

    auc: float
    log_loss: float
    rows: int


def baseline(frame: pl.DataFrame) -> Baseline:
    """The columns that later ones are compared with, every value kept."""
    return {name: _measured(frame[name], Expected()) for name in frame.columns}


def drifts(current: pl.DataFrame, before: Baseline, threshold: float) -> dict[str, Drift]:
    """Each feature's drift from the baseline."""
    rules = Rules(threshold=threshold, categorical_threshold=threshold)
    found = {}
    for name, column in before.items():
        words = column.words.counts if column.words else ()
        now = _measured(current[name], Expected(column.inferred_type, frozenset(words)))
        compared = drift.compare(now, column, rules) if now.present else None
        if compared:
            found[name] = compared
    return found


def metric(name: str, truth: Array, scores: Array) -> float:
    """One of the analyzer's metrics of two classes; NaN where it cannot be said."""
    if not len(truth):
        return float("nan")
    values = quality.binary(_observed(truth, scores))
    return values[name]


def judged(truth: Array, scores: Array) -> Quality:
    """Answers that were given, with what came to pass; rows without either do not count."""
    known = ~(np.isnan(truth) | np.isnan(scores))
    truth, scores = truth[known], scores[known]
    if not len(truth):
        return Quality(float("nan"), float("nan"), 0)
    observed = _observed(truth, scores)
    return Quality(quality.area_under_roc(observed.labels, scores), float(losses(truth, scores).mean()), len(truth))


def losses(truth: Array, scores: Array) -> Array:
    """The surprise of each answer. Shape: rows. Units: nats."""
    surprise: Array = -np.log(np.clip(np.where(truth == 1, scores, 1 - scores), np.finfo(float).eps, None))
    return surprise


def _observed(truth: Array, scores: Array) -> Observed:
    return Observed(truth.astype(int), (scores >= ANSWER_IS_YES).astype(int), scores)


def _measured(values: pl.Series, expected: Expected) -> Column:
    measure = Measure(values.name, expected)
    measure.update(values)
    return measure.result()


def summed(found: Mapping[str, Any]) -> str:
    """The features that drifted, the farthest first."""
    beyond = sorted((item for item in found.values() if item.is_violation), key=lambda item: -item.times_threshold)
    return ", ".join(f"{item.feature} {item.distance:.2f}" for item in beyond[:3])
