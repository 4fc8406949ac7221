"""The analyzer's baseline and data quality on Spark: for data sets larger than one machine.

Same options, files, constraints and texts as `analyze`, whose decisions it imports; only the counting is Spark's, by
its DataFrame API alone, so executors need nothing of ours. Distances are exact, and the sketch in statistics.json is
the one that `analyze` writes of the same data in memory.

Not here: captured requests (many small files: `analyze` streams them), JSON, metrics, the report for people. Beyond
4,096 values `analyze` estimates how many are distinct; this counts. Timestamps and numbers that a baseline calls text
read as Spark writes them.

Reads   input/data, input/baseline, input/baseline_data   as `analyze` does; Parquet, or CSV with a header
Writes  output/report/   statistics.json, constraints.json, constraint_violations.json, report.json
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from pipeline_definitions.shared.scripts import jobs
from pipeline_definitions.watch.scripts.analyze import checks, constraints_file, statistics_file
from pipeline_definitions.watch.scripts.analyze.columns import Profile
from pipeline_definitions.watch.scripts.analyze.constraints_file import Constraints, Rules
from pipeline_definitions.watch.scripts.analyze.drift import Drift
from pipeline_definitions.watch.scripts.analyze.main import parser
from pipeline_definitions.watch.scripts.analyze_spark.compared import compare
from pipeline_definitions.watch.scripts.analyze_spark.measured import Expected, Table, measure

Json = Mapping[str, Any]


class CannotError(RuntimeError):
    """What is asked cannot be done here. The message says what, and who can."""


def main(words: Sequence[str] | None = None) -> int:
    """Analyze.

    Returns:
        The exit code: 1 if there was nothing to analyze, or it could not be read.
    """
    options = parser().parse_args(words)
    spark = SparkSession.builder.appName("analyze").config("spark.ui.enabled", "false").getOrCreate()
    try:
        message = _run(spark, options)
    except CannotError as exc:
        jobs.fail(str(exc), options.base_dir)
        return 1
    jobs.tell(message, options.base_dir)
    print(message)
    return 0


def _run(spark: SparkSession, options: argparse.Namespace) -> str:
    analyses = {"baseline": _baseline, "data-quality": _data_quality}
    if options.analysis not in analyses:
        raise CannotError(f"--analysis {options.analysis}: on Spark there are {', '.join(analyses)}; use analyze.pyz")
    return analyses[options.analysis](spark, options)


def _baseline(spark: SparkSession, options: argparse.Namespace) -> str:
    table = _read(spark, options.data or options.base_dir / "input/data", options.dataset_format)
    columns = []
    for name in table.frame.columns:
        columns.append(measure(table, name, Expected(), options.categories_max).column)
        spark.catalog.clearCache()
    profile = Profile(table.rows, tuple(columns))
    suggested = constraints_file.suggest(profile, _rules(options), options.completeness_margin)
    _write(options, "statistics.json", statistics_file.render(profile))
    _write(options, "constraints.json", constraints_file.render(suggested))
    errors = {column.name: column.numbers.sketch.error for column in columns if column.numbers}
    _write(options, "report.json", {"rows": profile.item_count, "sketch_errors": errors})
    return checks.exit_message([])


def _data_quality(spark: SparkSession, options: argparse.Namespace) -> str:
    folder = options.base_dir / "input/baseline"
    told = _load(options.constraints or folder / "constraints.json")
    errors = _load(folder / "report.json") if (folder / "report.json").is_file() else {}
    before = statistics_file.parse(
        _load(options.statistics or folder / "statistics.json"), errors.get("sketch_errors", {})
    )
    constraints = constraints_file.parse(told)
    data = _read(spark, options.data or options.base_dir / "input/data", options.dataset_format)
    profile, drifts = _compared(spark, data, (before, constraints), options)
    violations = checks.violations(profile, constraints, drifts)
    _write(options, "statistics.json", statistics_file.render(profile))
    _write(options, "constraints.json", told)
    _write(options, "constraint_violations.json", checks.render(violations))
    features = {name: _told(drift) for name, drift in drifts.items()}
    report = {"analysis": options.analysis, "mode": "spark", "rows": profile.item_count}
    _write(options, "report.json", {**report, "violations": len(violations), "features": features})
    return checks.exit_message(violations)


def _compared(
    spark: SparkSession, data: Table, baseline: tuple[Profile, Constraints], options: argparse.Namespace
) -> tuple[Profile, dict[str, Drift]]:
    """Column by column, beside the baseline's data where they are given, else beside its statistics."""
    before, constraints = baseline
    folder = options.base_dir / "input/baseline_data"
    form = options.baseline_format or options.dataset_format
    table = _read(spark, folder, form) if folder.is_dir() else None
    columns, drifts = [], {}
    for name in data.frame.columns:
        feature, earlier = constraints.feature(name), before.named(name)
        expected = Expected.of(feature, earlier)
        found = measure(data, name, expected, options.categories_max)
        columns.append(found.column)
        if feature and feature.rules.is_compared and found.column.present:
            has_data = table is not None and name in table.frame.columns
            other = measure(table, name, expected, options.categories_max) if table and has_data else earlier
            drift = compare(found, other, feature.rules) if other else None
            if drift:
                drifts[name] = drift
        spark.catalog.clearCache()
    return Profile(data.rows, tuple(columns)), drifts


def _read(spark: SparkSession, folder: Path, form: str) -> Table:
    """The table below a folder."""
    frame = _frame(spark, folder, form)
    rows = frame.count()
    if not rows:
        raise CannotError("Job inputs had no data: its tables have no rows")
    return Table(frame, rows)


def _frame(spark: SparkSession, folder: Path, form: str) -> DataFrame:
    """Cells of CSV stay text, and empty ones are missing."""
    kinds = json.loads(form)
    if not folder.is_dir() or not any(path.is_file() for path in folder.rglob("*")):
        raise CannotError(f"Job inputs had no data: no files below {folder}")
    reader = spark.read.option("recursiveFileLookup", "true")
    if "parquet" in kinds:
        return reader.parquet(str(folder))
    if (kinds.get("csv") or {}).get("header"):
        whole_cells = {"escape": '"', "multiLine": "true"}  # a file is one task then: Parquet is for what is large
        return reader.options(header="true", **whole_cells).csv(str(folder))
    raise CannotError(f"--dataset-format {form}: on Spark there are Parquet and CSV with a header; use analyze.pyz")


def _rules(options: argparse.Namespace) -> Rules:
    categorical = options.categorical_comparison_threshold
    return Rules(
        types_match=options.datatype_check_threshold,
        domain_match=options.domain_content_threshold,
        threshold=options.comparison_threshold,
        method=options.comparison_method,
        categorical_threshold=options.comparison_threshold if categorical is None else categorical,
        categorical_method=options.categorical_drift_method,
    )


def _told(drift: Drift) -> dict[str, Any]:
    return {name: value for name, value in asdict(drift).items() if name not in ("feature", "histogram")}


def _load(path: Path) -> Json:
    if not path.is_file():
        raise CannotError(f"{path}: expected a baseline's file, found none; run the analysis 'baseline' first")
    found: Json = json.loads(path.read_text("utf-8"))
    return found


def _write(options: argparse.Namespace, name: str, document: Json) -> None:
    path = Path(options.report or options.base_dir / "output/report") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False) + "\n", "utf-8")
