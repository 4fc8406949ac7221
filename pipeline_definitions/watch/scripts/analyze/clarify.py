"""The analyses that Clarify's monitors do: bias and feature attribution, with their files.

Without a baseline an analysis is the baseline: it writes analysis.json, with which the next one is compared. Where a
version's hold-out is brought instead, that is analyzed first, and is the baseline.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline_definitions.shared.scripts.capture import UnreadableError
from pipeline_definitions.watch.scripts.analyze import attribution, bias, predictions
from pipeline_definitions.watch.scripts.analyze.bias import Groups
from pipeline_definitions.watch.scripts.analyze.predictions import Answers

Json = Mapping[str, Any]

_STAGES = {bias.PRE: "Pre-training", bias.POST: "Post-Training"}
_LABEL = "label0"


@dataclass(frozen=True)
class Facet:
    """Whose bias is asked for: rows whose column has one of the values.

    Attributes:
        margin: how much further than at the baseline a measure may be from its neutral value.
        metrics: the measures that may drift; all if none is named.
    """

    column: str
    values: tuple[str, ...]
    label: str
    margin: float = 0.0
    metrics: tuple[str, ...] = ()

    @property
    def value(self) -> str:
        return ",".join(self.values)


@dataclass(frozen=True)
class Measure:
    """One number, now and at the baseline, and how CloudWatch knows it."""

    metric: str
    value: float | None
    baseline: float | None
    dimensions: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """An analysis.

    Attributes:
        analysis: analysis.json.
        violations: entries of constraint_violations.json.
    """

    analysis: Json
    measures: Sequence[Measure]
    violations: Sequence[Mapping[str, str]]


def of_bias(frame: pl.DataFrame, facet: Facet, answers: Answers, before: Json | None) -> Found:
    """Bias towards a group.

    Raises:
        UnreadableError: a column is missing or holds what it cannot.
    """
    if facet.column not in frame.columns:
        raise UnreadableError(f"no facet '{facet.column}' among {', '.join(frame.columns)}")
    analysis: dict[str, Any] = {"version": "1.0"}
    measures: list[Measure] = []
    violations: list[Mapping[str, str]] = []
    for stage, values in bias.measure(_groups(frame, facet, answers)).items():
        told = [{"name": name, "value": value} for name, value in values.items()]
        groups = [{"value_or_threshold": facet.value, "metrics": told}]
        analysis[stage] = {"label": facet.label, "facets": {facet.column: groups}}
        known = _known(before, stage, facet)
        about = {"BiasStage": _STAGES[stage], "Label": facet.label, "LabelValue": "1"}
        about |= {"Facet": facet.column, "FacetValue": facet.value}
        measures += [Measure(f"bias_metric_{name}", value, known.get(name), about) for name, value in values.items()]
        judged = {name: value for name, value in values.items() if name in (facet.metrics or values)}
        for name, said in bias.drifted(judged, known, facet.margin):
            entry = {"facet": facet.column, "facet_value": facet.value, "metric_name": name}
            violations.append({**entry, "constraint_check_type": "bias_drift_check", "description": said})
    return Found(analysis, measures, violations)


def of_attribution(
    frame: pl.DataFrame, archive: Path, before: Json | None, ndcg_min: float = attribution.NDCG_MIN
) -> Found:
    """Which features matter to a model.

    Args:
        ndcg_min: rankings that agree less have drifted.

    Raises:
        UnreadableError: there is no archive, or a feature is missing.
    """
    if not archive.is_file():
        raise UnreadableError(f"{archive}: expected the model's archive, found none")
    rows = frame.gather_every(max(1, -(-frame.height // attribution.ROWS_MAX))).cast(pl.String)
    shap, expected = attribution.global_shap(archive, rows.to_dict(as_series=False))
    method = {"global_shap_values": shap, "expected_value": expected}
    analysis = {"version": "1.0", "explanations": {"kernel_shap": {_LABEL: method}}}
    known = before["explanations"]["kernel_shap"][_LABEL] if before else {}
    shap_before = known.get("global_shap_values", {})
    about = {"ExplainabilityMethod": "KernelShap", "Label": _LABEL}
    values = {**about, "ValueType": "GlobalShapValues"}
    measures = [Measure(f"feature_{name}", value, shap_before.get(name), values) for name, value in shap.items()]
    whole = {**about, "ValueType": "ExpectedValue"}
    measures.append(Measure("ExpectedValue", expected, known.get("expected_value"), whole))
    if not shap_before:
        return Found(analysis, measures, [])
    score = attribution.ndcg(shap_before, shap)
    measures.append(Measure("monitor_ndcg", score, 1.0, {}))
    return Found(analysis, measures, _reordered(score, ndcg_min))


def _reordered(score: float, ndcg_min: float) -> list[Mapping[str, str]]:
    """AWS's sentence is not known; this one is ours."""
    if score >= ndcg_min:
        return []
    said = f"The nDCG score {score} of the features' ranking is below {ndcg_min}"
    check = {"constraint_check_type": "feature_attribution_drift_check", "description": said}
    return [{"label": _LABEL, "metric_name": "shap", **check}]


def _groups(frame: pl.DataFrame, facet: Facet, answers: Answers) -> Groups:
    text = frame.cast(pl.String)
    is_disadvantaged = text[facet.column].is_in(facet.values).fill_null(False).to_numpy()
    has_labels = facet.label in text.columns
    labels = text[facet.label].to_list() if has_labels else ["0"] * text.height
    said = [name for name in (answers.inference, answers.probability) if name]
    if missing := [name for name in said if name not in text.columns]:
        raise UnreadableError(f"no '{missing[0]}' among {', '.join(text.columns)}")
    rows = text.select(said).to_dicts() if said else [{"nothing": "0"}] * text.height
    known = predictions.observed(rows, labels, answers)
    return Groups(is_disadvantaged, known.labels == 1 if has_labels else None, known.predicted == 1 if said else None)


def _known(before: Json | None, stage: str, facet: Facet) -> Mapping[str, float | None]:
    groups = (before or {}).get(stage, {}).get("facets", {}).get(facet.column, ())
    found = next((group["metrics"] for group in groups if group["value_or_threshold"] == facet.value), ())
    return {metric["name"]: metric["value"] for metric in found}
