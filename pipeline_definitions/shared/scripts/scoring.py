"""A model's predictions on a hold-out, made by the code in its own archive, and how two models differ on it.

Runs inside steps, in the image that trains and serves.
"""

import csv
import importlib.util
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from scipy import stats

from pipeline_definitions.shared.scripts.registry import UntestableError

Array = np.ndarray[Any, Any]

CSV: Final = "text/csv"
CONFIDENCE: Final = 0.95


@dataclass(frozen=True)
class Holdout:
    """Rows that the challenger's training never saw, as text.

    Attributes:
        names: the features, in order.
        labels: Shape: rows; float64 of 0 and 1.
    """

    names: list[str]
    rows: list[list[str]]
    labels: Array

    def column(self, name: str) -> Array:
        """One feature. Shape: rows; str."""
        place = self.names.index(name)
        return np.array([row[place] for row in self.rows])


@dataclass(frozen=True)
class Scored:
    """A model's predictions on the hold-out. Shape: rows; float64."""

    package_arn: str
    predictions: Array
    losses: Array


@dataclass(frozen=True)
class Paired:
    """Row by row differences of two losses. `low` and `high` bound their mean."""

    mean: float
    sd: float
    n: int
    low: float
    high: float
    p_value: float


def read_holdout(text: str) -> Holdout:
    """Parse holdout.csv: a header, the features, and the target last."""
    header, *rows = list(csv.reader(io.StringIO(text, newline="")))
    return Holdout(header[:-1], [row[:-1] for row in rows], np.array([row[-1] for row in rows], dtype=float))


def to_line(row: Sequence[str]) -> bytes:
    """A row as a caller would send it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(row)
    return line.getvalue().encode()


def losses(labels: Array, predictions: Array) -> Array:
    """Surprise of each row. Shape: rows. Units: nats."""
    sure = np.clip(np.where(labels == 1, predictions, 1 - predictions), np.finfo(float).eps, None)
    surprise: Array = -np.log(sure)
    return surprise


def paired(worse_by: Array, confidence: float = CONFIDENCE) -> Paired:
    """Paired t-test of row by row differences. Shape: rows, at least two."""
    mean, sd, n = float(worse_by.mean()), float(worse_by.std(ddof=1)), len(worse_by)
    if sd == 0:  # the same model twice
        return Paired(mean, sd, n, mean, mean, 1.0 if mean == 0 else 0.0)
    test = stats.ttest_1samp(worse_by, 0.0)
    interval = test.confidence_interval(confidence)
    return Paired(mean, sd, n, float(interval.low), float(interval.high), float(test.pvalue))


def in_words(found: Paired) -> str:
    """A paired difference in a sentence."""
    direction = "worse" if found.mean > 0 else "better"
    return (
        f"{direction} by {abs(found.mean):.4f} (interval {found.low:.4f} to {found.high:.4f}, p = {found.p_value:.2g})"
    )


def score(package_arn: str, archive: bytes, holdout: Holdout) -> Scored:
    """A package's predictions on the hold-out, by the code in its model.tar.gz.

    Raises:
        UntestableError: the archive cannot be used, or its model does not take these rows.
    """
    try:
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(fileobj=io.BytesIO(archive)) as members:
                members.extractall(folder, filter="data")
            found = packaged_answer(Path(folder), holdout, package_arn)
    except UntestableError:
        raise
    except Exception as exc:  # whatever an archive and code of another version raise
        raise UntestableError(f"model package {package_arn}: its archive cannot be scored: {exc!r}") from exc
    if len(found) != len(holdout.rows) or not all(0 <= prediction <= 1 for prediction in found):
        expected = f"expected {len(holdout.rows)} probabilities"
        raise UntestableError(f"model package {package_arn}: {expected}, found {found[:3]}…")
    predictions = np.array(found)
    return Scored(package_arn, predictions, losses(holdout.labels, predictions))


def packaged_answer(folder: Path, holdout: Holdout, package_arn: str) -> list[float]:
    """The archive's own handlers, from text to text."""
    features = json.loads((folder / "features.json").read_text("utf-8"))["features"]
    lines = lines_for([str(feature["name"]) for feature in features], holdout, package_arn)
    served = load_code(folder / "code" / "inference.py")
    model = served.model_fn(str(folder))
    answer = served.output_fn(served.predict_fn(served.input_fn(lines, CSV), model), CSV)
    return [float(value) for value in answer.split()]


def lines_for(names: Sequence[str], holdout: Holdout, package_arn: str) -> str:
    """The hold-out's rows with the columns in a model's own order.

    Raises:
        UntestableError: the model needs columns that the hold-out does not have.
    """
    missing = [name for name in names if name not in holdout.names]
    if missing:
        raise UntestableError(
            f"model package {package_arn}: needs the columns {', '.join(missing)}, which the hold-out does not "
            "have, so champion and challenger cannot be compared; keep the columns in the schema for one more version"
        )
    places = [holdout.names.index(name) for name in names]
    return b"\n".join(to_line([row[place] for place in places]) for row in holdout.rows).decode()


def load_code(path: Path) -> ModuleType:
    """Import packaged handlers."""
    spec = importlib.util.spec_from_file_location("packaged_inference", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path}: not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
