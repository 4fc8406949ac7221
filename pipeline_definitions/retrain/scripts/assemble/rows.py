"""Rows by the contract: which columns the table has, which cells a captured row fills, and which rows are left out."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any

import pandas as pd

from pipeline_definitions.retrain.scripts.assemble.joining import Labelled
from pipeline_definitions.shared.scripts.capture import Names
from pipeline_definitions.shared.scripts.cells import NUMERIC, PARSERS, faults, without_nulls

Column = Mapping[str, Any]


class AssemblyError(ValueError):
    """No table can be made. The message says why, and what to do."""


@dataclass
class LeftOut:
    """Rows that break the contract, and why; a row may have several reasons."""

    rows: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, reason: str) -> None:
        """Leave out one row."""
        self.rows += 1
        self.reasons[reason] += 1

    def __str__(self) -> str:
        return ", ".join(f"{reason} ({count})" for reason, count in self.reasons.most_common(3))


@dataclass(frozen=True)
class Rules:
    """What the contract says of rows.

    Attributes:
        columns: of the table. Optional columns that the model does not see are left out of it: nobody captures them.
        target: the column that the label decides; `above` and `below` are its cells for 1 and 0.
        order: the column that orders rows, if the model does not see it.
        times: columns that get the time of the inference.
    """

    columns: Sequence[Column]
    names: Names
    target: str
    above: str
    below: str
    order: str | None
    times: frozenset[str]

    @property
    def clock(self) -> str | None:
        """The column that orders rows by a number, which has to go on where history ended."""
        return None if self.order in self.times else self.order

    @property
    def header(self) -> list[str]:
        """The columns' names."""
        return [str(column["name"]) for column in self.columns]

    def captured(self, rows: Sequence[Labelled]) -> pd.DataFrame:
        """Captured rows as cells of the table. Shape: rows, columns; text, null = empty."""
        table = {name: [row.cells.get(name) or "" for row in rows] for name in self.header}
        table[self.target] = [self.above if row.is_positive else self.below for row in rows]
        for name in self.times:
            table[name] = [row.at.astimezone(UTC).isoformat() for row in rows]
        return pd.DataFrame(table, dtype=object)

    def of_history(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows of an earlier table as cells of this one; a column that it did not have is null."""
        return table.reindex(columns=self.header, fill_value="")

    def sift(self, table: pd.DataFrame, left_out: LeftOut, without: str | None = None) -> pd.DataFrame:
        """The rows that keep the contract; the others are counted.

        Args:
            without: a column that is not filled yet.
        """
        broken = pd.Series(False, index=table.index)
        for column in self.columns:
            if column["name"] == without:
                continue
            for problem, wrong in faults(table[column["name"]], column):
                if count := int(wrong.sum()):
                    left_out.reasons[f"column '{column['name']}': {problem}"] += count
                    broken[wrong.index[wrong]] = True
        left_out.rows += int(broken.sum())
        kept = table[~broken]
        return kept.assign(
            **{str(column["name"]): without_nulls(kept[column["name"]], column) for column in self.columns}
        )


def rules(contract: Mapping[str, Any]) -> Rules:
    """The contract's rules for assembled rows.

    Raises:
        AssemblyError: no value of the target column could say what a label says.
    """
    columns, target, order = contract["columns"], str(contract["target"]["column"]), contract.get("time_column")
    features = tuple(str(column["name"]) for column in columns if column["role"] == "feature")
    above, below = _sides(_named(columns, target), float(contract["target"]["greater_than"]))
    needed = {target, order, *features}
    kept = [column for column in columns if column["name"] in needed or not column.get("optional", False)]
    datetimes = [column for column in kept if column["type"] == "datetime"]
    times = frozenset(
        str(column["name"]) for column in datetimes if column["role"] == "time" or column["name"] == order
    )
    return Rules(kept, Names(inputs=features), target, above, below, None if order in features else order, times)


def order_of(table: pd.DataFrame, column: Column) -> "pd.Series[Any]":
    """The column that orders rows, as times or numbers."""
    kind = str(column["type"])
    return PARSERS[kind if kind in ("datetime", *NUMERIC) else "number"](table[column["name"]])


def _sides(column: Column, greater_than: float) -> tuple[str, str]:
    """A value above and one not above: the whole numbers next to it, or where the contract forbids them its bounds."""
    lowest, highest = column.get("min"), column.get("max")
    above, below = math.floor(greater_than) + 1, math.floor(greater_than)
    above = above if highest is None or above <= highest else highest
    below = below if lowest is None or below >= lowest else lowest
    if not below <= greater_than < above:
        bounds = f"between {lowest} and {highest}"
        raise AssemblyError(
            f"column '{column['name']}': no value {bounds} is on each side of {greater_than:g}, so no label can be "
            "written there; widen the column's bounds"
        )
    return str(above), str(below)


def _named(columns: Sequence[Column], name: str) -> Column:
    return next(column for column in columns if column["name"] == name)
