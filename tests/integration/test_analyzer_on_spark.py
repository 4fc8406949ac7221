"""The same checks on Spark: both analyzers write the same files of the same Parquet."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline_definitions.shared import definitions
from tests.support.analysis import CSV, PARQUET, Job
from tests.support.emulator import REPOSITORY

SPARK = REPOSITORY / ".spark" / "bin" / "python"
EXACT_DISTINCT = 4096
pytestmark = [
    pytest.mark.xdist_group("spark"),
    pytest.mark.skipif(not shutil.which("java"), reason="NO JAVA HERE: the analyzer on Spark was not compared"),
]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spark") / "analyze_spark.pyz"
    path.write_bytes(definitions.built_assets("watch")[path.name])
    assert SPARK.exists(), "there is Java, so `make setup` makes .spark"
    return path


def on_spark(program: Path, job: Job, analysis: str, *words: str, form: str = PARQUET) -> dict[str, Any]:
    """Its files by name, written beside those of the other analyzer."""
    report = job.path / f"spark-{analysis}"
    options = ["--base-dir", str(job.base), "--analysis", analysis, "--dataset-format", form, "--report", str(report)]
    command = [str(SPARK), str(program), *options, *words]
    env = {**os.environ, "PYSPARK_SUBMIT_ARGS": "--master local[2] --conf spark.sql.shuffle.partitions=4 pyspark-shell"}
    env["PYSPARK_PYTHON"] = str(SPARK)
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {path.name: json.loads(path.read_text("utf-8")) for path in report.iterdir()}


def assert_same(found: Any, expected: Any, where: str = "") -> None:
    """Sums of floats depend on their order, in the last digits; everything else is the same."""
    if isinstance(expected, Mapping):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            if key == "approximate_num_distinct_values" and value >= EXACT_DISTINCT:
                assert found[key] == pytest.approx(value, rel=0.06), where
            else:
                assert_same(found[key], value, f"{where}/{key}")
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for place, (one, other) in enumerate(zip(found, expected, strict=True)):
            assert_same(one, other, f"{where}[{place}]")
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), where
    else:
        assert found == expected, where


def table(seed: int, rows: int, shift: float = 0.0) -> pl.DataFrame:
    """Every kind of column that matters: missing values, NaN, few and many values, numbers as text, text in numbers."""
    draw = np.random.default_rng(seed)
    normal = draw.normal(shift, 1, rows)
    normal[draw.random(rows) < 0.05] = np.nan
    words = np.array(["AA", "BB", "CC", "O'Hare, IL"])[draw.integers(0, 3 + int(shift > 0), rows)]
    mixed = np.where(draw.random(rows) < 0.02 * (1 + shift), "n/a", draw.integers(0, 50, rows).astype(str))
    return pl.DataFrame(
        {
            "normal": [None if draw_ < 0.03 else value for draw_, value in zip(draw.random(rows), normal, strict=True)],
            "same": np.full(rows, 7),
            "hour": draw.integers(0, 24, rows),
            "wide": draw.integers(-(10**12), 10**12, rows),
            "price": np.round(draw.exponential(10 + 3 * shift, rows), 2),
            "carrier": words,
            "tail number": [f"N{n}" for n in draw.integers(0, 900, rows)],
            "text.number": [f"{value:.1f}" for value in draw.normal(0, 10 + shift, rows)],
            "mixed": mixed,
            "is_late": draw.random(rows) < 0.3 + shift / 10,
            "empty": pl.Series([None] * rows, dtype=pl.String),
        }
    )


@pytest.fixture(scope="module")
def baseline(program: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, pl.DataFrame, dict[str, Any]]:
    """A baseline by both: the job as it is left for an analysis, its data, and Spark's files."""
    job, data = Job(tmp_path_factory.mktemp("both")), table(1, 20_001)
    job.put("data/a.parquet", data[:12_000])
    job.put("data/b.parquet", data[12_000:])
    found = on_spark(program, job, "baseline")
    job.baseline()
    return job, data, found


def test_both_suggest_the_same_baseline(baseline: tuple[Job, pl.DataFrame, dict[str, Any]]) -> None:
    job, _, found = baseline

    for name in ("statistics.json", "constraints.json", "report.json"):
        assert_same(found[name], job.report(name), name)


def test_both_find_the_same_violations_against_its_statistics(
    program: Path, baseline: tuple[Job, pl.DataFrame, dict[str, Any]]
) -> None:
    job = baseline[0]
    job.put("data/now.parquet", table(2, 8_000, shift=0.7).drop("wide").with_columns(pl.lit(1).alias("new")))

    found = on_spark(program, job, "data-quality")
    assert job.run("data-quality") == 0

    said = job.report("constraint_violations.json")
    checks = {(item["feature_name"], item["constraint_check_type"]) for item in said["violations"]}
    assert {("normal", "baseline_drift_check"), ("carrier", "categorical_values_check")} <= checks
    assert {("Missing columns", "missing_column_check"), ("Extra columns", "extra_column_check")} <= checks
    assert found["constraint_violations.json"] == said
    assert_same(found["statistics.json"], job.report("statistics.json"))
    assert_distances(found["report.json"], job)


def test_both_find_the_same_distances_from_the_baselines_own_data(
    program: Path, baseline: tuple[Job, pl.DataFrame, dict[str, Any]]
) -> None:
    job = baseline[0]
    job.put("data/now.parquet", table(3, 8_000, shift=0.2))
    job.put("baseline_data/a.parquet", baseline[1])

    found = on_spark(program, job, "data-quality")
    assert job.run("data-quality") == 0
    shutil.rmtree(job.base / "input/baseline_data")

    assert found["constraint_violations.json"] == job.report("constraint_violations.json")
    assert_distances(found["report.json"], job)


def assert_distances(found: dict[str, Any], job: Job) -> None:
    """Exactly the same: they are shares of whole numbers."""
    expected = job.report("report.json")["features"]
    assert found["features"].keys() == expected.keys()
    for name, told in expected.items():
        drift = found["features"][name]
        assert (drift["distance"], drift["simple"]) == (told["distance"], told["distance_simple"]), name
        assert drift["psi"] == pytest.approx(told["psi"], rel=1e-9, abs=1e-12), name


def test_text_is_typed_alike(program: Path, tmp_path: Path) -> None:
    job = Job(tmp_path)
    cells = ["1", "-2", "+ 3", "4.5", "1e5", "12.", ".5", "x", "", '"two\nlines"', '"a ""b"""', "1.5E-3", "007"]
    job.put("data/a.csv", "cell,number\n" + "".join(f"{cell},{n}\n" for n, cell in enumerate(cells)))

    words = ["--baseline-format", CSV]
    found = on_spark(program, job, "baseline", *words, form=CSV)
    assert job.run("baseline", form=CSV) == 0

    assert_same(found["statistics.json"], job.report("statistics.json"))
