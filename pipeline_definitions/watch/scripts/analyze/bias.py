"""Is one group of people treated otherwise than the rest? Clarify's measures of bias, before and after training.

`a` is everybody else, `d` the group in question (the facet's values). q is the share of positive labels, p that of
positive predictions. A measure that has no value (nobody in a group, nothing predicted) is None.

Bias has drifted when a measure is further from its neutral value than at the baseline. That value is 0, but for DI, a
ratio, where it is 1: Model Monitor compares plain magnitudes there too, by which a fallen DI would be an improvement.

Source: docs.aws.amazon.com/sagemaker/latest/dg/clarify-measure-data-bias.html, clarify-measure-post-training-bias.html,
clarify-model-monitor-bias-drift-violations.html, read 2026-11.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

Array = np.ndarray[Any, Any]
Measures = dict[str, float | None]

PRE: Final = "pre_training_bias_metrics"
POST: Final = "post_training_bias_metrics"
NEUTRAL: Final = {"DI": 1.0}


@dataclass(frozen=True)
class Groups:
    """Shape: rows; booleans. `labels` or `predicted` may not be known."""

    is_disadvantaged: Array
    labels: Array | None
    predicted: Array | None


def measure(groups: Groups) -> dict[str, Measures]:
    """All measures that what is known allows, by stage."""
    found = {PRE: _before(groups), POST: _after(groups)}
    return {stage: measures for stage, measures in found.items() if measures}


def drifted(now: Measures, before: Mapping[str, float | None], margin: float = 0.0) -> Iterator[tuple[str, str]]:
    """Measures that got worse by more than the margin, each with AWS's sentence. AWS itself knows no margin."""
    for name, value in now.items():
        bound = before.get(name)
        neutral = NEUTRAL.get(name, 0.0)
        if value is not None and bound is not None and abs(value - neutral) > abs(bound - neutral) + margin:
            yield name, f"Metric value {value} doesn't meet the baseline constraint requirement {bound}"


def _before(groups: Groups) -> Measures:
    """Of the data alone."""
    d = groups.is_disadvantaged
    n_a, n_d = int(np.sum(~d)), int(np.sum(d))
    found: Measures = {"CI": _ratio(n_a - n_d, n_a + n_d)}
    if groups.labels is None:
        return found
    q_a, q_d = _share(groups.labels[~d]), _share(groups.labels[d])
    found["DPL"] = _minus(q_a, q_d)
    if q_a is None or q_d is None:
        return found
    a, b = np.array([1 - q_a, q_a]), np.array([1 - q_d, q_d])
    middle = (a + b) / 2
    gaps = np.abs(a - b)
    return {
        **found,
        "KL": _divergence(a, b),
        "JS": _half_sum(_divergence(a, middle), _divergence(b, middle)),
        "LP": float(np.sqrt(np.sum(gaps**2))),
        "TVD": float(np.sum(gaps) / 2),
        "KS": float(np.max(gaps)),
    }


def _after(groups: Groups) -> Measures:
    """Of what the model says."""
    if groups.predicted is None:
        return {}
    d = groups.is_disadvantaged
    p_a, p_d = _share(groups.predicted[~d]), _share(groups.predicted[d])
    found: Measures = {"DPPL": _minus(p_a, p_d), "DI": None if not p_a or p_d is None else p_d / p_a}
    if groups.labels is None:
        return found
    a, b = (_counts(groups.labels[side], groups.predicted[side]) for side in (~d, d))
    return {
        **found,
        "AD": _minus(a.accuracy, b.accuracy),
        "RD": _minus(a.recall, b.recall),
        "SD": _minus(b.specificity, a.specificity),
        "DAR": _minus(a.accepted_rightly, b.accepted_rightly),
        "DRR": _minus(b.rejected_rightly, a.rejected_rightly),
        "DCA": _minus(a.acceptance, b.acceptance),
        "DCR": _minus(b.rejection, a.rejection),
        "TE": _minus(b.treatment, a.treatment),
    }


@dataclass(frozen=True)
class _Counts:
    """One group's confusion matrix."""

    hits: int
    misses: int
    false: int
    rightly_not: int

    @property
    def accuracy(self) -> float | None:
        return _ratio(self.hits + self.rightly_not, self.hits + self.misses + self.false + self.rightly_not)

    @property
    def recall(self) -> float | None:
        return _ratio(self.hits, self.hits + self.misses)

    @property
    def specificity(self) -> float | None:
        return _ratio(self.rightly_not, self.rightly_not + self.false)

    @property
    def accepted_rightly(self) -> float | None:
        return _ratio(self.hits, self.hits + self.false)

    @property
    def rejected_rightly(self) -> float | None:
        return _ratio(self.rightly_not, self.rightly_not + self.misses)

    @property
    def acceptance(self) -> float | None:
        return _ratio(self.hits + self.misses, self.hits + self.false)

    @property
    def rejection(self) -> float | None:
        return _ratio(self.rightly_not + self.false, self.rightly_not + self.misses)

    @property
    def treatment(self) -> float | None:
        return _ratio(self.misses, self.false)


def _counts(labels: Array, predicted: Array) -> _Counts:
    pairs = ((labels & predicted), (labels & ~predicted), (~labels & predicted), (~labels & ~predicted))
    return _Counts(*(int(np.sum(pair)) for pair in pairs))


def _share(truths: Array) -> float | None:
    return float(np.mean(truths)) if len(truths) else None


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _half_sum(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else (one + other) / 2


def _divergence(p: Array, q: Array) -> float | None:
    """Kullback-Leibler; None where q has nothing of what p has."""
    known = p > 0
    return float(np.sum(p[known] * np.log(p[known] / q[known]))) if (q[known] > 0).all() else None
