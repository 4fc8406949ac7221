"""A column measured by Spark, as the value that `analyze` has of it."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everybody has it
from pyspark.sql import types as T  # noqa: N812

from pipeline_definitions.watch.scripts.analyze.columns import (
    FRACTIONAL,
    INTEGRAL,
    NUMERIC,
    STRING,
    UNKNOWN,
    Column,
    Numbers,
    Words,
    edges,
    infer,
)
from pipeline_definitions.watch.scripts.analyze.constraints_file import Feature
from pipeline_definitions.watch.scripts.analyze.distances import Points
from pipeline_definitions.watch.scripts.analyze.sketch import SHRINK, SIZE, Sketch
from pipeline_definitions.watch.scripts.analyze_spark import layout, ranks

Array = np.ndarray[Any, Any]

_INTEGRAL: Final = r"\A(-|\+)? ?[0-9]+\z"
_FRACTIONAL: Final = r"\A(-|\+)? ?[0-9]+((\.[0-9]+)|((?:\.[0-9]+)?[Ee][-+]?[0-9]+))\z"
"""Deequ's, in Java's words: `$` would pass over a line's end."""


@dataclass(frozen=True)
class Expected:
    """What a baseline says of a column, so that the same is measured now."""

    inferred_type: str = UNKNOWN
    categories: frozenset[str] = frozenset()

    @classmethod
    def of(cls, feature: Feature | None, column: Column | None) -> "Expected":
        """From a feature's constraints and statistics."""
        if feature is None:
            return cls()
        words = column.words.counts if column and column.words else ()
        return cls(feature.inferred_type, frozenset(feature.domains or words))


@dataclass(frozen=True)
class Table:
    """A data set, counted once."""

    frame: DataFrame
    rows: int


@dataclass(frozen=True)
class Measured:
    """A column and the frame behind it.

    Attributes:
        numbers: each finite number once, `value` and `count`; None if there are none.
    """

    column: Column
    numbers: DataFrame | None = None


def measure(table: Table, name: str, expected: Expected, categories_max: int) -> Measured:
    """Measure one column."""
    kind = table.frame.schema[name].dataType
    column = F.col(f"`{name.replace('`', '``')}`")
    values = table.frame.select(column.alias("value"))
    words = _counted(values.select(F.col("value").cast("string").alias("value"))).persist()  # counted when asked
    if isinstance(kind, T.NumericType):
        whole = isinstance(kind, T.IntegralType)
        numbers = _counted(_finite(values)).persist()
        types = {INTEGRAL: 0, FRACTIONAL: 0, STRING: 0, INTEGRAL if whole else FRACTIONAL: _total(numbers)}
    elif isinstance(kind, T.StringType):
        types, numbers = _typed(words), _parsed(words).persist()
    else:
        types, numbers = {INTEGRAL: 0, FRACTIONAL: 0, STRING: _total(words)}, None
    inferred, present = infer(types), sum(types.values())
    is_numeric = bool({inferred, expected.inferred_type} & NUMERIC)
    has_numbers = numbers is not None and is_numeric and types[INTEGRAL] + types[FRACTIONAL] > 0
    has_words = STRING in (inferred, expected.inferred_type)
    found = Column(
        name,
        inferred,
        present,
        table.rows - present,
        types,
        _numbers(numbers) if has_numbers and numbers is not None else None,
        _words(words, expected, categories_max) if has_words else None,
    )
    return Measured(found, numbers if has_numbers else None)


def points(numbers: DataFrame, grid: Array) -> Points:
    """The distribution as it is at the numbers of a sorted grid, of which the last is the largest value."""
    return Points(grid, np.array(ranks.at_or_below(numbers, "count", grid.tolist()), np.float64))


def below(bounds: Array) -> Array:
    """The numbers right below, so that what lies below a bound can be told from what lies at it."""
    return np.nextafter(bounds, -math.inf)


def _numbers(counts: DataFrame) -> Numbers:
    value, count = F.col("value"), F.col("count")
    sums = {"n": F.sum(count), "sum": F.sum(value * count), "different": F.count(value)}
    ends = {"min": F.min(value), "max": F.max(value)}
    first = counts.agg(*(total.alias(name) for name, total in {**sums, **ends}.items())).first()
    assert first is not None
    size, total, low, high = int(first["n"]), float(first["sum"]), float(first["min"]), float(first["max"])
    mean = total / size
    squares = counts.agg(F.sum(F.pow(value - F.lit(mean), 2) * count).alias("squares")).first()
    assert squares is not None
    bounds = edges(low, high)
    found = points(counts, np.unique(np.concatenate([bounds, below(bounds)])))
    std = math.sqrt(float(squares["squares"]) / size)
    distinct, buckets = int(first["different"]), found.counts(bounds)
    return Numbers(mean, total, std, low, high, distinct, buckets, _sketch(counts, size), found, 0.0)


def _sketch(counts: DataFrame, size: int) -> Sketch:
    wanted = layout.of(size)
    at = ranks.values_at(counts, wanted.levels)
    levels = [[at[rank] for rank in level] for level in wanted.levels]
    return Sketch.of_levels(levels, SIZE, SHRINK, wanted.error)


def _words(counts: DataFrame, expected: Expected, categories_max: int) -> Words:
    """All categories while they are few, else the expected ones alone."""
    distinct = counts.count()
    is_listed = distinct <= max(categories_max, len(expected.categories))
    kept = counts if is_listed else counts.where(F.col("value").isin(sorted(expected.categories)))
    rows = kept.orderBy(F.col("count").desc(), "value").collect()
    found = {row["value"]: int(row["count"]) for row in rows}
    inside = sum(found[word] for word in found.keys() & expected.categories)
    return Words(distinct, found, inside, is_listed)


def _counted(values: DataFrame) -> DataFrame:
    return values.where(F.col("value").isNotNull()).groupBy("value").count()


def _finite(values: DataFrame) -> DataFrame:
    number = F.col("value").cast("double")
    is_finite = ~F.isnan(number) & (F.abs(number) != F.lit(math.inf))
    return values.where(is_finite).select(number.alias("value"))


def _typed(words: DataFrame) -> dict[str, int]:
    """How many values look like each type."""
    is_integral, is_fractional = _looks()
    kind = F.when(is_integral, INTEGRAL).when(is_fractional, FRACTIONAL).otherwise(STRING)
    rows = words.groupBy(kind.alias("kind")).agg(F.sum("count").alias("count")).collect()
    return {INTEGRAL: 0, FRACTIONAL: 0, STRING: 0, **{row["kind"]: int(row["count"]) for row in rows}}


def _parsed(words: DataFrame) -> DataFrame:
    """The numbers among the words."""
    is_integral, is_fractional = _looks()
    number = F.regexp_replace("value", " ", "").cast("double")
    found = words.where(is_integral | is_fractional).select(number.alias("value"), "count")
    return found.groupBy("value").agg(F.sum("count").alias("count"))


def _looks() -> tuple[SparkColumn, SparkColumn]:
    return F.col("value").rlike(_INTEGRAL), F.col("value").rlike(_FRACTIONAL)


def _total(counts: DataFrame) -> int:
    found = counts.agg(F.sum("count").alias("count")).first()
    return int(found["count"] or 0) if found else 0
