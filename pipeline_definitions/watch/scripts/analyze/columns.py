"""What is known of a data set, column by column: values alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from pipeline_definitions.watch.scripts.analyze.distances import Points
from pipeline_definitions.watch.scripts.analyze.sketch import Sketch

Array = np.ndarray[Any, Any]

INTEGRAL: Final = "Integral"
FRACTIONAL: Final = "Fractional"
STRING: Final = "String"
UNKNOWN: Final = "Unknown"
NUMERIC: Final = frozenset({INTEGRAL, FRACTIONAL})

BUCKETS: Final = 10
LOW_CARDINALITY: Final = 120
"""Up to so many categories are listed, as by Deequ's profiler."""


@dataclass(frozen=True)
class Numbers:
    """A column's numeric values.

    Attributes:
        std: of the population.
        distinct: an estimate beyond `distinct.EXACT`.
        buckets: how many lie in each of ten of equal width. Shape: 10.
        points: the distribution: of every value, or of the sketch.
        error: no rank in `points` is off by more than this share.
    """

    mean: float
    total: float
    std: float
    minimum: float
    maximum: float
    distinct: int
    buckets: Array
    sketch: Sketch
    points: Points
    error: float

    @property
    def edges(self) -> Array:
        """Of the buckets. Shape: 11."""
        return edges(self.minimum, self.maximum)

    def without_values(self) -> "Numbers":
        """The same in bounded memory: the sketch stands for the values."""
        return replace(self, points=self.sketch.points(), error=self.sketch.error)


@dataclass(frozen=True)
class Words:
    """A column's values as categories.

    Attributes:
        counts: of each category; of the expected ones alone if there were too many.
        inside: how many values are among the expected categories.
        is_listed: every category is in `counts`.
    """

    distinct: int
    counts: Mapping[str, int]
    inside: int = 0
    is_listed: bool = True


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        types: how many values look like each type; empty when read from a file.
        numbers: of those values that are numbers, if numbers are inferred or expected.
        words: of all values, if text is inferred or expected.
    """

    name: str
    inferred_type: str
    present: int
    missing: int
    types: Mapping[str, int] = field(default_factory=dict)
    numbers: Numbers | None = None
    words: Words | None = None

    def without_values(self) -> "Column":
        """The same in bounded memory."""
        return replace(self, numbers=self.numbers.without_values()) if self.numbers else self

    @property
    def completeness(self) -> float:
        """Share of rows with a value; an empty column is complete in nothing."""
        rows = self.present + self.missing
        return self.present / rows if rows else 0.0


@dataclass(frozen=True)
class Profile:
    """A data set."""

    item_count: int
    columns: tuple[Column, ...]

    def named(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


def edges(minimum: float, maximum: float) -> Array:
    """Of ten buckets of equal width. Shape: 11."""
    return np.linspace(minimum, maximum, BUCKETS + 1)


def infer(types: Mapping[str, int]) -> str:
    """The type of a column from those of its values: any text makes it text, any fraction makes it fractional."""
    seen = {kind for kind, count in types.items() if count}
    return next((kind for kind in (STRING, FRACTIONAL, INTEGRAL) if kind in seen), UNKNOWN)
