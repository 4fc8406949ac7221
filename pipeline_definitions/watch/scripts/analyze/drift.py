"""Has a feature's distribution drifted from the baseline's? Numbers by their CDFs, text by its categories.

With ChiSquared, Robust asks for the p-value and Simple for the statistic, as Deequ does. Which way a p-value violates
is documented nowhere; here a small one does, since anything else would call equal distributions drifted.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline_definitions.watch.scripts.analyze import chisquare, distances
from pipeline_definitions.watch.scripts.analyze.columns import NUMERIC, Column, Numbers, Words
from pipeline_definitions.watch.scripts.analyze.constraints_file import CHI_SQUARED, ROBUST, Rules

SHOWN: Final = 12
"""So many categories are shown one by one."""


@dataclass(frozen=True)
class Histogram:
    """Two distributions over the same buckets; shares.

    Attributes:
        labels: where a bucket begins, or its category.
    """

    labels: tuple[str, ...]
    baseline: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True)
class Drift:
    """How far a feature is from its baseline.

    Attributes:
        is_numeric: compared by its numbers, else by its categories.
        distance: by the feature's method.
        simple: the distance before the noise is taken off; for ChiSquared the statistic.
        error: the distance is off by no more than this; 0 if every value was compared.
        psi: over the buckets shown: for people.
    """

    feature: str
    is_numeric: bool
    method: str
    distance: float
    simple: float
    threshold: float
    is_violation: bool
    error: float
    psi: float
    histogram: Histogram

    @property
    def is_p_value(self) -> bool:
        """Whether small distances are the alarming ones."""
        return self.method == f"{CHI_SQUARED} {ROBUST}"

    @property
    def times_threshold(self) -> float:
        """Above 1 it has drifted, whatever the method."""
        if math.isnan(self.distance):
            return 0.0
        if self.is_p_value:
            return self.threshold / max(self.distance, 1e-300)
        return self.distance / self.threshold if self.threshold else float(self.distance > 0)


def compare(current: Column, baseline: Column, rules: Rules) -> Drift | None:
    """The drift of one feature; None where there is nothing to compare."""
    if baseline.inferred_type in NUMERIC and baseline.numbers and current.numbers:
        return _numeric(current.name, current.numbers, baseline.numbers, rules)
    words = baseline.words
    if words and words.is_listed and words.counts and current.words and current.present:
        return _categorical(current, current.words, words, rules)
    return None


def _numeric(name: str, current: Numbers, baseline: Numbers, rules: Rules) -> Drift:
    simple = distances.numeric(current.points, baseline.points)
    noise_free = distances.robust(simple, current.points.weight, baseline.points.weight)
    distance = noise_free if rules.method == ROBUST else simple
    histogram = _buckets(current, baseline)
    return Drift(
        name,
        True,
        rules.method,
        distance,
        simple,
        rules.threshold,
        distance > rules.threshold,
        current.error + baseline.error,
        distances.psi(histogram.current, histogram.baseline),
        histogram,
    )


def _categorical(current: Column, words: Words, baseline: Words, rules: Rules) -> Drift:
    found = _whole(words, current.present)
    simple, distance, is_beyond = _compared(found, baseline.counts, rules)
    histogram = _categories(found, baseline.counts)
    method = rules.method if rules.categorical_method != CHI_SQUARED else f"{CHI_SQUARED} {rules.method}"
    psi = distances.psi(histogram.current, histogram.baseline)
    threshold = rules.categorical_threshold
    return Drift(current.name, False, method, distance, simple, threshold, is_beyond, 0.0, psi, histogram)


def _compared(found: dict[str, int], expected: Mapping[str, int], rules: Rules) -> tuple[float, float, bool]:
    """Simple distance, distance by the rules, and whether that is a violation."""
    threshold = rules.categorical_threshold
    if rules.categorical_method == CHI_SQUARED:
        test = chisquare.test(found, expected)
        if rules.method == ROBUST:
            return test.statistic, test.p_value, test.p_value < threshold
        return test.statistic, test.statistic, test.statistic > threshold
    simple = distances.categorical(found, expected)
    robust = distances.robust(simple, sum(found.values()), sum(expected.values()))
    distance = robust if rules.method == ROBUST else simple
    return simple, distance, distance > threshold


def _whole(words: Words, present: int) -> dict[str, int]:
    """The counts. Categories that were too many to list count as one, so that shares are those of all values."""
    rest = present - sum(words.counts.values())
    return {**words.counts, **({"(others)": rest} if rest else {})}


def _buckets(current: Numbers, baseline: Numbers) -> Histogram:
    """The baseline's ten buckets; what lies beyond them counts in the first and the last."""
    edges = baseline.edges
    open_ended = np.concatenate([[-math.inf], edges[1:-1], [math.inf]])
    shares = (side.points.counts(open_ended) / side.points.weight for side in (baseline, current))
    expected, found = (tuple(map(float, side)) for side in shares)
    return Histogram(tuple(f"{edge:.4g}" for edge in edges), expected, found)


def _categories(found: dict[str, int], expected: Mapping[str, int]) -> Histogram:
    """The most frequent of both, the rest together."""
    n, m = sum(found.values()), sum(expected.values())
    shares = {word: (expected.get(word, 0) / m, found.get(word, 0) / n) for word in {*found, *expected}}
    order = sorted(shares, key=lambda word: (-max(shares[word]), word))
    shown = {word: shares[word] for word in order[:SHOWN]}
    if rest := order[SHOWN:]:
        shown[f"({len(rest)} more)"] = (sum(shares[word][0] for word in rest), sum(shares[word][1] for word in rest))
    baseline, current = zip(*shown.values(), strict=True)
    return Histogram(tuple(shown), baseline, current)
