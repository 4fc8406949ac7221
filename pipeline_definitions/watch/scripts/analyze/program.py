"""Reads what an analysis needs, runs it, and writes what it found."""

import argparse
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from pipeline_definitions.shared.scripts import jobs
from pipeline_definitions.watch.scripts.analyze import (
    checks,
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
from pipeline_definitions.watch.scripts.analyze.capture import Names, UnreadableError, Window
from pipeline_definitions.watch.scripts.analyze.constraints_file import Rules
from pipeline_definitions.watch.scripts.analyze.data_quality import Baseline, DataQuality, Mode
from pipeline_definitions.watch.scripts.analyze.inputs import (
    NoDataError,
    Reading,
    Table,
    UnknownFormatError,
    parse_format,
    read,
)
from pipeline_definitions.watch.scripts.analyze.metrics import Monitor
from pipeline_definitions.watch.scripts.analyze.model_quality import ModelQuality, Question
from pipeline_definitions.watch.scripts.analyze.predictions import Answers


class NoBaselineError(RuntimeError):
    """What an analysis is to be compared with is not there.

    Attributes:
        path: where it was expected.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        super().__init__(f"{path}: expected a baseline's file, found none; run the analysis 'baseline' first")


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
    }
    try:
        message = analyses[options.analysis](options)
    except (NoDataError, NoBaselineError, UnknownFormatError, UnreadableError) as exc:
        jobs.fail(str(exc), options.base_dir)
        return 1
    jobs.tell(message, options.base_dir)
    print(message)
    return 0


def _baseline(options: argparse.Namespace) -> str:
    table = read(options.base_dir / "input/data", _reading(options, options.dataset_format))
    profile = data_quality.profile(table, _mode(options))
    suggested = constraints_file.suggest(profile, _rules(options), options.completeness_margin)
    write(options, "statistics.json", statistics_file.render(profile))
    write(options, "constraints.json", constraints_file.render(suggested))
    errors = {column.name: column.numbers.error for column in profile.columns if column.numbers}
    write(options, "report.json", {"rows": profile.item_count, "sketch_errors": errors})
    return checks.exit_message([])


def _data_quality(options: argparse.Namespace) -> str:
    inputs = options.base_dir / "input"
    table = read(inputs / "data", _reading(options, options.dataset_format))
    told = inputs / "baseline/report.json"  # not among AWS's files
    errors = load(told).get("sketch_errors", {}) if told.is_file() else {}
    baseline = Baseline(
        statistics_file.parse(load(inputs / "baseline/statistics.json"), errors),
        constraints_file.parse(load(inputs / "baseline/constraints.json")),
        _baseline_table(options),
    )
    found = data_quality.analyze(table, baseline, _mode(options))
    write(options, "statistics.json", statistics_file.render(found.profile))
    write(options, "constraints.json", load(inputs / "baseline/constraints.json"))
    write(options, "constraint_violations.json", checks.render(found.violations))
    data = metrics.of_data(found, baseline.constraints)
    publish(options, metrics.DATA, data)
    head = _head(options)
    write(options, "report.json", {**head, **_report(found, table), "metrics": data})
    facts = {"rows": found.profile.item_count, "captured": vars(table.told) if table.told else None}
    write_page(options, report.of_data(found, baseline.profile, {**_in_words(options, len(data)), **facts}))
    return checks.exit_message(found.violations)


def _quality_baseline(options: argparse.Namespace) -> str:
    frame = read(options.base_dir / "input/data", _reading(options, options.dataset_format)).frame.collect()
    found = predictions.of_table(frame, options.label_attribute, _answers(options)).observed
    measured = quality.measure(options.problem_type, found)
    write(options, "statistics.json", quality_file.statistics(options.problem_type, measured, len(found)))
    write(options, "constraints.json", quality_file.suggest(options.problem_type, measured, options.quality_margin))
    return checks.exit_message([])


def _model_quality(options: argparse.Namespace) -> str:
    inputs, problem = options.base_dir / "input", options.problem_type
    constraints = load(inputs / "baseline/constraints.json")
    delay_max = timedelta(seconds=options.label_delay_max_s)
    question = Question(Window(options.start, options.end), _names(options), _answers(options), delay_max)
    found = model_quality.analyze(inputs / "data", inputs / "labels", question)
    violations = quality_file.violations(problem, found.metrics, constraints)
    _write_merged(options.base_dir / "output/merge/part-00000.jsonl", found)
    write(options, "statistics.json", quality_file.statistics(problem, found.metrics, found.rows))
    write(options, "constraints.json", constraints)
    write(options, "constraint_violations.json", checks.render(violations))
    data = metrics.of_quality(found, violations)
    publish(options, metrics.MODEL, data)
    facts = {"rows": found.rows, **found.counts()}
    write(options, "report.json", {**_head(options), **facts, "violations": len(violations), "metrics": data})
    facts = {**_in_words(options, len(data)), **facts}
    write_page(options, report.of_quality(found.metrics, constraints, violations, facts))
    return checks.exit_message(violations)


def _write_merged(path: Path, found: ModelQuality) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as lines:
        for record, label in found.merged.pairs:
            lines.write(json.dumps(merge.render(record, label), ensure_ascii=False) + "\n")


def _answers(options: argparse.Namespace) -> Answers:
    where = options.inference_attribute, options.probability_attribute
    return Answers(options.problem_type, *where, options.probability_threshold)


def _head(options: argparse.Namespace) -> dict[str, Any]:
    """What a report says first: of what it is, and where its metrics went."""
    kind = metrics.DATA if options.analysis == "data-quality" else metrics.MODEL
    return {
        "analysis": options.analysis,
        "mode": options.mode,
        "window": [at.isoformat() if at else None for at in (options.start, options.end)],
        "namespace": monitor(options).namespace(kind),
        "dimensions": monitor(options).dimensions,
        "published": options.publish,
    }


def _in_words(options: argparse.Namespace, metrics_count: int) -> dict[str, Any]:
    """The same for people."""
    bounds = [f"{at:%Y-%m-%d %H:%M %Z}" if at else None for at in (options.start, options.end)]
    window = f"{bounds[0] or 'the beginning'} to {bounds[1] or 'the end'}" if any(bounds) else "all there is"
    whose = ", ".join(item["Value"] for item in monitor(options).dimensions)
    published = "published" if options.publish else "not published"
    return {"monitor": whose, "window": window, "metrics": f"{metrics_count} {published}"}


def _report(found: DataQuality, table: Table) -> dict[str, Any]:
    features = {
        name: {
            "distance": drift.distance,
            "distance_simple": drift.simple,
            "method": drift.method,
            "threshold": drift.threshold,
            "error_at_most": drift.error,
            "is_drifted": drift.is_violation,
            "psi": drift.psi,
        }
        for name, drift in found.drifts.items()
    }
    return {
        "rows": found.profile.item_count,
        "captured": None if table.told is None else vars(table.told),
        "violations": len(found.violations),
        "features": features,
    }


def _baseline_table(options: argparse.Namespace) -> Table | None:
    folder = options.base_dir / "input/baseline_data"
    if not folder.is_dir():
        return None
    return read(folder, _reading(options, options.baseline_format or options.dataset_format, is_cut=False))


def _reading(options: argparse.Namespace, form: str, *, is_cut: bool = True) -> Reading:
    window = Window(options.start, options.end) if is_cut else Window()
    scratch = options.base_dir / "scratch" if options.mode == "streaming" else None
    return Reading(parse_format(form), window, _names(options), scratch)


def _names(options: argparse.Namespace) -> Names:
    """A contract's features come in its order; an endpoint of ours answers one probability."""
    if options.contract is None:
        return Names()
    columns = load(options.contract)["columns"]
    return Names(("prediction",), tuple(column["name"] for column in columns if column["role"] == "feature"))


def _mode(options: argparse.Namespace) -> Mode:
    return Mode(options.mode == "streaming", options.categories_max)


def _rules(options: argparse.Namespace) -> Rules:
    threshold = options.comparison_threshold
    categorical = options.categorical_comparison_threshold
    return Rules(
        types_match=options.datatype_check_threshold,
        domain_match=options.domain_content_threshold,
        threshold=threshold,
        method=options.comparison_method,
        categorical_threshold=threshold if categorical is None else categorical,
        categorical_method=options.categorical_drift_method,
    )


def monitor(options: argparse.Namespace) -> Monitor:
    """Whose metrics they are."""
    return Monitor(options.schedule, options.endpoint)


def publish(options: argparse.Namespace, kind: str, data: list[metrics.Datum]) -> None:
    """To CloudWatch, if told."""
    if options.publish:
        import boto3  # a third of a second that those who publish nothing need not wait

        client = boto3.client("cloudwatch", region_name=jobs.region())
        metrics.publish(client, monitor(options).namespace(kind), monitor(options), data)


def load(path: Path) -> Mapping[str, Any]:
    """A JSON file.

    Raises:
        NoBaselineError: it is not there.
    """
    if not path.is_file():
        raise NoBaselineError(path)
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def write(options: argparse.Namespace, name: str, document: Mapping[str, Any]) -> None:
    """A report's JSON file."""
    _write(options, name, json.dumps(document, ensure_ascii=False) + "\n")


def write_page(options: argparse.Namespace, page: str) -> None:
    """The report for people."""
    _write(options, "report.html", page)


def _write(options: argparse.Namespace, name: str, text: str) -> None:
    path = options.base_dir / "output/report" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
