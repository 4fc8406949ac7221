"""How good predictions are: Model Monitor's sets of metrics for two classes, for many, and for numbers.

Where nothing was predicted positive, precision is 1, and where nothing is positive, recall is 0: as in Spark's
BinaryClassificationMetrics, on which AWS's container runs. A best constant classifier is the best of those that
always say the same.

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html, read 2026-11.
"""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]
Values = dict[str, float]

BINARY: Final = "BinaryClassification"
MULTICLASS: Final = "MulticlassClassification"
REGRESSION: Final = "Regression"

SAMPLES: Final = 5
SAMPLE_SHARE: Final = 0.8
ROWS_MIN: Final = 200
"""With fewer rows there is no standard deviation."""
CURVE_POINTS: Final = 200
_BETAS: Final = {"f0_5": 0.5, "f1": 1.0, "f2": 2.0}
_BEST: Final = "_best_constant_classifier"


@dataclass(frozen=True)
class Observed:
    """Labels and what was predicted. Shape: rows.

    Attributes:
        labels, predicted: 0 and 1, or names of classes, or numbers.
        scores: the probability of 1, where it is known.
    """

    labels: Array
    predicted: Array
    scores: Array | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, places: Array) -> "Observed":
        return Observed(
            self.labels[places], self.predicted[places], None if self.scores is None else self.scores[places]
        )


def measure(problem: str, observed: Observed) -> dict[str, Any]:
    """All metrics of a kind of problem, as in statistics.json."""
    values = _METRICS[problem](observed)
    deviations = _deviations(problem, observed)
    metrics: dict[str, Any] = {
        name: {"value": number(value), "standard_deviation": number(deviations.get(name, math.nan))}
        for name, value in values.items()
    }
    if problem != REGRESSION:
        metrics["confusion_matrix"] = confusion(observed)
    if problem == BINARY and observed.scores is not None:
        metrics |= _curves(observed.labels, observed.scores)
    return metrics


def number(value: float) -> float | str:
    """JSON knows no NaN; AWS writes it as text."""
    return float(value) if math.isfinite(value) else str(value).replace("nan", "NaN")


def confusion(observed: Observed) -> dict[str, dict[str, int]]:
    """True class -> predicted class -> rows."""
    pairs = Counter(zip(map(str, observed.labels), map(str, observed.predicted), strict=True))
    names = sorted({name for pair in pairs for name in pair})
    return {label: {said: pairs[label, said] for said in names} for label in names}


def binary(observed: Observed) -> Values:
    """Of two classes, 0 and 1."""
    values = _rates(observed.labels, observed.predicted)
    constants = [_rates(observed.labels, np.full(len(observed), constant)) for constant in (0, 1)]
    best = ("recall", "precision", "accuracy", *_BETAS)
    values |= {f"{name}{_BEST}": max(constant[name] for constant in constants) for name in best}
    if observed.scores is not None:
        values["auc"] = area_under_roc(observed.labels, observed.scores)
    return values


def multiclass(observed: Observed) -> Values:
    """Of many classes, weighted by how many rows each really has."""
    values = _weighted(observed.labels, observed.predicted)
    classes = np.unique(observed.labels)
    constants = [_weighted(observed.labels, np.full(len(observed), name)) for name in classes]
    return values | {f"{name}{_BEST}": max(constant[name] for constant in constants) for name in values}


def regression(observed: Observed) -> Values:
    """Of numbers."""
    off = observed.predicted - observed.labels
    mse = float(np.mean(off**2))
    spread = float(np.var(observed.labels))
    r2 = 1 - mse / spread if spread else math.nan
    return {"mae": float(np.mean(np.abs(off))), "mse": mse, "rmse": math.sqrt(mse), "r2": r2}


def area_under_roc(labels: Array, scores: Array) -> float:
    """NaN if one class is absent."""
    false_positives, true_positives = _roc(labels, scores)
    if not true_positives[-1] or not false_positives[-1]:
        return math.nan
    area = np.trapezoid(true_positives, false_positives)
    return float(area / true_positives[-1] / false_positives[-1])


