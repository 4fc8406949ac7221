"""Statistics and constraints of model quality, and what violates them.

The baseline's value is the threshold; `margin` widens it, as a share of the value, so that chance alone does not
violate.

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-metrics.html, read 2026-11.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipeline_definitions.watch.scripts.analyze.checks import Violation
from pipeline_definitions.watch.scripts.analyze.quality import BINARY, MULTICLASS, REGRESSION

Json = Mapping[str, Any]

LESS: Final = "LessThanThreshold"
GREATER: Final = "GreaterThanThreshold"
_KEYS: Final = {
    BINARY: "binary_classification",
    MULTICLASS: "multiclass_classification",
    REGRESSION: "regression",
}
_ERRORS: Final = frozenset({"mae", "mse", "rmse", "false_positive_rate", "false_negative_rate"})


def statistics(problem: str, metrics: Json, rows: int) -> dict[str, Any]:
    """statistics.json"""
    return {"version": 0.0, "dataset": {"item_count": rows}, f"{_KEYS[problem]}_metrics": dict(metrics)}


def suggest(problem: str, metrics: Json, margin: float, only: Sequence[str] | None = None) -> dict[str, Any]:
    """constraints.json: as good as at the baseline. Constant classifiers and curves are no goals.

    Args:
        only: the metrics that matter; none means all of them.
    """
    found = {}
    for name, metric in metrics.items():
        value = _value(metric)
        is_wanted = only is None or name in only
        if is_wanted and value is not None and not name.endswith("_best_constant_classifier"):
            is_error = name in _ERRORS
            found[name] = {
                "threshold": value + abs(value) * margin * (1 if is_error else -1),
                "comparison_operator": GREATER if is_error else LESS,
            }
    return {"version": 0.0, f"{_KEYS[problem]}_constraints": found}


def violations(problem: str, metrics: Json, constraints: Json) -> list[Violation]:
    """Each metric that is worse than its threshold. What has no value now is not judged."""
    return list(_violations(metrics, constraints.get(f"{_KEYS[problem]}_constraints", {})))


def values(metrics: Json) -> dict[str, float]:
    """Metrics that are one number: those that are published."""
    found = {name: _value(metric) for name, metric in metrics.items()}
    return {name: value for name, value in found.items() if value is not None}


def _violations(metrics: Json, asked: Json) -> Iterator[Violation]:
    for name, constraint in asked.items():
        value = _value(metrics.get(name))
        if value is None:
            continue
        threshold, operator = float(constraint["threshold"]), str(constraint["comparison_operator"])
        if value < threshold if operator == LESS else value > threshold:
            deviation = metrics[name]["standard_deviation"]
            yield Violation(name, operator, f"Metric {name} with {value} +/- {deviation} was {operator} '{threshold}'")


def _value(metric: Any) -> float | None:
    found = metric.get("value") if isinstance(metric, Mapping) else None
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None
