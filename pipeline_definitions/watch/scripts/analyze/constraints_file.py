"""constraints.json: what a data set has to satisfy, as Model Monitor's baseline job suggests it.

The observed type and completeness; not negative if nothing was; the categories if they are few. Thresholds are those of
files that AWS really wrote (1.0 for the two checks; the documentation's 0.1 is not what is generated). What is said of
negative values is written and, as there is no kind of violation for it, not checked.

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html, and a real file, read 2026-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pipeline_definitions.watch.scripts.analyze.columns import NUMERIC, Column, Profile

Json = Mapping[str, Any]

ENABLED: Final = "Enabled"
SIMPLE: Final = "Simple"
ROBUST: Final = "Robust"
L_INFINITY: Final = "LInfinity"
CHI_SQUARED: Final = "ChiSquared"
_DISTRIBUTION: Final = "distribution_constraints"


@dataclass(frozen=True)
class Rules:
    """How strictly a feature is judged.

    Attributes:
        types_match, domain_match: the share of values that has to match.
        threshold, categorical_threshold: beyond which distance the distribution has drifted.
    """

    is_evaluated: bool = True
    emits_metrics: bool = True
    types_match: float = 1.0
    domain_match: float = 1.0
    is_compared: bool = True
    threshold: float = 0.1
    method: str = ROBUST
    categorical_threshold: float = 0.1
    categorical_method: str = L_INFINITY


@dataclass(frozen=True)
class Feature:
    """What a feature has to satisfy."""

    name: str
    inferred_type: str
    completeness: float
    rules: Rules
    is_non_negative: bool | None = None
    domains: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Constraints:
    """All of them, and the rules for what they do not mention."""

    features: tuple[Feature, ...]
    rules: Rules = field(default_factory=Rules)

    def feature(self, name: str) -> Feature | None:
        return next((feature for feature in self.features if feature.name == name), None)


def suggest(
    profile: Profile, rules: Rules, completeness_margin: float = 0.0, of_features: Mapping[str, Rules] | None = None
) -> Constraints:
    """What the baseline satisfies.

    Without a margin, as AWS suggests it, a column that has missing values violates by chance every other time.
    """
    own = of_features or {}
    features = (_suggested(column, own.get(column.name, rules), completeness_margin) for column in profile.columns)
    return Constraints(tuple(features), rules)


def render(constraints: Constraints) -> dict[str, Any]:
    """The file's content. What a feature's rules say otherwise of its distribution overrides what all have."""
    return {
        "version": 0.0,
        "features": [_rendered(feature, constraints.rules) for feature in constraints.features],
        "monitoring_config": _config(constraints.rules),
    }


def parse(document: Json) -> Constraints:
    """A file, ours, AWS's or one that a person edited.

    Overrides count for their feature. The documentation calls them `monitoringConfigOverrides`, the SDK writes
    `monitoring_config_overrides`.
    """
    config = document.get("monitoring_config", {})
    return Constraints(tuple(_parsed(feature, config) for feature in document.get("features", ())), _rules(config))


def _suggested(column: Column, rules: Rules, margin: float) -> Feature:
    is_non_negative = column.numbers.minimum >= 0 if column.inferred_type in NUMERIC and column.numbers else None
    words = column.words if column.inferred_type not in NUMERIC else None
    domains = tuple(words.counts) if words and words.is_listed and words.counts else None
    completeness = max(0.0, column.completeness - margin)
    return Feature(column.name, column.inferred_type, completeness, rules, is_non_negative, domains)


def _rendered(feature: Feature, rules: Rules) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": feature.name,
        "inferred_type": feature.inferred_type,
        "completeness": feature.completeness,
    }
    if feature.is_non_negative is not None:
        found["num_constraints"] = {"is_non_negative": feature.is_non_negative}
    if feature.domains is not None:
        found["string_constraints"] = {"domains": list(feature.domains)}
    if feature.rules != rules:
        own = _config(feature.rules)[_DISTRIBUTION]
        found["monitoringConfigOverrides"] = {_DISTRIBUTION: own}
    return found


def _config(rules: Rules) -> dict[str, Any]:
    said = {True: ENABLED, False: "Disabled"}
    return {
        "evaluate_constraints": said[rules.is_evaluated],
        "emit_metrics": said[rules.emits_metrics],
        "datatype_check_threshold": rules.types_match,
        "domain_content_threshold": rules.domain_match,
        _DISTRIBUTION: {
            "perform_comparison": said[rules.is_compared],
            "comparison_threshold": rules.threshold,
            "comparison_method": rules.method,
            "categorical_comparison_threshold": rules.categorical_threshold,
            "categorical_drift_method": rules.categorical_method,
        },
    }


def _parsed(feature: Json, config: Json) -> Feature:
    own = feature.get("monitoringConfigOverrides") or feature.get("monitoring_config_overrides") or {}
    compared = {**config.get(_DISTRIBUTION, {}), **own.get(_DISTRIBUTION, {})}
    rules = _rules({**config, **own, _DISTRIBUTION: compared})
    domains = feature.get("string_constraints", {}).get("domains")
    return Feature(
        str(feature["name"]),
        str(feature["inferred_type"]),
        float(feature.get("completeness", 0.0)),
        rules,
        feature.get("num_constraints", {}).get("is_non_negative"),
        None if domains is None else tuple(map(str, domains)),
    )


def _rules(config: Json) -> Rules:
    compared = config.get(_DISTRIBUTION, {})
    threshold = float(compared.get("comparison_threshold", Rules.threshold))
    return Rules(
        config.get("evaluate_constraints", ENABLED) == ENABLED,
        config.get("emit_metrics", ENABLED) == ENABLED,
        float(config.get("datatype_check_threshold", Rules.types_match)),
        float(config.get("domain_content_threshold", Rules.domain_match)),
        compared.get("perform_comparison", ENABLED) == ENABLED,
        threshold,
        _method(str(compared.get("comparison_method", ROBUST))),
        float(compared.get("categorical_comparison_threshold", threshold)),
        str(compared.get("categorical_drift_method", L_INFINITY)),
    )


def _method(said: str) -> str:
    """The documentation also calls them `linf_simple` and `linf_robust`."""
    return {"linf_simple": SIMPLE, "linf_robust": ROBUST}.get(said.lower(), said)
