"""A quantile sketch in bounded memory: Deequ's KLL in the form that draws nothing; the same data give the same bytes.

Level h holds values that stand for 2^h each. When the sketch is over its capacity, the lowest full level is compacted:
sorted, and every other value goes up a level; which half flips with every second compaction (0, 1, 1, 0, 0, 1, …). A
value that is left over from an odd number stays.

Fed one value at a time this is Deequ's sketch, value for value. Fed in batches it compacts more at once, which is
faster and closer: a compaction at level h moves no rank by more than 2^h, however many values it takes. `error` adds
this up; it is a bound for every quantile, not an estimate.

Source: github.com/awslabs/deequ, analyzers/QuantileNonSample.scala and NonSampleCompactor.scala, read 2026-11.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pipeline_definitions.watch.scripts.analyze.distances import Points, weighted

Array = np.ndarray[Any, Any]

SIZE: Final = 2048
SHRINK: Final = 0.64


def capacity(height: int, size: int = SIZE, shrink: float = SHRINK) -> int:
    """How many values a level holds before it is full."""
    return 2 * (math.ceil(size * shrink**height / 2) + 1)


@dataclass
class _Level:
    values: Array = field(default_factory=lambda: np.empty(0))
    compactions: int = 0
    offset: int = 0

    def compacted(self) -> Array:
        """Give every other value away; keep what is left over."""
        even = len(self.values) - len(self.values) % 2
        if self.compactions % 2:
            self.offset = 1 - self.offset
        self.compactions += 1
        given = _ordered(self.values[:even])[self.offset :: 2]
        self.values = self.values[even:].copy()
        return given


class Sketch:
    """Quantiles of a stream of numbers.

    Attributes:
        error: no rank is off by more than this share of all values.
    """

    def __init__(self, size: int = SIZE, shrink: float = SHRINK) -> None:
        self.size, self.shrink = size, shrink
        self._levels = [_Level()]
        self._moved = 0
        self._known_error: float | None = None

    @classmethod
    def of_levels(
        cls, levels: Sequence[Sequence[float]], size: int, shrink: float, error: float | None = None
    ) -> "Sketch":
        """A sketch from its file, whoever made it.

        How often it was compacted is not in there; no level gives values away before it is full, which bounds its error
        unless that is known.
        """
        sketch = cls(size, shrink)
        sketch._levels = [_Level(np.asarray(values, float)) for values in levels]
        at_most = sum(1 / capacity(height, size, shrink) for height in range(len(levels) - 1))
        sketch._known_error = at_most if error is None else error
        return sketch

    @property
    def levels(self) -> list[Array]:
        """The values kept. Those of level h stand for 2^h each."""
        return [level.values for level in self._levels]

    @property
    def weight(self) -> int:
        """How many values it stands for."""
        return sum(len(level.values) << height for height, level in enumerate(self._levels))

    @property
    def error(self) -> float:
        if self._known_error is not None:
            return self._known_error
        return self._moved / self.weight if self.weight else 0.0

    def update(self, values: Array) -> None:
        """Take more values in. Shape: values; float64 without NaN."""
        lowest = self._levels[0]
        lowest.values = np.concatenate([lowest.values, values]) if len(lowest.values) else values
        while sum(len(level.values) for level in self._levels) > self._capacity():
            self._condense()

    def points(self) -> Points:
        """The sketch as a step function."""
        weights = [np.full(len(level.values), 1 << height) for height, level in enumerate(self._levels)]
        return weighted(np.concatenate(self.levels), np.concatenate(weights))

    def _capacity(self) -> int:
        return sum(capacity(height, self.size, self.shrink) for height in range(len(self._levels)))

    def _condense(self) -> None:
        for height, level in enumerate(self._levels):
            if len(level.values) >= capacity(height, self.size, self.shrink):
                if height + 1 == len(self._levels):
                    self._levels.append(_Level())
                above = self._levels[height + 1]
                given = level.compacted()
                above.values = np.concatenate([above.values, given]) if len(above.values) else given
                self._moved += 1 << height
                return


def _ordered(values: Array) -> Array:
    """Sorted; what is sorted already, as whole columns and what was given up are, is only looked at."""
    return values if (values[1:] >= values[:-1]).all() else np.sort(values)
