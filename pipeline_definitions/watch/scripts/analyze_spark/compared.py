"""The drift of a column that Spark measured: exact, though nobody holds both samples.

The largest difference of two step CDFs is at some value. Spark finds it; then the CDFs are told at a small grid that
has it, and `analyze` compares them as it compares any two samples.
"""

from dataclasses import replace

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everybody has it

from pipeline_definitions.watch.scripts.analyze import drift
from pipeline_definitions.watch.scripts.analyze.columns import NUMERIC, Column, Numbers
from pipeline_definitions.watch.scripts.analyze.constraints_file import Rules
from pipeline_definitions.watch.scripts.analyze.distances import Points
from pipeline_definitions.watch.scripts.analyze.drift import Drift
from pipeline_definitions.watch.scripts.analyze_spark import ranks
from pipeline_definitions.watch.scripts.analyze_spark.measured import Array, Measured, below, points


def compare(current: Measured, baseline: Measured | Column, rules: Rules) -> Drift | None:
    """The drift of one feature against the baseline's data, or against its statistics."""
    other = baseline.column if isinstance(baseline, Measured) else baseline
    now, before = current.column.numbers, other.numbers
    if other.inferred_type not in NUMERIC or not now or not before or current.numbers is None:
        return drift.compare(current.column, other, rules)
    counts = current.numbers
    there = baseline.numbers if isinstance(baseline, Measured) else _as_frame(counts, before.points)
    assert there is not None
    grid = _grid(now, before, ranks.farthest(_beside(counts, there)))
    whole = points(there, grid) if isinstance(baseline, Measured) else _at(before.points, grid)
    return drift.compare(
        replace(current.column, numbers=replace(now, points=points(counts, grid))),
        replace(other, numbers=replace(before, points=whole)),
        rules,
    )


def _grid(now: Numbers, before: Numbers, farthest: float) -> Array:
    """Where the CDFs have to be known: at the farthest value, around the bounds of buckets, at both ends."""
    bounds = before.edges
    ends = [farthest, now.minimum, now.maximum, before.minimum, before.maximum]
    return np.unique(np.concatenate([bounds, below(bounds), ends]))


def _beside(current: DataFrame, baseline: DataFrame) -> DataFrame:
    """Both samples' counts at each value of one of them."""
    a = current.select("value", F.col("count").alias("a"), F.lit(0).alias("b"))
    b = baseline.select("value", F.lit(0).alias("a"), F.col("count").alias("b"))
    return a.unionByName(b).groupBy("value").agg(F.sum("a").alias("a"), F.sum("b").alias("b"))


def _as_frame(like: DataFrame, sample: Points) -> DataFrame:
    """A sketch's few values as counts."""
    weights = np.diff(sample.ranks, prepend=0.0) if sample.ranks is not None else np.ones(len(sample.values))
    rows = [(float(value), int(weight)) for value, weight in zip(sample.values, weights, strict=True)]
    return like.sparkSession.createDataFrame(rows, "value double, count long")


def _at(sample: Points, grid: Array) -> Points:
    return Points(grid, sample.at_or_below(grid) * sample.weight)
