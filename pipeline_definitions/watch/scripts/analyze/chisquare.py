"""Pearson's chi-square test of categories against a baseline, with Deequ's regrouping of rare ones.

Source: github.com/awslabs/deequ, analyzers/Distance.scala, read 2026-11.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

RARE: Final = 5
RARE_SHARE_MAX: Final = 0.2
"""Yates, Moore and McCabe: at most a fifth of the expected counts below 5."""
RARE_OF_TWO: Final = 10
"""Cochran: with two categories, none below 10."""

Counts = Mapping[str, float]


@dataclass(frozen=True)
class ChiSquare:
    """NaN twice where fewer than two categories are left."""

    statistic: float
    p_value: float


def test(sample: Counts, expected: Counts) -> ChiSquare:
    """Whether the sample's categories come from the expected ones.

    The expected counts are scaled to what the sample has of the expected categories; others are left out.
    """
    known = sum(count for key, count in sample.items() if key in expected)
    total = sum(expected.values())
    observed, scaled = _regrouped(sample, {key: count / total * known for key, count in expected.items()})
    if len(scaled) < 2:
        return ChiSquare(math.nan, math.nan)
    if min(scaled.values()) == 0:  # Spark's answer to something where nothing was expected
        return ChiSquare(math.inf, 0.0)
    statistic = sum((observed.get(key, 0.0) - count) ** 2 / count for key, count in scaled.items())
    return ChiSquare(statistic, _beyond(statistic, len(scaled) - 1))


def _regrouped(sample: Counts, expected: Counts) -> tuple[Counts, Counts]:
    """The smallest expected category joins the next smallest until few enough are rare."""
    observed, left = dict(sample), dict(expected)
    while len(left) >= 2 and _has_too_many_rare(left):
        smallest = min(left, key=lambda key: left[key])
        expected_there, observed_there = left.pop(smallest), observed.pop(smallest, 0.0)
        next_smallest = min(left, key=lambda key: left[key])
        left[next_smallest] += expected_there
        observed[next_smallest] = observed.get(next_smallest, 0.0) + observed_there
    return observed, left


def _has_too_many_rare(expected: Counts) -> bool:
    if len(expected) == 2:
        return min(expected.values()) < RARE_OF_TWO
    rare = sum(count < RARE for count in expected.values())
    return rare > int(RARE_SHARE_MAX * len(expected))


def _beyond(statistic: float, degrees: int) -> float:
    from scipy.special import chdtrc  # only who asks for chi-square waits for scipy

    return float(chdtrc(degrees, statistic))
