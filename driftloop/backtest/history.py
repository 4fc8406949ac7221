"""What happened, as one table in the order of time: a model's data files, read by its contract."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from driftloop.errors import UserError

Array = np.ndarray[Any, Any]

_NULLS: Final = ("", "NA", "NaN", "nan", "null", "NULL")
_EPOCH_S: Final = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
"""Where a clock of numbers begins: somewhere."""


@dataclass(frozen=True)
class History:
    """Rows in the order of time.

    Attributes:
        frame: the contract's columns as text, a missing value null.
        at_s: when each happened, in seconds since 1970. Shape: rows; float64.
        truth: its outcome, 0 or 1; NaN where it never came. Shape: rows; float64.
        contract: the model's settings and schema, merged.
    """

    frame: pl.DataFrame
    at_s: Array
    truth: Array
    contract: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.at_s)

    @property
    def features(self) -> list[str]:
        """What the model sees, in order."""
        return [str(column["name"]) for column in self.contract["columns"] if column["role"] == "feature"]

    def between(self, start_s: float, end_s: float) -> slice:
        """The rows from a time on and before another."""
        first, last = np.searchsorted(self.at_s, [start_s, end_s], side="left")
        return slice(int(first), int(last))


def contract(settings: Path) -> dict[str, Any]:
    """A model's settings and its schema, merged as `infra` merges them.

    Raises:
        UserError: a file is not there, or is no JSON.
    """
    try:
        document = json.loads(settings.read_text("utf-8"))
        schema = json.loads(settings.with_name(document["schema"]).read_text("utf-8"))
    except (OSError, ValueError, KeyError) as exc:
        raise UserError(f"{settings}: expected a model's settings with its schema beside it, found {exc!r}") from exc
    return {**document, **schema}


def read(path: Path, contract: Mapping[str, Any], tick_s: float) -> History:
    """A CSV file, or all of a folder's.

    Args:
        tick_s: how long one step of a clock of numbers takes.

    Raises:
        UserError: there is none, it cannot be read, or nothing orders its rows.
    """
    files = sorted(path.rglob("*.csv")) if path.is_dir() else [path]
    clock = contract.get("time_column")
    target = contract["target"]
    if not files or clock is None:
        missing = "no CSV file" if not files else "the model's settings have no time_column to replay by"
        raise UserError(f"{path}: {missing}")
    roles = ("feature", "target", "time")
    names = [c["name"] for c in contract["columns"] if c["role"] in roles or c["name"] == clock]
    frame = _frame(files, names)
    at = _times(frame[clock], next(c["type"] for c in contract["columns"] if c["name"] == clock), tick_s)
    known = np.flatnonzero(~np.isnan(at))
    order = known[np.argsort(at[known], kind="stable")]
    outcome = frame[target["column"]].cast(pl.Float64, strict=False).to_numpy()[order]
    truth = np.where(np.isnan(outcome), np.nan, outcome > float(target["greater_than"]))
    return History(frame[order], at[order], truth, contract)


def _frame(files: Sequence[Path], names: Sequence[str]) -> pl.DataFrame:
    try:
        tables = [pl.read_csv(file, infer_schema=False, columns=list(names)) for file in files]
    except (OSError, pl.exceptions.PolarsError) as exc:
        raise UserError(f"{files[0].parent}: cannot be read by the model's contract: {exc}") from exc
    frame = pl.concat(tables)
    cells = (pl.when(pl.col(name).is_in(_NULLS)).then(None).otherwise(pl.col(name)).alias(name) for name in names)
    return frame.with_columns(cells)


def _times(cells: pl.Series, kind: str, tick_s: float) -> Array:
    if kind != "datetime":
        numbers: Array = cells.cast(pl.Float64, strict=False).to_numpy()
        return _EPOCH_S + numbers * tick_s
    known: dict[Any, float] = {None: np.nan}
    for text in cells.unique().drop_nulls():
        at = datetime.fromisoformat(text)
        known[text] = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return np.array([known[text] for text in cells.to_list()])
