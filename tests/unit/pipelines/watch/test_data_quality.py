"""Data quality: each kind of violation in AWS's words, drift by each method, and all formats alike."""

import json
from pathlib import Path

import jsonschema
import numpy as np
import polars as pl
import pytest

from tests.support.analysis import CAPTURE, CSV, PARQUET, Job, captured, lines, table
from tests.support.monitor_schemas import STATISTICS, VIOLATIONS

ROWS = 2_000


def flights(seed: int, rows: int = ROWS) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return table(
        {
            "delay": rng.normal(10, 30, rows),
            "hour": rng.integers(0, 24, rows),
            "carrier": rng.choice(["AA", "BB", "CC"], rows, p=[0.5, 0.3, 0.2]),
        }
    )


def analyzed(tmp_path: Path, current: pl.DataFrame, *words: str, baseline_words: tuple[str, ...] = ()) -> Job:
    job = Job(tmp_path)
    job.put("data/a.parquet", flights(1))
    job.baseline(*baseline_words)
    job.put("data/b.parquet", current)
    assert job.run("data-quality", *words) == 0, job.message
    jsonschema.validate(job.report("constraint_violations.json"), VIOLATIONS)
    jsonschema.validate(job.report("statistics.json"), STATISTICS)
    return job


def test_the_same_distribution_again_violates_nothing(tmp_path: Path) -> None:
    job = analyzed(tmp_path, flights(2))

    assert job.violations == {}
    assert job.message == "Completed: Job completed successfully with no violations."


def test_a_shifted_number_drifts(tmp_path: Path) -> None:
    job = analyzed(tmp_path, flights(2).with_columns(pl.col("delay") + 30))

    distance = job.report("report.json")["features"]["delay"]["distance"]
    assert 0.25 < distance < 0.4
    told = f"Numerical distance: {distance} exceeds numerical threshold: 0.1"
    assert job.violations == {("delay", "baseline_drift_check"): told}
    assert job.message == "CompletedWithViolations: Job completed successfully with 1 violations."


def test_robust_forgives_small_samples_what_simple_does_not(tmp_path: Path) -> None:
    current = flights(2, 40)
    robust = analyzed(tmp_path / "robust", current)
    simple = analyzed(tmp_path / "simple", current, baseline_words=("--comparison-method", "Simple"))

    assert robust.violations == {}
    assert ("delay", "baseline_drift_check") in simple.violations


def test_a_changed_share_of_categories_drifts(tmp_path: Path) -> None:
    current = flights(2).with_columns(carrier=pl.when(pl.col("hour") < 12).then(pl.lit("CC")).otherwise("carrier"))
    job = analyzed(tmp_path, current)

    (told,) = job.violations.values()
    assert told.startswith("Categorical distance: 0.3")
    assert told.endswith("exceeds categorical threshold: 0.1")


@pytest.mark.parametrize(("share", "drifts"), [(0.5, False), (0.3, True)])
def test_chi_square_calls_a_small_p_value_drift(tmp_path: Path, share: float, drifts: bool) -> None:
    carriers = ["AA"] * int(1000 * share) + ["BB"] * 300 + ["CC"] * int(1000 * (0.7 - share))
    current = flights(2, len(carriers)).with_columns(carrier=pl.Series(carriers))
    words = ("--categorical-drift-method", "ChiSquared", "--categorical-comparison-threshold", "0.001")
    job = analyzed(tmp_path, current, baseline_words=words)

    assert (("carrier", "baseline_drift_check") in job.violations) is drifts
    assert job.report("report.json")["features"]["carrier"]["method"] == "ChiSquared Robust"


def test_another_type_is_told_with_its_share(tmp_path: Path) -> None:
    hours = flights(2)["hour"].cast(pl.String).to_list()
    current = flights(2).with_columns(hour=pl.Series(["noon"] * 100 + hours[100:]))
    job = analyzed(tmp_path, current)

    assert job.violations == {
        ("hour", "data_type_check"): "Data type match requirement is not met. Expected data type: Integral, "
        "Expected match: 100.0%. Observed: Only 95.0% of data is Integral."
    }


