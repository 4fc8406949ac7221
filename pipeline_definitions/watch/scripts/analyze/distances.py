"""How far two distributions are apart, by Deequ's definitions, which are Model Monitor's.

Numeric: the largest difference between two step CDFs (two-sample Kolmogorov-Smirnov), be a sample given whole or
as a weighted sketch. Categories: the largest difference between two probabilities (not CDFs). `robust` takes off what
two samples of these sizes differ by chance.

Source: github.com/awslabs/deequ, analyzers/Distance.scala, read 2026-11; drift_distances.json holds its tests' values.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]

C_ALPHA: Final = 1.8
"""Deequ's default, alpha = 0.003."""
_PSI_FLOOR: Final = 1e-6


@dataclass(frozen=True)
class Points:
    """A sample as a step function.

    Attributes:
        values: sorted. Shape: points; float64.
        ranks: how much of the sample lies at or below each value; None if each value counts once.
    """

    values: Array
    ranks: Array | None = None

    @property
    def weight(self) -> float:
        """The size of the sample that this stands for."""
        if self.ranks is None:
            return float(len(self.values))
        return float(self.ranks[-1]) if len(self.ranks) else 0.0

    def at_or_below(self, sorted_queries: Array) -> Array:
        """Share of the sample at or below each query. Shape: queries."""
        return self._ranks(np.searchsorted(self.values, sorted_queries, side="right")) / self.weight

    def between(self, lows: Array, highs: Array) -> Array:
        """All values that lie in one of the intervals, their upper end left out. Shape: values."""
        starts = np.searchsorted(self.values, lows, side="left")
        ends = np.searchsorted(self.values, highs, side="left")
        parts = [self.values[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        return np.concatenate(parts)

    def counts(self, edges: Array) -> Array:
        """How much lies in [edge, next edge), the last one closed. Shape: edges - 1."""
        places = np.searchsorted(self.values, edges, side="left")
        places[-1] = np.searchsorted(self.values, edges[-1], side="right")
        return np.diff(self._ranks(places))

    def _ranks(self, places: Array) -> Array:
        if self.ranks is None:
            return places.astype(np.float64)
        return np.concatenate([[0.0], self.ranks])[places]


def exact(values: Array) -> Points:
    """A whole sample."""
    return Points(np.sort(values))


def weighted(values: Array, weights: Array) -> Points:
    """A sample of which each value stands for `weights` of them."""
    order = np.argsort(values, kind="stable")
    return Points(values[order], np.cumsum(weights[order], dtype=np.float64))


def numeric(a: Points, b: Points, asked_first: int = 8192) -> float:
    """`linf_simple` of two numeric samples, neither of them empty.

    The supremum is at a value of one of them. Between two values that were asked, no gap is larger than from the one
    CDF's begin to the other's end: most values of large samples need not be asked.
    """
    coarse = np.union1d(*(sample.values[:: max(1, len(sample.values) // asked_first)] for sample in (a, b)))
    low, high = coarse.min(), max(a.values[-1], b.values[-1])
    grid = coarse if high == coarse[-1] else np.append(coarse, high)
    at_a, at_b = a.at_or_below(grid), b.at_or_below(grid)
    largest = float(np.max(np.abs(at_a - at_b)))
    at_most = np.maximum(at_a[1:] - at_b[:-1], at_b[1:] - at_a[:-1])
    open_ = np.flatnonzero(at_most > largest)
    if not len(open_) or not low < high:
        return largest
    asked = np.unique(np.concatenate([sample.between(grid[open_], grid[open_ + 1]) for sample in (a, b)]))
    return max(largest, float(np.max(np.abs(a.at_or_below(asked) - b.at_or_below(asked)), initial=0.0)))


def categorical(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    """`linf_simple` of two samples of categories, given by their counts, neither of them empty."""
    names = {*a, *b}
    p, q = (np.fromiter((side.get(name, 0) for name in names), float, len(names)) for side in (a, b))
    return float(np.max(np.abs(p / p.sum() - q / q.sum())))


def robust(simple: float, n: float, m: float, alpha: float | None = None) -> float:
    """What is left of a distance when the noise of samples of size n and m is taken off; never below 0."""
    c_alpha = C_ALPHA if alpha is None else math.sqrt(-math.log(alpha / 2) / 2)
    return max(0.0, simple - c_alpha * math.sqrt((n + m) / (n * m)))


def psi(actual: Sequence[float], expected: Sequence[float]) -> float:
    """Population stability index over the same buckets: shown to people, never a reason for a violation."""
    p, q = (np.maximum(np.asarray(side, float) / sum(side), _PSI_FLOOR) for side in (actual, expected))
    return float(np.sum((p - q) * np.log(p / q)))
