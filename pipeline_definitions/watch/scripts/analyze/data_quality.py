"""The analysis of a data set: profile it, compare it with the baseline, say what violates the constraints."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pipeline_definitions.watch.scripts.analyze import checks, drift
from pipeline_definitions.watch.scripts.analyze.checks import Violation
from pipeline_definitions.watch.scripts.analyze.columns import LOW_CARDINALITY, Column, Profile
from pipeline_definitions.watch.scripts.analyze.constraints_file import Constraints, Feature
from pipeline_definitions.watch.scripts.analyze.drift import Drift
from pipeline_definitions.watch.scripts.analyze.inputs import NoDataError, Table
from pipeline_definitions.watch.scripts.analyze.measure import Expected, Measure


@dataclass(frozen=True)
class Mode:
    """How much memory the analysis may take.

    Attributes:
        is_streaming: all columns at once, batch by batch, by sketches. Else column by column, by every value.
        categories_max: text with more categories than that is not listed, nor compared.
    """

    is_streaming: bool = False
    categories_max: int = LOW_CARDINALITY


@dataclass(frozen=True)
class Baseline:
    """What a data set is compared with.

    Attributes:
        table: the baseline's own data, for an exact distance; else the sketch in its statistics stands for them.
    """

    profile: Profile
    constraints: Constraints
    table: Table | None = None


@dataclass(frozen=True)
class DataQuality:
    """What was found."""

    profile: Profile
    drifts: Mapping[str, Drift]
    violations: Sequence[Violation]


def profile(table: Table, mode: Mode) -> Profile:
    """A data set by itself: the baseline.

    Raises:
        NoDataError: it has no rows.
    """
    return _as_profile([column.without_values() for column in _columns(table, {}, mode)])


def analyze(table: Table, baseline: Baseline, mode: Mode) -> DataQuality:
    """A data set against its baseline.

    Raises:
        NoDataError: it has no rows.
    """
    features = {feature.name: feature for feature in baseline.constraints.features}
    expected = {name: _expected(feature, baseline.profile.named(name)) for name, feature in features.items()}
    before = _Before(baseline, expected, mode)
    found, drifts = [], {}
    for column in _columns(table, expected, mode):
        feature = features.get(column.name)
        other = before(column.name) if feature and feature.rules.is_compared and column.present else None
        compared = drift.compare(column, other, feature.rules) if feature and other else None
        if compared:
            drifts[column.name] = compared
        found.append(column.without_values())
    whole = _as_profile(found)
    return DataQuality(whole, drifts, checks.violations(whole, baseline.constraints, drifts))


class _Before:
    """The baseline's columns: measured on its data where they are given, else as its statistics say."""

    def __init__(self, baseline: Baseline, expected: Mapping[str, Expected], mode: Mode) -> None:
        self._baseline, self._expected, self._mode = baseline, expected, mode
        table = baseline.table
        is_streamed = table is not None and mode.is_streaming
        self._streamed = {c.name: c for c in _columns(table, expected, mode)} if table and is_streamed else {}

    def __call__(self, name: str) -> Column | None:
        table = self._baseline.table
        if name in self._streamed:
            return self._streamed[name]
        if table is None or name not in table.names:
            return self._baseline.profile.named(name)
        return _whole(table, name, self._expected, self._mode)


def _expected(feature: Feature, column: Column | None) -> Expected:
    words = column.words.counts if column and column.words else ()
    return Expected(feature.inferred_type, frozenset(feature.domains or words))


def _columns(table: Table, expected: Mapping[str, Expected], mode: Mode) -> Iterator[Column]:
    if not mode.is_streaming:
        for name in table.names:
            yield _whole(table, name, expected, mode)
        return
    measures = {name: _measure(name, expected, mode) for name in table.names}
    for batch in table.batches():
        for name, measure in measures.items():
            measure.update(batch[name])
    yield from (measure.result() for measure in measures.values())


def _whole(table: Table, name: str, expected: Mapping[str, Expected], mode: Mode) -> Column:
    measure = _measure(name, expected, mode)
    measure.update(table.column(name))
    return measure.result()


def _measure(name: str, expected: Mapping[str, Expected], mode: Mode) -> Measure:
    return Measure(
        name, expected.get(name, Expected()), is_exact=not mode.is_streaming, categories_max=mode.categories_max
    )


def _as_profile(columns: Sequence[Column]) -> Profile:
    rows = max((column.present + column.missing for column in columns), default=0)
    if not rows:
        raise NoDataError("its tables have no rows")
    return Profile(rows, tuple(columns))
