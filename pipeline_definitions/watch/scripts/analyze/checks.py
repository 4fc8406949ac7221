"""What in a data set violates its constraints, in Model Monitor's words.

Where AWS's sentence is known it is AWS's; what is added stands behind it. The texts for completeness and for categories
are those of older containers.

Source: stored outputs of aws/amazon-sagemaker-examples and of the SDK's tests, and
docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html, read 2026-11.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipeline_definitions.watch.scripts.analyze.columns import STRING, UNKNOWN, Column, Profile
from pipeline_definitions.watch.scripts.analyze.constraints_file import Constraints, Feature
from pipeline_definitions.watch.scripts.analyze.drift import Drift


@dataclass(frozen=True)
class Violation:
    """One entry of constraint_violations.json."""

    feature_name: str
    constraint_check_type: str
    description: str


def render(violations: Sequence[Violation]) -> dict[str, Any]:
    """constraint_violations.json"""
    return {"violations": [asdict(violation) for violation in violations]}


def exit_message(violations: Sequence[Violation]) -> str:
    """What AWS's container tells as the job's ExitMessage."""
    if not violations:
        return "Completed: Job completed successfully with no violations."
    return f"CompletedWithViolations: Job completed successfully with {len(violations)} violations."


def violations(profile: Profile, constraints: Constraints, drifts: Mapping[str, Drift]) -> list[Violation]:
    """All of them: of the columns as a whole first, then feature by feature."""
    if not constraints.rules.is_evaluated:
        return []
    found = [*_columns(profile, constraints)]
    for feature in constraints.features:
        column = profile.named(feature.name)
        if column is not None and feature.rules.is_evaluated:
            found += _of(column, feature, drifts.get(feature.name))
    return found


def _columns(profile: Profile, constraints: Constraints) -> Iterator[Violation]:
    here, expected = ({item.name for item in side} for side in (profile.columns, constraints.features))
    sizes = (
        f"Number of columns in current dataset: {len(here)}, Number of columns in baseline constraints: {len(expected)}"
    )
    for kind, names in (("missing", expected - here), ("extra", here - expected)):
        if names:
            told = f"There are {kind} columns in current dataset. {sizes}. They are: {', '.join(sorted(names))}"
            yield Violation(f"{kind.capitalize()} columns", f"{kind}_column_check", told)


def _of(column: Column, feature: Feature, drift: Drift | None) -> Iterator[Violation]:
    yield from _data_type(column, feature)
    if column.completeness < feature.completeness:
        told = f"Value: {column.completeness} does not meet the constraint requirement!"
        more = f"Expected a completeness of at least {feature.completeness}."
        yield Violation(feature.name, "completeness_check", f"{told} {more}")
    yield from _categories(column, feature)
    if drift and drift.is_violation:
        kind = "Numerical" if drift.is_numeric else "Categorical"
        verb = "is below" if drift.is_p_value else "exceeds"
        told = f"{kind} distance: {drift.distance} {verb} {kind.lower()} threshold: {drift.threshold}"
        yield Violation(feature.name, "baseline_drift_check", told)


def _data_type(column: Column, feature: Feature) -> Iterator[Violation]:
    """Anything is text; of numbers, an integer is no fraction."""
    expected = feature.inferred_type
    if expected in (STRING, UNKNOWN) or not column.present:
        return
    share = column.types.get(expected, 0) / column.present
    if share < feature.rules.types_match:
        told = (
            f"Data type match requirement is not met. Expected data type: {expected}, "
            f"Expected match: {feature.rules.types_match * 100}%. Observed: Only {share * 100}% of data is {expected}."
        )
        yield Violation(feature.name, "data_type_check", told)


def _categories(column: Column, feature: Feature) -> Iterator[Violation]:
    if feature.domains is None or column.words is None or not column.present:
        return
    share = column.words.inside / column.present
    if share < feature.rules.domain_match:
        unseen = sorted(column.words.counts.keys() - set(feature.domains))
        told = f"Value: {share} does not meet the constraint requirement!"
        more = f"Expected {feature.rules.domain_match * 100}% of known categories. Unknown: {', '.join(unseen[:10])}"
        if not column.words.is_listed:
            more = f"{more} (of {column.words.distinct} different values, too many to list)"
        yield Violation(feature.name, "categorical_values_check", f"{told} {more}")
