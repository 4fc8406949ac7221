"""The analyses, each from its inputs to its files, metrics and exit message."""

import argparse
import uuid
from collections.abc import Mapping
from typing import Any

from polars.exceptions import PolarsError

from pipeline_definitions.shared.scripts import jobs
from pipeline_definitions.shared.scripts.capture import UnreadableError
from pipeline_definitions.watch.scripts.analyze import (
    checks,
    clarify,
    constraints_file,
    data_quality,
    merge,
    metrics,
    model_quality,
    predictions,
    quality,
    quality_file,
    report,
    statistics_file,
)
from pipeline_definitions.watch.scripts.analyze.checks import Violation
from pipeline_definitions.watch.scripts.analyze.clarify import Found
from pipeline_definitions.watch.scripts.analyze.data_quality import Baseline
from pipeline_definitions.watch.scripts.analyze.drift import Drift
from pipeline_definitions.watch.scripts.analyze.inputs import NoDataError, UnknownFormatError
from pipeline_definitions.watch.scripts.analyze.job import Job, NoBaselineError
from pipeline_definitions.watch.scripts.analyze.preprocess import UserScriptError


def run(options: argparse.Namespace) -> int:
    """Run one analysis.

    Returns:
        The exit code.
    """
    analyses = {
        "baseline": _baseline,
        "data-quality": _data_quality,
        "model-quality-baseline": _quality_baseline,
        "model-quality": _model_quality,
        "merge": _merge,
        "bias": _bias,
        "attribution": _attribution,
    }
    try:
        job = Job(options)
        message = analyses[options.analysis](job)
        job.postprocess()
    except (NoDataError, NoBaselineError, UnknownFormatError, UnreadableError, UserScriptError) as exc:
        jobs.fail(str(exc), options.base_dir)
        return 1
    except PolarsError as exc:
        jobs.fail(f"the data cannot be read: {exc}", options.base_dir)
        return 1
    jobs.tell(message, options.base_dir)
    print(message)
    return 0


def _baseline(job: Job) -> str:
    profile = data_quality.profile(job.data(), job.mode)
    suggested = constraints_file.suggest(profile, job.rules, job.options.completeness_margin, job.rules_of_features)
    job.write("statistics.json", statistics_file.render(profile))
    job.write("constraints.json", constraints_file.render(suggested))
    errors = {column.name: column.numbers.error for column in profile.columns if column.numbers}
    job.write("report.json", {"rows": profile.item_count, "sketch_errors": errors})
    return checks.exit_message([])


def _data_quality(job: Job) -> str:
    errors = (job.baseline_if_any("report.json") or {}).get("sketch_errors", {})  # not among AWS's files
    before = statistics_file.parse(job.statistics(), errors)
    constraints = constraints_file.parse(job.baseline("constraints.json"))
    table = job.data([feature.name for feature in constraints.features])
    found = data_quality.analyze(table, Baseline(before, constraints, job.baseline_data()), job.mode)
    job.write("statistics.json", statistics_file.render(found.profile))
    job.write("constraints.json", job.baseline("constraints.json"))
    job.write("constraint_violations.json", checks.render(found.violations))
    data = metrics.of_data(found, constraints)
    job.publish(metrics.DATA, data)
    facts = {"rows": found.profile.item_count, "captured": vars(table.told) if table.told else None}
    features = {name: _told(drift) for name, drift in found.drifts.items()}
    more = {"violations": len(found.violations), "features": features, "metrics": data}
    job.write("report.json", {**job.head(metrics.DATA), **facts, **more})
    job.write_page(report.of_data(found, before, {**job.in_words(len(data)), **facts}))
    return checks.exit_message(found.violations)


def _quality_baseline(job: Job) -> str:
    problem, margin = job.answers.problem, job.options.quality_margin
    found = predictions.of_table(job.frame(), job.options.label_attribute, job.answers).observed
    measured = quality.measure(problem, found)
    job.write("statistics.json", quality_file.statistics(problem, measured, len(found)))
    job.write("constraints.json", quality_file.suggest(problem, measured, margin, job.options.quality_metrics))
    return checks.exit_message([])


def _model_quality(job: Job) -> str:
    problem, constraints = job.answers.problem, job.baseline("constraints.json")
    found = model_quality.analyze(job.data_dir, job.labels_dir, job.question)
    violations = quality_file.violations(problem, found.metrics, constraints)
    if job.labels_dir:
        job.write_merged(merge.render(record, label) for record, label in found.merged.pairs)
    job.write("statistics.json", quality_file.statistics(problem, found.metrics, found.rows))
    job.write("constraints.json", constraints)
    job.write("constraint_violations.json", checks.render(violations))
    data = metrics.of_quality(found, violations)
    job.publish(metrics.MODEL, data)
    facts = {"rows": found.rows, **found.counts()}
    job.write("report.json", {**job.head(metrics.MODEL), **facts, "violations": len(violations), "metrics": data})
    facts = {**job.in_words(len(data)), **facts}
    job.write_page(report.of_quality(found.metrics, constraints, violations, facts))
    return checks.exit_message(violations)


def _merge(job: Job) -> str:
    """Files are named after their folders, as a merge job's are by chance: the same again writes the same."""
    for folder, lines in model_quality.merged(job.data_dir, job.labels_dir or job.data_dir):
        job.write_merged(lines, f"{folder}/part-00000-{uuid.uuid5(uuid.NAMESPACE_URL, str(folder))}.c000.jsonl")
    return checks.exit_message([])


def _bias(job: Job) -> str:
    facet, answers, rows = job.facet, job.answers, job.holdout()
    before = clarify.of_bias(rows, facet, answers, None).analysis if rows is not None else _before(job)
    found = clarify.of_bias(job.labelled(), facet, answers, before)
    return _tell(job, "Bias", metrics.BIAS, found)


def _attribution(job: Job) -> str:
    archive, rows = job.inputs / "model/model.tar.gz", job.holdout()
    before = clarify.of_attribution(rows, archive, None).analysis if rows is not None else _before(job)
    found = clarify.of_attribution(job.frame(), archive, before, job.ndcg_min)
    return _tell(job, "Feature attribution", metrics.EXPLAINABILITY, found)


def _before(job: Job) -> Mapping[str, Any] | None:
    """An earlier analysis."""
    return job.baseline_if_any("analysis.json")


def _tell(job: Job, title: str, kind: str, found: Found) -> str:
    """The files of Clarify's monitors; their violations have fields of their own."""
    violations = [
        Violation(item["metric_name"], item["constraint_check_type"], item["description"]) for item in found.violations
    ]
    job.write("analysis.json", found.analysis)
    job.write("constraint_violations.json", {"version": "1.0", "violations": found.violations})
    data = metrics.of_measures(found.measures, len(violations))
    job.publish(kind, data)
    job.write("report.json", {**job.head(kind), "violations": len(violations), "metrics": data})
    job.write_page(report.of_measures(title, found.measures, violations, job.in_words(len(data))))
    return checks.exit_message(violations)


def _told(drift: Drift) -> Mapping[str, Any]:
    """A feature's drift in report.json."""
    return {
        "distance": drift.distance,
        "distance_simple": drift.simple,
        "method": drift.method,
        "threshold": drift.threshold,
        "error_at_most": drift.error,
        "is_drifted": drift.is_violation,
        "psi": drift.psi,
    }
