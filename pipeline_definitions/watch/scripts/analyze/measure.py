"""From batches of a column to what is known of it. Whole columns are one batch; streams are many; the code is the same.

Types are Deequ's: text is tried against two regular expressions, so `12.` and `.5` are text, and 3 is no fraction. What
comes typed (Parquet) is believed. Booleans and times are text. NaN and infinities count as missing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline_definitions.watch.scripts.analyze.columns import (
    FRACTIONAL,
    INTEGRAL,
    LOW_CARDINALITY,
    NUMERIC,
    STRING,
    UNKNOWN,
    Column,
    Numbers,
    Words,
    edges,
    infer,
)
from pipeline_definitions.watch.scripts.analyze.distances import Points
from pipeline_definitions.watch.scripts.analyze.distinct import Distinct
from pipeline_definitions.watch.scripts.analyze.sketch import Sketch

Array = np.ndarray[Any, Any]

_INTEGRAL: Final = r"^(-|\+)? ?\d+$"
_FRACTIONAL: Final = r"^(-|\+)? ?\d+((\.\d+)|((?:\.\d+)?[Ee][-+]?\d+))$"


@dataclass(frozen=True)
class Expected:
    """What a baseline says of a column, so that the same is measured now."""

    inferred_type: str = UNKNOWN
    categories: frozenset[str] = frozenset()


class Measure:
    """One column, while its values come in.

    Args:
        is_exact: keep every number for an exact distance. Else only the sketch is kept.
    """

    def __init__(
        self,
        name: str,
        expected: Expected = Expected(),
        *,
        is_exact: bool = True,
        categories_max: int = LOW_CARDINALITY,
    ) -> None:
        self._name, self._expected, self._is_exact = name, expected, is_exact
        self._types = {INTEGRAL: 0, FRACTIONAL: 0, STRING: 0}
        self._rows = 0
        self._numbers = _Numbers(is_exact)
        self._words = _Words(expected.categories, categories_max)

    def update(self, values: pl.Series) -> None:
        """Take more of the column's values in."""
        self._rows += len(values)
        if values.dtype.is_numeric():
            self._take_numbers(values)
        elif values.dtype == pl.String:
            self._take_text(values)
        else:
            self._take_words(_counted(_text(values)))

    def result(self) -> Column:
        """What was seen."""
        inferred = infer(self._types)
        present = sum(self._types.values())
        is_numeric = bool({inferred, self._expected.inferred_type} & NUMERIC) and self._numbers.count
        return Column(
            self._name,
            inferred,
            present,
            self._rows - present,
            dict(self._types),
            self._numbers.result() if is_numeric else None,
            self._words.result() if STRING in (inferred, self._expected.inferred_type) else None,
        )

    def _take_numbers(self, values: pl.Series) -> None:
        finite = values.cast(pl.Float64).drop_nulls()
        if not (is_finite := finite.is_finite()).all():
            finite = finite.filter(is_finite)
        self._types[FRACTIONAL if not values.dtype.is_integer() else INTEGRAL] += len(finite)
        self._numbers.update(finite, finite.hash().to_numpy())
        if self._expected.inferred_type == STRING:
            self._words.update(_counted(values.filter(values.is_not_null()).cast(pl.String)))

    def _take_text(self, values: pl.Series) -> None:
        """The work is done once for each different value."""
        seen = _counted(values)
        text, count = seen["value"], seen["count"]
        is_integral, is_fractional = text.str.contains(_INTEGRAL), text.str.contains(_FRACTIONAL)
        numbers = seen.filter(is_integral | is_fractional)
        self._types[INTEGRAL] += int(count.filter(is_integral).sum())
        self._types[FRACTIONAL] += int(count.filter(is_fractional).sum())
        self._types[STRING] += int(count.sum()) - int(numbers["count"].sum())
        self._words.update(seen)
        if numbers.height:
            parsed = numbers["value"].str.replace(" ", "", literal=True).cast(pl.Float64)
            repeated = np.repeat(parsed.to_numpy(), numbers["count"].to_numpy())
            self._numbers.update(pl.Series(repeated), parsed.hash().to_numpy())

    def _take_words(self, seen: pl.DataFrame) -> None:
        self._types[STRING] += int(seen["count"].sum())
        self._words.update(seen)


class _Numbers:
    """Moments, extremes, distribution."""

    def __init__(self, is_exact: bool) -> None:
        self._kept: list[Array] | None = [] if is_exact else None
        self._sketch = Sketch()
        self._distinct = Distinct()
        self.count, self._mean, self._squares, self._total = 0, 0.0, 0.0, 0.0
        self._minimum, self._maximum = math.inf, -math.inf

    def update(self, values: pl.Series, hashes: Array) -> None:
        if not len(values):
            return
        ordered = np.sort(values.to_numpy())  # so that the order in which threads deliver values changes nothing
        self._distinct.update(hashes)
        self._sketch.update(ordered)
        if self._kept is not None:
            self._kept.append(ordered)
        self._minimum, self._maximum = min(self._minimum, ordered[0]), max(self._maximum, ordered[-1])
        self._add_moments(pl.Series(ordered))

    def result(self) -> Numbers:
        sketch = self._sketch
        points = sketch.points() if self._kept is None else Points(_merged(self._kept))
        return Numbers(
            self._mean,
            self._total,
            math.sqrt(self._squares / self.count),
            float(self._minimum),
            float(self._maximum),
            self._distinct.count,
            points.counts(edges(self._minimum, self._maximum)),
            sketch,
            points,
            sketch.error if self._kept is None else 0.0,
        )

    def _add_moments(self, values: pl.Series) -> None:
        """Chan, Golub and LeVeque's way to add up variances of parts."""
        more, total, variance = len(values), float(values.sum()), values.var(ddof=0)
        off = total / more - self._mean
        whole = self.count + more
        assert isinstance(variance, float)
        self._squares += variance * more + off * off * self.count * more / whole
        self._mean += off * more / whole
        self._total += total
        self.count = whole


class _Words:
    """Counts of categories: all of them while they are few, then the expected ones alone."""

    def __init__(self, expected: frozenset[str], categories_max: int) -> None:
        self._expected, self._max = expected, max(categories_max, len(expected))
        self._distinct = Distinct()
        self._counts: dict[str, int] = {}
        self._is_listed = True

    def update(self, seen: pl.DataFrame) -> None:
        self._distinct.update(seen["value"].hash().to_numpy())
        self._is_listed = self._is_listed and self._distinct.count <= self._max
        if not self._is_listed:
            self._counts = {word: count for word, count in self._counts.items() if word in self._expected}
            seen = seen.filter(seen["value"].is_in(sorted(self._expected)))
        for word, count in zip(seen["value"].to_list(), seen["count"].to_list(), strict=True):
            self._counts[word] = self._counts.get(word, 0) + count

    def result(self) -> Words:
        inside = sum(self._counts[word] for word in self._counts.keys() & self._expected)
        return Words(self._distinct.count, _sorted(self._counts), inside, self._is_listed)


def _counted(values: pl.Series) -> pl.DataFrame:
    return values.drop_nulls().rename("value").value_counts(name="count")


def _text(values: pl.Series) -> pl.Series:
    """What is neither number nor text, as text; polars casts all but lists and durations."""
    if values.dtype.is_nested() or values.dtype == pl.Duration:
        return pl.Series([None if value is None else str(value) for value in values.to_list()], dtype=pl.String)
    return values.cast(pl.String)


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    """The most frequent first, so that a file reads well and its bytes do not depend on threads."""
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _merged(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
