"""Step Evaluate: score the hold-out with the packaged code, exactly as an endpoint will.

Reads   input/model/model.tar.gz            what `train` saved
        input/holdout/holdout.csv           rows that training never saw; the target is the last column
Writes  output/evaluation/evaluation.json   the gate's value, metrics with their standard deviation
        output/evaluation/golden.json       records with the answers that a release must give again

Standard deviations are those of 200 bootstrap samples of the hold-out's rows (fixed seed): how much each figure would
move with another hold-out of the same size, not with another training run.
"""

import argparse
import csv
import importlib.util
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]
Metric = Callable[[Array, Array, Array], float]

GOLDEN_RECORDS: Final = 20
BOOTSTRAP_SAMPLES: Final = 200
THRESHOLD: Final = 0.5
"""From this probability on the prediction counts as 1, for accuracy and F1."""


def main() -> None:
    """Evaluate the model."""
    options = _options()
    rows, labels = read_holdout(options.base_dir / "input/holdout/holdout.csv")
    lines = [to_line(row) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(options.base_dir / "input/model/model.tar.gz") as archive:
            archive.extractall(folder, filter="data")
        predictions = score(Path(folder), lines)
    evaluation = evaluate(labels, predictions, options.metric)
    output = options.base_dir / "output/evaluation"
    _write(output / "evaluation.json", evaluation)
    _write(output / "golden.json", golden(lines, predictions))
    print(json.dumps(evaluation))


def read_holdout(path: Path) -> tuple[list[list[str]], Array]:
    """Feature cells as text, and the labels. Shape: rows; float64 of 0 and 1."""
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.reader(lines))[1:]
    return [row[:-1] for row in rows], np.array([row[-1] for row in rows], dtype=float)


def to_line(row: Sequence[str]) -> str:
    """A row as a caller would send it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(row)
    return line.getvalue()


def score(model_dir: Path, lines: Sequence[str]) -> Array:
    """Probabilities from the archive's own code, through text in and out. Shape: rows; float64."""
    served = load_code(model_dir / "code" / "inference.py")
    model = served.model_fn(str(model_dir))
    rows = served.input_fn("\n".join(lines), "text/csv")
    answer = served.output_fn(served.predict_fn(rows, model), "text/csv")
    return np.array(answer.split(), dtype=float)


def load_code(path: Path) -> ModuleType:
    """Import the packaged handlers."""
    spec = importlib.util.spec_from_file_location("packaged_inference", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def evaluate(labels: Array, predictions: Array, gate_metric: str) -> dict[str, Any]:
    """The report that the gate reads and the model package carries."""
    deviations = bootstrap(labels, predictions)
    every_row_once = np.ones(len(labels))
    metrics = {
        name: {"value": metric(labels, predictions, every_row_once), "standard_deviation": deviations[name]}
        for name, metric in METRICS.items()
    }
    return {
        "gate": {"metric": gate_metric, "value": metrics[gate_metric]["value"]},
        "binary_classification_metrics": metrics,
        "rows": len(labels),
        "positive_rate": float(labels.mean()),
    }


def bootstrap(labels: Array, predictions: Array) -> dict[str, float]:
    """Standard deviation of each metric over samples with replacement, drawn as how often each row counts."""
    chance = np.random.default_rng(0)
    draws = chance.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), BOOTSTRAP_SAMPLES)
    return {
        name: float(np.nanstd([metric(labels, predictions, weights) for weights in draws], ddof=1))
        for name, metric in METRICS.items()
    }


def golden(lines: Sequence[str], predictions: Array) -> list[dict[str, Any]]:
    """Records spread evenly from the lowest to the highest prediction."""
    order = np.argsort(predictions, kind="stable")
    places = np.unique(np.linspace(0, len(order) - 1, GOLDEN_RECORDS).astype(int))
    return [{"input": lines[row], "prediction": float(predictions[row])} for row in order[places]]


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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0], allow_abbrev=False)
    parser.add_argument("--base-dir", type=Path, default=Path("/opt/ml/processing"))
    parser.add_argument("--metric", required=True, choices=sorted(METRICS), help="what the gate compares")
    return parser.parse_args()


def _write(path: Path, document: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
