"""Metric math: documented syntax, the numbers reasoned."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.semantics.cloudwatch import math_functions
from emulator.semantics.cloudwatch.expressions import MathError
from emulator.semantics.cloudwatch.metric_math import Scope
from emulator.semantics.cloudwatch.series import Series

M1 = Series({0: 1.0, 60: 2.0, 120: 4.0, 240: 8.0}, "m1")
M2 = Series({0: 10.0, 60: 0.0, 180: 5.0}, "m2")
ERRORS = Series({0: 3.0}, "errors")


class UnknownIdError(Exception):
    """Raised for an id that no query has; the service refuses those beforehand."""


def scope(**series: Series) -> Scope:
    metrics = {"m1": M1, "m2": M2, "errors": ERRORS, **series}

    def value_of(name: str) -> Series:
        if name not in metrics:
            raise UnknownIdError(name)
        return metrics[name]

    return Scope(0, 300, 60, metrics, value_of, lambda text, stat, period: [M1, M2] if stat == "Sum" else [])


def compute(text: str) -> Any:
    found = math_functions.evaluate(text, scope())
    if isinstance(found, list):
        return [dict(series.points) for series in found]
    return dict(found.points) if isinstance(found, Series) else found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("2 ^ 3 ^ 2", 512),
        ("-2 ^ 2", -4),
        ("(1 + 2) * -3", -9),
        ("1 < 2 && 2 >= 3 || 1 == 1", 1),
        ("m1 * 2", {0: 2, 60: 4, 120: 8, 240: 16}),
        ("m1 + m2", {0: 11, 60: 2, 120: 4, 180: 5, 240: 8}),
        ("m1 / m2", {0: 0.1, 180: 0}),
        ("m1 > 2", {0: 0, 60: 0, 120: 1, 240: 1}),
        ("SUM(m1)", 15),
        ("AVG([m1, m2])", {0: 5.5, 60: 1, 120: 4, 180: 5, 240: 8}),
        ("MAX([m1, m2])", {0: 10, 60: 2, 120: 4, 180: 5, 240: 8}),
        ("MIN(m1)", 1),
        ("STDDEV(m1)", pytest.approx(2.6810, abs=1e-3)),
        ("SUM(METRICS())", {0: 14, 60: 2, 120: 4, 180: 5, 240: 8}),
        ('METRICS("err")', [{0: 3}]),
        ("METRIC_COUNT(METRICS())", 3),
        ("DATAPOINT_COUNT(m1)", 4),
        ("ABS(0 - m1)", {0: 1, 60: 2, 120: 4, 240: 8}),
        ("CEIL(m1 / 3)", {0: 1, 60: 1, 120: 2, 240: 3}),
        ("FLOOR(m1 / 3)", {0: 0, 60: 0, 120: 1, 240: 2}),
        ("DIFF(m1)", {60: 1, 120: 2, 240: 4}),
        ("DIFF_TIME(m1)", {60: 60, 120: 60, 240: 120}),
        ("RATE(m1)", {60: 1 / 60, 120: 2 / 60, 240: 4 / 120}),
        ("RUNNING_SUM(m1)", {0: 1, 60: 3, 120: 7, 240: 15}),
        ("PERIOD(m1)", 60),
        ("SUM(m1) / PERIOD(m1)", 0.25),
        ("FILL(m1, 0)", {0: 1, 60: 2, 120: 4, 180: 0, 240: 8}),
        ("FILL(m1, REPEAT)", {0: 1, 60: 2, 120: 4, 180: 4, 240: 8}),
        ("FILL(m1, LINEAR)", {0: 1, 60: 2, 120: 4, 180: 6, 240: 8}),
        ("FILL(METRICS(), 0)", None),
        ("IF(m1 > 2, m1, 0)", {0: 0, 60: 0, 120: 4, 240: 8}),
        ("IF(m1 > 2, 1)", {120: 1, 240: 1}),
        ("IF(1, m1)", {0: 1, 60: 2, 120: 4, 240: 8}),
        ("TIME_SERIES(7)", {0: 7, 60: 7, 120: 7, 180: 7, 240: 7}),
        ("FIRST(METRICS())", {0: 1, 60: 2, 120: 4, 240: 8}),
        ("LAST(METRICS())", {0: 3}),
        ("SLICE(METRICS(), 1, 2)", [{0: 10, 60: 0, 180: 5}]),
        ("SORT(METRICS(), MAX, DESC, 1)", [{0: 10, 60: 0, 180: 5}]),
        ("SUM(SEARCH('{n,d} m', 'Sum', 60))", {0: 11, 60: 2, 120: 4, 180: 5, 240: 8}),
        ("SEARCH('{n,d} m', 'Average', 60)", []),
        ("MINUTE(m1)", {0: 0, 60: 1, 120: 2, 240: 4}),
        ("[m1, m2] * 0", [{0: 0, 60: 0, 120: 0, 240: 0}, {0: 0, 60: 0, 180: 0}]),
    ],
)
def test_an_expression(text: str, expected: Any) -> None:
    found = compute(text)

    if expected is None:
        assert all(len(series) == 5 for series in found)
    else:
        assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m1 +",
        "(m1",
        "m1 m2",
        "NOPE(m1)",
        "FILL(m1)",
        "1 / 0",
        "'x' + 1",
        "[m1] + [m1, m2]",
        "SELECT AVG(x) FROM y",
        "m1 # 2",
    ],
)
def test_what_cannot_be_read_or_computed_is_refused(text: str) -> None:
    with pytest.raises(MathError):
        compute(text)


def test_a_band_is_the_median_and_its_robust_spread() -> None:
    steady = Series({60 * at: value for at, value in enumerate([10.0, 11.0, 9.0, 10.0, 10.0, 100.0])}, "m")

    found = math_functions.evaluate("ANOMALY_DETECTION_BAND(m, 2)", scope(m=steady))

    assert isinstance(found, list)
    upper, lower = (series.points[0] for series in found)
    assert lower < 10 < upper < 15, "one outlier does not widen the band"


@given(st.text(alphabet="m12+-*/^()<>=&|,.[]'\" SUMFILIF", max_size=40))
def test_any_text_is_computed_or_refused(text: str) -> None:
    with suppress(MathError, UnknownIdError):
        compute(text)


@given(st.dictionaries(st.integers(0, 4).map(lambda n: 60 * n), st.floats(-1e6, 1e6)), st.floats(-100, 100))
def test_scaling_comes_before_or_after_adding_up(points: dict[int, float], factor: float) -> None:
    here = scope(x=Series(points))

    one = math_functions.evaluate("SUM([x, m1])", here)
    other = math_functions.evaluate("x + m1", here)

    assert isinstance(one, Series)
    assert isinstance(other, Series)
    assert dict(one.points) == pytest.approx(dict(other.points))