def test_missing_values_missing_and_extra_columns_and_new_categories_are_told(tmp_path: Path) -> None:
    current = (
        flights(2)
        .with_row_index()
        .select(
            delay=pl.when(pl.col("index") >= 200).then("delay"),
            carrier=pl.when(pl.col("index") < 20).then(pl.lit("ZZ")).otherwise("carrier"),
            weather=pl.lit("fog"),
        )
    )
    job = analyzed(tmp_path, current)

    sizes = "Number of columns in current dataset: 3, Number of columns in baseline constraints: 3"
    assert job.violations == {
        ("Missing columns", "missing_column_check"): f"There are missing columns in current dataset. {sizes}. "
        "They are: hour",
        ("Extra columns", "extra_column_check"): f"There are extra columns in current dataset. {sizes}. "
        "They are: weather",
        ("delay", "completeness_check"): "Value: 0.9 does not meet the constraint requirement! "
        "Expected a completeness of at least 1.0.",
        ("carrier", "categorical_values_check"): "Value: 0.99 does not meet the constraint requirement! "
        "Expected 100.0% of known categories. Unknown: ZZ",
    }


def test_the_baselines_own_data_make_the_distance_exact(tmp_path: Path) -> None:
    before, after = flights(1, 20_000), flights(2, 20_000).with_columns(pl.col("delay") * 1.3)
    job = Job(tmp_path)
    job.put("data/a.parquet", before)
    job.baseline()
    job.put("data/b.parquet", after)
    found = []
    for has_data in (False, True):
        if has_data:
            job.put("baseline_data/a.parquet", before)
        assert job.run("data-quality") == 0
        found.append(job.report("report.json")["features"]["delay"])

    at = np.sort(np.concatenate([before["delay"], after["delay"]]))
    cdfs = [np.searchsorted(np.sort(side["delay"].to_numpy()), at, side="right") / 20_000 for side in (before, after)]
    exact = np.abs(cdfs[0] - cdfs[1]).max()
    assert found[1]["distance_simple"] == pytest.approx(exact, abs=1e-12)
    assert found[1]["error_at_most"] == 0
    assert abs(found[0]["distance_simple"] - exact) <= found[0]["error_at_most"]


def test_streaming_finds_what_memory_finds_within_its_error(tmp_path: Path) -> None:
    current = flights(2, 30_000).with_columns(pl.col("delay") + 20)
    memory = analyzed(tmp_path / "memory", current)
    streaming = analyzed(tmp_path / "streaming", current, "--mode", "streaming")

    assert streaming.violations.keys() == memory.violations.keys()
    found, exact = (job.report("report.json")["features"]["delay"] for job in (streaming, memory))
    assert abs(found["distance_simple"] - exact["distance_simple"]) <= found["error_at_most"]
    statistics = [job.report("statistics.json")["features"][0]["numerical_statistics"] for job in (streaming, memory)]
    assert statistics[0]["std_dev"] == pytest.approx(statistics[1]["std_dev"])


def test_every_format_says_the_same(tmp_path: Path) -> None:
    current = flights(2).with_columns((pl.col("delay") + 30).round(3), hour=pl.col("hour"))
    told = []
    for form, name, content in (
        (PARQUET, "b.parquet", current),
        (CSV, "b.csv", current.write_csv()),
        ('{"json": {"line": true}}', "b.jsonl", current.write_ndjson()),
    ):
        job = Job(tmp_path / name)
        job.put("data/a.parquet", flights(1))
        job.baseline()
        job.put(f"data/{name}", content)
        assert job.run("data-quality", form=form) == 0, job.message
        told.append(job.violations)

    assert told[0] == told[1] == told[2]
    assert told[0].keys() == {("delay", "baseline_drift_check")}


