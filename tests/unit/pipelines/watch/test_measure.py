"""What is measured of a column: Deequ's types, moments, categories; whole or in batches, the same."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from pipeline_definitions.watch.scripts.analyze.columns import Column
from pipeline_definitions.watch.scripts.analyze.distinct import Distinct
from pipeline_definitions.watch.scripts.analyze.measure import Expected, Measure


def measured(*batches: list[object], expected: Expected | None = None, **how: object) -> Column:
    measure = Measure("x", expected or Expected(), **how)  # type: ignore[arg-type]
    for batch in batches:
        measure.update(pl.Series(batch))
    return measure.result()


@pytest.mark.parametrize(
    ("values", "inferred"),
    [
        (["1", "-3", "+ 4"], "Integral"),
        (["1", "2.5"], "Fractional"),
        (["1e5", "1.5E-3"], "Fractional"),
        ([".5"], "String"),
        (["5."], "String"),
        (["1", "x"], "String"),
        (["inf"], "String"),
        ([None, None], "Unknown"),
        ([1, 2], "Integral"),
        ([1.0, 2.0], "Fractional"),
        ([True, False], "String"),
        ([[1, 2], [3]], "String"),
        ([timedelta(1), None], "String"),
        ([datetime(2026, 1, 1, tzinfo=UTC)], "String"),
    ],
)
def test_types_are_deequs(values: list[object], inferred: str) -> None:
    assert measured(values).inferred_type == inferred


def test_an_integer_is_no_fraction() -> None:
    assert measured(["1", "2.5", "3", "4.5"]).types == {"Integral": 2, "Fractional": 2, "String": 0}


def test_moments_are_those_of_the_population() -> None:
    column = measured([1.0, 2.0, None, math.nan], [3.0, 4.0, math.inf])

    assert column.numbers
    assert (column.present, column.missing) == (4, 3)
    assert (column.numbers.mean, column.numbers.total) == (2.5, 10.0)
    assert column.numbers.std == pytest.approx(np.std([1, 2, 3, 4]))
    assert (column.numbers.minimum, column.numbers.maximum, column.numbers.distinct) == (1, 4, 4)


@pytest.mark.parametrize("is_exact", [True, False])
def test_batches_say_what_the_whole_says(is_exact: bool) -> None:
    values = np.random.default_rng(1).normal(size=30_000)
    whole = measured(values.tolist(), is_exact=is_exact).numbers
    parts = measured(*(part.tolist() for part in np.array_split(values, 7)), is_exact=is_exact).numbers

    assert whole
    assert parts
    assert parts.std == pytest.approx(whole.std, rel=1e-12)
    assert parts.buckets.sum() == whole.buckets.sum() == 30_000
    assert parts.distinct == whole.distinct
    assert (whole.error == 0) is is_exact
    assert parts.error < 0.002


def test_text_is_counted_while_its_categories_are_few() -> None:
    few = measured(["a", "b", "a", None]).words
    many = measured([f"id-{n}" for n in range(500)], ["a"] * 3).words

    assert few
    assert many
    assert (dict(few.counts), few.distinct, few.is_listed) == ({"a": 2, "b": 1}, 2, True)
    assert (dict(many.counts), many.distinct, many.is_listed) == ({}, 501, False)


def test_expected_categories_are_counted_however_many_there_are() -> None:
    words = measured(
        ["a"] * 7, [f"id-{n}" for n in range(500)], ["a", "b"], expected=Expected("String", frozenset("ab"))
    ).words

    assert words
    assert (dict(words.counts), words.inside, words.is_listed) == ({"a": 8, "b": 1}, 9, False)


def test_numbers_that_are_expected_are_measured_among_text() -> None:
    column = measured(["1", "junk", "3"], expected=Expected("Integral"))

    assert column.inferred_type == "String"
    assert column.numbers
    assert column.numbers.mean == 2


@pytest.mark.parametrize("count", [10, 4_000, 50_000, 1_000_000])
def test_distinct_values_are_exact_while_few_and_then_within_five_percent(count: int) -> None:
    for values in (pl.int_range(count, eager=True), pl.int_range(count, eager=True).cast(pl.Float64) / 7):
        distinct = Distinct()
        distinct.update(values.hash().to_numpy())
        distinct.update(values.head(1000).hash().to_numpy())

        assert distinct.count == pytest.approx(count, rel=0 if count < 4096 else 0.05)
