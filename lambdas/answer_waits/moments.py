"""Running moments of a sample: count, mean and central sums to the third, in one pass and mergeable."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce


@dataclass(frozen=True)
class Moments:
    """A sample, boiled down.

    Attributes:
        m2: sum of squared deviations from the mean.
        m3: sum of cubed deviations from the mean.
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    m3: float = 0.0

    @property
    def variance(self) -> float:
        """Of the population that the sample is from; 0 while there are not two values."""
        return self.m2 / (self.n - 1) if self.n > 1 else 0.0

    @property
    def third(self) -> float:
        """Third central moment of the sample."""
        return self.m3 / self.n if self.n else 0.0


def of(values: Iterable[float]) -> Moments:
    """Moments of values, one after the other."""
    return reduce(lambda seen, value: merge(seen, Moments(1, value)), values, Moments())


def merge(a: Moments, b: Moments) -> Moments:
    """Moments of both samples together.

    Source: Chan, Golub, LeVeque 1979 (variance); Pebay, SAND2008-6212 (third moment).
    """
    n = a.n + b.n
    if not a.n or not b.n:
        return a if a.n else b
    delta = b.mean - a.mean
    mean = a.mean + delta * b.n / n
    m2 = a.m2 + b.m2 + delta**2 * a.n * b.n / n
    m3 = a.m3 + b.m3 + delta**3 * a.n * b.n * (a.n - b.n) / n**2 + 3 * delta * (a.n * b.m2 - b.n * a.m2) / n
    return Moments(n, mean, m2, m3)


def total(samples: Iterable[Moments]) -> Moments:
    """All samples together."""
    return reduce(merge, samples, Moments())


def parse(row: Mapping[str, float]) -> Moments:
    """From a plain mapping."""
    return Moments(int(row["n"]), row["mean"], row["m2"], row["m3"])