def test_a_table_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("data/a.csv", "1,x\n2,y\n")
    job.baseline(form='{"csv": {"header": false}}')

    assert [feature["name"] for feature in job.report("statistics.json")["features"]] == ["_c0", "_c1"]


@pytest.mark.parametrize("mode", ["memory", "streaming"])
def test_captured_requests_are_compared_with_the_table_that_trained(tmp_path: Path, mode: str) -> None:
    job = Job(tmp_path)
    job.put("data/a.parquet", flights(1).with_columns(prediction=pl.lit(0.5)))
    job.baseline()
    columns = [{"name": name, "role": "feature"} for name in ("delay", "hour", "carrier")]
    job.put("contract/contract.json", json.dumps({"columns": [{"name": "time", "role": "time"}, *columns]}))
    rows = flights(2).with_columns(pl.col("delay") + 30)
    requests = [row.write_csv(include_header=False) for row in rows.iter_slices(10)]
    job.put("data/x/v/2026/01/02/03/a.jsonl", lines(captured(request, "0.5\n" * 10) for request in requests))

    contract = str(job.base / "input/contract/contract.json")
    assert job.run("data-quality", "--contract", contract, "--mode", mode, form=CAPTURE) == 0

    assert job.violations.keys() == {("delay", "baseline_drift_check")}
    assert job.report("report.json")["captured"]["rows"] == job.report("report.json")["rows"] == ROWS


def test_no_data_in_the_window_fails_in_aws_words(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("data/a.parquet", flights(1))
    job.baseline()
    job.put("data/a.jsonl", lines([captured("1,2,AA", "0.5")]))

    assert job.run("data-quality", "--start", "2026-01-03T00:00:00Z", form=CAPTURE) == 1
    assert job.message == ("Job inputs had no data: 1 captured lines, 1 of them outside of the window, 0 unreadable")


def test_an_analysis_without_a_baseline_says_what_is_missing(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("data/a.parquet", flights(1))

    assert job.run("data-quality") == 1
    assert "statistics.json: expected a baseline's file, found none" in job.message


def test_the_error_of_a_baselines_sketch_is_known_better_from_its_report(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("data/a.parquet", flights(1, 20_000))
    job.baseline()
    job.put("data/a.parquet", flights(2))
    errors = []
    for _ in range(2):
        assert job.run("data-quality") == 0
        errors.append(job.report("report.json")["features"]["delay"]["error_at_most"])
        (job.base / "input/baseline/report.json").unlink(missing_ok=True)

    assert 0 < errors[0] < 0.001 < errors[1] < 0.01


@pytest.mark.parametrize(
    ("form", "name", "content", "reason"),
    [
        (CSV, "a.csv", "a,b\n1,2\n1,2,3\n", "the data cannot be read: "),
        (PARQUET, "a.parquet", b"no parquet", "the data cannot be read: "),
        ('{"avro": {}}', "a.avro", b"x", "dataset format {'avro': {}}: expected an object with one of parquet"),
        ("csv", "a.csv", "a\n1\n", "dataset format 'csv': expected an object"),
    ],
)
def test_what_cannot_be_read_fails_with_the_reason(
    tmp_path: Path, form: str, name: str, content: str | bytes, reason: str
) -> None:
    job = Job(tmp_path)
    job.put(f"data/{name}", content)

    assert job.run("baseline", form=form) == 1
    assert job.message.startswith(reason)


def test_a_distance_that_has_no_value_is_null_and_violates_nothing(tmp_path: Path) -> None:
    current = flights(2).with_columns(carrier=pl.lit("ZZ"))
    words = ("--categorical-drift-method", "ChiSquared", "--domain-content-threshold", "0")
    job = analyzed(tmp_path, current, baseline_words=words)

    assert job.violations == {}
    assert job.report("report.json")["features"]["carrier"]["distance"] is None
