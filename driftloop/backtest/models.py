"""Models made by the pipeline's own scripts, `Prepare` and `Train`, with the libraries of the XGBoost image."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np

from driftloop.backtest.history import Array, History
from driftloop.errors import UserError

_ROOT: Final = Path(__file__).resolve().parents[2]
_SCRIPTS: Final = _ROOT / "pipeline_definitions" / "train" / "scripts"
_BLOCKS: Final = 8
"""Rows are scored in so many parts of history, when they are needed: a champion rarely lives to its end."""
_HYPERPARAMETERS: Final = {
    "NumRound": "num_round",
    "MaxDepth": "max_depth",
    "LearningRate": "eta",
    "Subsample": "subsample",
    "ColsampleByTree": "colsample_bytree",
    "MinChildWeight": "min_child_weight",
    "Seed": "seed",
}


@dataclass
class Fitted:
    """A model.

    Attributes:
        rows: what it was made from, as places in history.
        holdout: rows that its training never saw, as an endpoint would be asked, and their outcomes.
        seconds: of its training, and of the processing around it.
    """

    rows: Array
    folder: Path
    holdout: tuple[str, Array]
    training_s: float = 0.0
    processing_s: float = 0.0
    scores: Array = field(default_factory=lambda: np.empty(0))


class Workshop(Protocol):
    """Who makes models, and asks them."""

    def fit(self, rows: Array) -> Fitted | None:
        """A model of these rows of history; None if none can be made of them."""
        ...

    def scores(self, model: Fitted, rows: slice) -> Array:
        """Its answers to rows of history. Shape: rows; float64."""
        ...

    def on_holdout(self, model: Fitted, of: Fitted) -> Array:
        """Its answers to the hold-out of another. Shape: rows; float64."""
        ...


class Pipeline:
    """The scripts of the steps, with the libraries of their image. The same rows are fitted once.

    A context: its process ends with it.
    """

    def __init__(self, history: History, folder: Path) -> None:
        self._history, self._folder = history, folder
        self._known: dict[str, Fitted | None] = {}
        self._contract = folder / "contract.json"
        self._contract.write_text(json.dumps(dict(history.contract)), "utf-8")
        self._parameters = {**_defaults(), **history.contract.get("parameters", {})}
        self._worker = _started()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.kill()
        self._worker.wait()

    def fit(self, rows: Array) -> Fitted | None:
        name = hashlib.sha256(rows.astype(np.int64).tobytes()).hexdigest()[:16]
        if name not in self._known:
            self._known[name] = self._fitted(rows, self._folder / name)
        return self._known[name]

    def scores(self, model: Fitted, rows: slice) -> Array:
        if np.isnan(model.scores[rows]).any():
            block = -(-len(self._history) // _BLOCKS)
            part = slice(rows.start, max(rows.stop, min(rows.start + block, len(self._history))))
            table = self._history.frame[part].select(self._history.features)
            model.scores[part] = self._ask(model, table.write_csv(include_header=False, null_value=""))
        return model.scores[rows]

    def on_holdout(self, model: Fitted, of: Fitted) -> Array:
        return self._ask(model, of.holdout[0])

    def _fitted(self, rows: Array, folder: Path) -> Fitted | None:
        base = folder / "processing"
        accepted = base / "input" / "accepted" / "data.csv"
        accepted.parent.mkdir(parents=True)
        self._history.frame[rows].write_csv(accepted, null_value="")
        started = time.monotonic()
        words = {"base-dir": base, "contract": self._contract, "holdout-fraction": self._parameters["HoldoutFraction"]}
        if self._run("prepare.py", words):
            return None  # such as rows of one outcome; the step's own reason is in its message
        prepared = time.monotonic()
        output = base / "output"
        channels = {"TRAIN": "train", "VALIDATION": "holdout", "FEATURES": "features"}
        env = {f"SM_CHANNEL_{channel}": str(output / part) for channel, part in channels.items()}
        hyperparameters = {option: self._parameters[name] for name, option in _HYPERPARAMETERS.items()}
        self._run(
            "source/train.py", hyperparameters, {**env, "SM_MODEL_DIR": str(folder / "model"), "SM_NUM_CPUS": "1"}
        )
        trained = time.monotonic()
        model = Fitted(rows, folder / "model", _holdout(output / "holdout" / "holdout.csv"))
        model.scores = np.full(len(self._history), np.nan)
        model.training_s, model.processing_s = trained - prepared, prepared - started
        return model

    def _run(self, script: str, words: Mapping[str, object], env: Mapping[str, str] | None = None) -> int:
        text = [word for name, value in words.items() for word in (f"--{name}", str(value))]
        return int(self._order({"script": str(_SCRIPTS / script), "words": text, "env": dict(env or {})})["code"])

    def _ask(self, model: Fitted, lines: str) -> Array:
        return np.array(self._order({"model": str(model.folder), "rows": lines})["predictions"])

    def _order(self, order: Mapping[str, Any]) -> dict[str, Any]:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        self._worker.stdin.write(json.dumps(order) + "\n")
        self._worker.stdin.flush()
        line = self._worker.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": "its process ended"}
        if "error" in answer:
            raise UserError(f"{Path(order.get('script', 'scoring')).name} failed: {answer['error']}")
        return answer


def _holdout(path: Path) -> tuple[str, Array]:
    _, _, body = path.read_text("utf-8").partition("\n")
    rows = list(csv.reader(io.StringIO(body, newline="")))
    lines = io.StringIO(newline="")
    csv.writer(lines, lineterminator="\n").writerows(row[:-1] for row in rows)
    return lines.getvalue(), np.array([row[-1] for row in rows], dtype=float)


def _defaults() -> dict[str, Any]:
    """The pipeline's own defaults."""
    text = (_ROOT / "pipeline_definitions" / "train" / "definition.json").read_text("utf-8")
    return {item["Name"]: item.get("DefaultValue") for item in json.loads(text)["Parameters"]}


def _started() -> subprocess.Popen[str]:
    python = _ROOT / ".runners" / "xgboost-3.2-0" / "bin" / "python"
    if not python.exists():
        raise UserError(f"{python}: the environment of the image is not there; run `make setup`")
    words = [str(python), str(Path(__file__).with_name("worker.py"))]
    env = {**os.environ, "OMP_NUM_THREADS": "1"}  # more of them fight for the cores of a busy machine
    pipe = subprocess.PIPE
    return subprocess.Popen(words, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
