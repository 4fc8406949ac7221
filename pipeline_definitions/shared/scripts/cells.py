"""What the cells of a column may hold, by the contract: the one place that says so, for every step that judges rows.

Runs inside steps, on pandas.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

NULLS: Final = frozenset({"", "NA", "NaN", "nan", "null", "NULL"})
"""What people write for nothing. A word that the contract allows as a value is a value."""

NUMERIC: Final = ("integer", "number")


def faults(cells: "pd.Series[str]", column: Mapping[str, Any]) -> "Iterator[tuple[str, pd.Series[bool]]]":
    """Every way in which the cells of one column may break its rule: what is wrong, and in which of them it is."""
    nulls = is_null(cells, column)
    if not column.get("nullable", False):
        yield "null, but not nullable", nulls
    present = cells[~nulls]
    values = PARSERS[column["type"]](present)
    yield f"not {_article(column['type'])}", values.isna()
    values = values.dropna()
    if column["type"] in NUMERIC and column.get("min") is not None:
        yield f"below {column['min']}", values < column["min"]
    if column["type"] in NUMERIC and column.get("max") is not None:
        yield f"above {column['max']}", values > column["max"]
    if "allowed" in column:
        yield "not an allowed value", ~present.isin(list(map(str, column["allowed"])))
    if "max_length" in column:
        yield f"longer than {column['max_length']} characters", present.str.len() > column["max_length"]


def is_null(cells: "pd.Series[str]", column: Mapping[str, Any]) -> "pd.Series[bool]":
    """Cells that hold nothing."""
    return cells.isin(list(NULLS - set(map(str, column.get("allowed", ())))))


def without_nulls(cells: "pd.Series[str]", column: Mapping[str, Any]) -> "pd.Series[str]":
    """The cells with one spelling of null: the empty one."""
    return cells.mask(is_null(cells, column), "")


def _integers(cells: "pd.Series[str]") -> "pd.Series[Any]":
    """`5.0` counts: that is how pandas writes integers beside a null."""
    whole = cells.where(cells.str.fullmatch(r"[+-]?\d{1,18}(\.0+)?").astype(bool))
    return pd.to_numeric(whole, errors="coerce")


def _numbers(cells: "pd.Series[str]") -> "pd.Series[Any]":
    return pd.to_numeric(cells, errors="coerce").astype(float).replace([np.inf, -np.inf], np.nan)


def _datetimes(cells: "pd.Series[str]") -> "pd.Series[Any]":
    return pd.to_datetime(cells, format="ISO8601", utc=True, errors="coerce")


PARSERS: Final[Mapping[str, Callable[..., Any]]] = {
    "integer": _integers,
    "number": _numbers,
    "datetime": _datetimes,
    "string": lambda cells: cells,
}


def _article(kind: str) -> str:
    return f"an {kind}" if kind.startswith("i") else f"a {kind}"
