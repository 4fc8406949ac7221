"""Distances: laws that hold for any samples, beside the values of Deequ's tests in tests/conformance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline_definitions.watch.scripts.analyze import distances
from pipeline_definitions.watch.scripts.analyze.distances import exact, weighted

SAMPLES = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=60)


def by_definition(a: list[float], b: list[float]) -> float:
    """The largest gap of the two CDFs, asked at every value."""
    return max(abs(sum(x <= at for x in a) / len(a) - sum(x <= at for x in b) / len(b)) for at in {*a, *b})


@given(SAMPLES, SAMPLES)
def test_the_distance_is_the_largest_gap_of_the_distributions(a: list[float], b: list[float]) -> None:
    found = [distances.numeric(exact(np.array(a)), exact(np.array(b)), asked_first) for asked_first in (1, 3, 100)]

    assert found == pytest.approx([by_definition(a, b)] * 3)


@given(SAMPLES, SAMPLES)
def test_weights_stand_for_repeated_values(a: list[float], b: list[float]) -> None:
    values, counts = np.unique(a, return_counts=True)

    found = distances.numeric(weighted(values, counts), exact(np.array(b)))

    assert found == pytest.approx(by_definition(a, b))


def test_robust_takes_off_what_small_samples_differ_by_chance() -> None:
    assert distances.robust(0.2, 200, 200) == pytest.approx(0.02)
    assert distances.robust(0.2, 1e6, 1e6) == pytest.approx(0.2 - 1.8 * (2e-6) ** 0.5)
    assert distances.robust(0.1, 200, 200) == 0


def test_buckets_are_open_above_but_for_the_last() -> None:
    sample = exact(np.array([0.0, 1.0, 1.0, 2.0]))

    assert sample.counts(np.array([0.0, 1.0, 2.0])).tolist() == [1, 3]
