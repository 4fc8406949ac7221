"""Statistics of a period: documented by AWS's statistics page, the numbers reasoned."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.cloudwatch import statistics
from emulator.semantics.cloudwatch.statistics import Reading

TEN = [statistics.single(float(number)) for number in range(1, 11)]
NUMBERS = st.floats(-1e6, 1e6)
READINGS = st.lists(st.tuples(NUMBERS, st.integers(1, 5)), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("SampleCount", 10),
        ("Sum", 55),
        ("Average", 5.5),
        ("Minimum", 1),
        ("Maximum", 10),
        ("p0", 1),
        ("p50", 5.5),
        ("p100", 10),
        ("tm90", 5),
        ("TM(10%:90%)", 5.5),
        ("TM(2:5)", 4),
        ("tc50", 5),
        ("TC(:3)", 3),
        ("ts20", 3),
        ("PR(:3)", 30),
        ("IQM", 5.5),
        ("WM(3:8)", 5.5),
    ],
)
def test_a_statistic_of_the_numbers_one_to_ten(name: str, expected: float) -> None:
    assert statistics.compute(name, TEN) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["p101", "p", "median", "TM(:)", "PR(10%:20%)", "average"])
def test_what_cloudwatch_does_not_know_is_unknown(name: str) -> None:
    assert not statistics.is_known(name)


def test_a_statistic_set_has_percentiles_only_when_its_samples_are_equal() -> None:
    mixed, equal = statistics.statistic_set(4, 10, 1, 4), statistics.statistic_set(4, 8, 2, 2)

    assert statistics.compute("Average", [mixed, equal]) == 18 / 8
    assert statistics.compute("p90", [mixed, equal]) is None
    assert statistics.compute("p90", [equal]) == 2


@pytest.mark.parametrize(
    ("name", "count", "is_few"),
    [
        ("p99", 999, True),
        ("p99", 1001, False),
        ("p50", 19, True),
        ("p10", 99, True),
        ("p10", 101, False),
        ("Sum", 1, False),
    ],
)
def test_a_percentile_of_few_samples_is_not_significant(name: str, count: float, is_few: bool) -> None:
    assert statistics.has_few_samples(name, count) is is_few


@given(READINGS, st.integers(0, 100))
def test_values_with_counts_are_values_put_again_and_again(pairs: list[tuple[float, int]], percent: int) -> None:
    together = [statistics.several(pairs)]
    apart = [statistics.single(value) for value, times in pairs for _ in range(times)]

    for name in ("SampleCount", "Sum", "Average", "Minimum", "Maximum", f"p{percent}", "tm80"):
        assert statistics.compute(name, together) == pytest.approx(statistics.compute(name, apart), abs=1e-3)


@given(st.lists(NUMBERS, min_size=1, max_size=30), st.integers(0, 100), st.integers(0, 100))
def test_percentiles_grow_and_stay_between_the_extremes(values: list[float], one: int, other: int) -> None:
    readings: list[Reading] = [statistics.single(value) for value in values]
    low, high = (statistics.compute(f"p{percent}", readings) for percent in sorted((one, other)))

    assert low is not None
    assert high is not None
    assert min(values) - 1e-6 <= low <= high + 1e-6 <= max(values) + 2e-6