def _rates(labels: Array, predicted: Array) -> Values:
    positive, said = labels == 1, predicted == 1
    hits, misses = float(np.sum(positive & said)), float(np.sum(positive & ~said))
    false, rightly_not = float(np.sum(~positive & said)), float(np.sum(~positive & ~said))
    recall = _share(hits, misses)
    precision = _share(hits, false, if_none=1.0)
    return {
        "recall": recall,
        "precision": precision,
        "accuracy": (hits + rightly_not) / len(labels),
        "true_positive_rate": recall,
        "true_negative_rate": _share(rightly_not, false),
        "false_positive_rate": _share(false, rightly_not),
        "false_negative_rate": _share(misses, hits),
        **{name: _f(precision, recall, beta) for name, beta in _BETAS.items()},
    }


def _weighted(labels: Array, predicted: Array) -> Values:
    values = {"accuracy": float(np.mean(labels == predicted)), "weighted_recall": 0.0, "weighted_precision": 0.0}
    values |= {f"weighted_{name}": 0.0 for name in _BETAS}
    for name, rows in zip(*np.unique(labels, return_counts=True), strict=True):
        weight = rows / len(labels)
        hits = float(np.sum((labels == name) & (predicted == name)))
        recall, precision = hits / rows, _share(hits, float(np.sum(predicted == name)) - hits)
        values["weighted_recall"] += weight * recall
        values["weighted_precision"] += weight * precision
        for kind, beta in _BETAS.items():
            values[f"weighted_{kind}"] += weight * _f(precision, recall, beta)
    return values


def _share(part: float, rest: float, if_none: float = 0.0) -> float:
    return part / (part + rest) if part + rest else if_none


def _f(precision: float, recall: float, beta: float) -> float:
    below = beta**2 * precision + recall
    return (1 + beta**2) * precision * recall / below if below else 0.0


def _roc(labels: Array, scores: Array) -> tuple[Array, Array]:
    """False and true positives at each threshold, the highest first."""
    order = np.argsort(-scores, kind="stable")
    is_last = np.append(np.diff(scores[order]) != 0, True)
    true = np.cumsum(labels[order] == 1)[is_last]
    false = np.cumsum(labels[order] != 1)[is_last]
    return np.append(0, false), np.append(0, true)


def _curves(labels: Array, scores: Array) -> dict[str, Any]:
    false, true = _roc(labels, scores)
    places = np.unique(np.linspace(0, len(true) - 1, min(len(true), CURVE_POINTS)).astype(int))
    false, true = false[places], true[places]
    positives, negatives = max(int(true[-1]), 1), max(int(false[-1]), 1)
    precisions = np.divide(true, true + false, out=np.ones(len(true)), where=true + false > 0)
    return {
        "receiver_operating_characteristic_curve": {
            "false_positive_rates": (false / negatives).tolist(),
            "true_positive_rates": (true / positives).tolist(),
        },
        "precision_recall_curve": {"precisions": precisions.tolist(), "recalls": (true / positives).tolist()},
    }


def _deviations(problem: str, observed: Observed) -> Mapping[str, float]:
    """Over five samples of four fifths of the rows, drawn without putting back, the same each time."""
    if len(observed) < ROWS_MIN:
        return {}
    chance = np.random.default_rng(0)
    size = int(SAMPLE_SHARE * len(observed))
    draws = (chance.choice(len(observed), size, replace=False) for _ in range(SAMPLES))
    samples = [_METRICS[problem](observed.at(places)) for places in draws]
    return {name: float(np.std([sample[name] for sample in samples])) for name in samples[0]}


_METRICS: Final[Mapping[str, Callable[[Observed], Values]]] = {
    BINARY: binary,
    MULTICLASS: multiclass,
    REGRESSION: regression,
}
