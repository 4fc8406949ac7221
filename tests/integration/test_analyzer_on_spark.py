"""The same checks on Spark: both analyzers write the same files of the same Parquet."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
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
CELLS = ["1", "-2", "+ 3", "4.5", "1e5", "12.", ".5", "x", "", '"two\nlines"', '"a ""b"""', "1.5E-3", "007"]
pytestmark = [
    pytest.mark.xdist_group("spark"),
    pytest.mark.skipif(not shutil.which("java"), reason="NO JAVA HERE: the analyzer on Spark was not compared"),
]


ALL = """
import json, sys
sys.path.insert(0, sys.argv[1])
from pipeline_definitions.watch.scripts.analyze_spark.main import main
sys.exit(any([main(words) for words in json.loads(sys.argv[2])]))
"""
"""Runs several analyses in one process: Java takes its time to start."""


@dataclass(frozen=True)
class Case:
    """A job that both analyzers do."""

    job: Job
    analysis: str
    form: str = PARQUET

    @property
    def words(self) -> list[str]:
        """Spark's options: its files lie beside those of the other analyzer."""
        given = ["--base-dir", str(self.job.base), "--analysis", self.analysis, "--dataset-format", self.form]
        return [*given, "--report", str(self.job.path / "spark")]

    def on_spark(self, name: str) -> Any:
        return json.loads((self.job.path / "spark" / name).read_text("utf-8"))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    """Every case, done by both."""
    home = tmp_path_factory.mktemp("both")
    found = {
        "baseline": Case(Job(home / "baseline"), "baseline"),
        "statistics": Case(Job(home / "statistics"), "data-quality"),
        "data": Case(Job(home / "data"), "data-quality"),
        "text": Case(Job(home / "text"), "baseline", CSV),
    }
    before = table(1, 20_001)
    some = before.select("normal", "hour", "carrier", "mixed")  # each step of Spark's costs a tenth of a second
    for name, data in (("baseline", before), ("statistics", before), ("data", some)):
        found[name].job.put("data/a.parquet", data[:12_000])
        found[name].job.put("data/b.parquet", data[12_000:])
    for name in ("statistics", "data"):
        found[name].job.baseline()
    shifted = table(2, 8_000, shift=0.7).drop("wide").with_columns(pl.lit(1).alias("new"))
    found["statistics"].job.put("data/now.parquet", shifted)
    found["data"].job.put("data/now.parquet", table(3, 8_000, shift=0.2).select(some.columns))
    found["data"].job.put("baseline_data/a.parquet", some)
    found["text"].job.put("data/a.csv", "cell,number\n" + "".join(f"{cell},{n}\n" for n, cell in enumerate(CELLS)))
    for case in found.values():
        assert case.job.run(case.analysis, form=case.form) == 0
    _run_on_spark(home, list(found.values()))
    return found


def _run_on_spark(home: Path, cases: list[Case]) -> None:
    assert SPARK.exists(), "there is Java, so `make setup` makes .spark"
    program = home / "analyze_spark.pyz"
    program.write_bytes(definitions.program("watch", "analyze_spark"))
    small = {"shuffle.partitions": "3", "codegen.wholeStage": "false", "codegen.factoryMode": "NO_CODEGEN"}
    settings = " ".join(f"--conf spark.sql.{name}={value}" for name, value in small.items())
    env = {**os.environ, "PYSPARK_SUBMIT_ARGS": f"--master local[2] {settings} pyspark-shell"}
    command = [str(SPARK), "-c", ALL, str(program), json.dumps([case.words for case in cases])]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


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


def test_both_suggest_the_same_baseline(cases: dict[str, Case]) -> None:
    case = cases["baseline"]

    for name in ("statistics.json", "constraints.json", "report.json"):
        assert_same(case.on_spark(name), case.job.report(name), name)


def test_both_find_the_same_violations_against_its_statistics(cases: dict[str, Case]) -> None:
    case = cases["statistics"]

    said = case.job.report("constraint_violations.json")
    checks = {(item["feature_name"], item["constraint_check_type"]) for item in said["violations"]}
    assert {("normal", "baseline_drift_check"), ("carrier", "categorical_values_check")} <= checks
    assert {("Missing columns", "missing_column_check"), ("Extra columns", "extra_column_check")} <= checks
    assert case.on_spark("constraint_violations.json") == said
    assert_same(case.on_spark("statistics.json"), case.job.report("statistics.json"))
    assert_distances(case)


def test_both_find_the_same_distances_from_the_baselines_own_data(cases: dict[str, Case]) -> None:
    case = cases["data"]

    assert case.on_spark("constraint_violations.json") == case.job.report("constraint_violations.json")
    assert_distances(case)


def assert_distances(case: Case) -> None:
    """Exactly the same: they are shares of whole numbers."""
    found, expected = (report["features"] for report in (case.on_spark("report.json"), case.job.report("report.json")))
    assert found.keys() == expected.keys()
    for name, told in expected.items():
        drift = found[name]
        assert (drift["distance"], drift["simple"]) == (told["distance"], told["distance_simple"]), name
        assert drift["psi"] == pytest.approx(told["psi"], rel=1e-9, abs=1e-12), name


def test_text_is_typed_alike(cases: dict[str, Case]) -> None:
    case = cases["text"]

    assert_same(case.on_spark("statistics.json"), case.job.report("statistics.json"))
