"""Metrics of a binary classifier, each over weighted rows, so that a bootstrap sample is but other weights."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]
Metric = Callable[[Array, Array, Array], float]

BOOTSTRAP_SAMPLES: Final = 200
THRESHOLD: Final = 0.5
"""From this probability on the prediction counts as 1, for accuracy and F1."""


def accuracy(labels: Array, predictions: Array, weights: Array) -> float:
    """Share of rows predicted right."""
    return float(np.average((predictions >= THRESHOLD) == labels, weights=weights))


def f1(labels: Array, predictions: Array, weights: Array) -> float:
    """Harmonic mean of precision and recall; 0 if nothing is or should be found."""
    found = predictions >= THRESHOLD
    right = weights[found & (labels == 1)].sum()
    counted = weights[found].sum() + weights[labels == 1].sum()
    return float(2 * right / counted) if counted else 0.0


def log_loss(labels: Array, predictions: Array, weights: Array) -> float:
    """Mean surprise. Units: nats."""
    sure = np.clip(np.where(labels == 1, predictions, 1 - predictions), np.finfo(float).eps, None)
    return float(np.average(-np.log(sure), weights=weights))


def auc(labels: Array, predictions: Array, weights: Array) -> float:
    """Chance that a positive row scores above a negative one, ties counting half; NaN if one class is absent."""
    scores, group = np.unique(predictions, return_inverse=True)
    positive = np.bincount(group, weights * labels, len(scores))
    negative = np.bincount(group, weights * (1 - labels), len(scores))
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    return float((positive * (below + negative / 2)).sum() / pairs) if pairs else float("nan")


METRICS: Final[dict[str, Metric]] = {"accuracy": accuracy, "auc": auc, "f1": f1, "log_loss": log_loss}


def bootstrap(labels: Array, predictions: Array) -> dict[str, float]:
    """Standard deviation of each metric over samples with replacement, drawn as how often each row counts."""
    chance = np.random.default_rng(0)
    draws = chance.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), BOOTSTRAP_SAMPLES)
    return {
        name: float(np.nanstd([metric(labels, predictions, weights) for weights in draws], ddof=1))
        for name, metric in METRICS.items()
    }
