"""Ranks in a column that no machine holds: values with their counts, ordered over partitions.

A frame of counts has a column `value` and one or more columns of counts; each value stands in it once.
"""

from collections.abc import Sequence
from itertools import accumulate

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - as everybody has it


def cumulated(counts: DataFrame, names: Sequence[str]) -> DataFrame:
    """With `<name>_upto`: how many lie at or below each value.

    A window over everything would be one task. Values are ranged over partitions first; within a partition a window
    adds up, and what the partitions before it hold comes from the driver, a number each.
    """
    ranged = counts.repartitionByRange("value").withColumn("part", F.spark_partition_id()).persist()
    sums = ranged.groupBy("part").agg(*(F.sum(name).alias(name) for name in names)).orderBy("part").collect()
    parts = [row["part"] for row in sums]
    inside = Window.partitionBy("part").orderBy("value").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    for name in names:
        before = [0, *accumulate(row[name] for row in sums)]
        offset = _by_part(dict(zip(parts, before[:-1], strict=True)))
        ranged = ranged.withColumn(f"{name}_upto", F.sum(name).over(inside) + offset)
    return ranged


def at_or_below(counts: DataFrame, name: str, grid: Sequence[float]) -> list[int]:
    """How many lie at or below each of a few numbers."""
    sums = [F.sum(F.when(F.col("value") <= F.lit(edge), F.col(name)).otherwise(0)) for edge in grid]
    found = counts.agg(*(total.alias(str(place)) for place, total in enumerate(sums))).first()
    assert found is not None
    return [int(found[str(place)]) for place in range(len(grid))]


def farthest(counts: DataFrame) -> float:
    """The value at which the step CDFs of the counts `a` and `b` are farthest apart."""
    total = counts.agg(F.sum("a").alias("a"), F.sum("b").alias("b")).first()
    assert total is not None
    apart = F.abs(F.col("a_upto") / F.lit(float(total["a"])) - F.col("b_upto") / F.lit(float(total["b"])))
    found = cumulated(counts, ("a", "b")).orderBy(apart.desc(), "value").first()
    assert found is not None
    return float(found["value"])


def values_at(counts: DataFrame, wanted: Sequence[range]) -> dict[int, float]:
    """The values at ranks, counted from 0; `wanted` are a few progressions."""
    first, end = F.col("count_upto") - F.col("count"), F.col("count_upto")
    hits = [_meets(ranks, first, end) for ranks in wanted if len(ranks)]
    is_wanted = hits[0]
    for hit in hits[1:]:
        is_wanted = is_wanted | hit
    rows = cumulated(counts, ("count",)).where(is_wanted).select("value", first.alias("first"), end.alias("end"))
    spans = [(row["first"], row["end"], row["value"]) for row in rows.collect()]
    found = {}
    for ranks in wanted:
        for start, stop, value in spans:
            lowest = max(0, -(-(start - ranks.start) // ranks.step))
            highest = min(len(ranks), -(-(stop - ranks.start) // ranks.step))
            found.update(dict.fromkeys(ranks[lowest:highest] if lowest < highest else (), float(value)))
    return found


def _meets(ranks: range, first: SparkColumn, end: SparkColumn) -> SparkColumn:
    """Whether [first, end) has one of the ranks."""
    place = F.greatest(F.lit(0), F.ceil((first - F.lit(ranks.start)) / F.lit(ranks.step)))
    return (place < F.lit(len(ranks))) & (place * F.lit(ranks.step) + F.lit(ranks.start) < end)


def _by_part(offsets: dict[int, int]) -> SparkColumn:
    pairs = [F.lit(item) for pair in offsets.items() for item in pair]
    return F.create_map(*pairs)[F.col("part")]
