"""CloudWatch: AWS's namespaces, names and dimensions; no time of ours; one metric for a monitor as a whole."""

import math
from pathlib import Path
from uuid import uuid4

import boto3
import numpy as np
import polars as pl
import pytest

from pipeline_definitions.watch.scripts.analyze import metrics
from pipeline_definitions.watch.scripts.analyze.metrics import Monitor
from tests.support.analysis import CSV, Job, captured, label, lines, table


def data_quality(tmp_path: Path, *words: str) -> Job:
    before = table({"x": np.arange(1000.0), "kind": ["a"] * 1000})
    job = Job(tmp_path)
    job.put("data/a.parquet", before)
    job.baseline()
    job.put("data/a.parquet", before.with_columns(x=pl.when(pl.col("x") < 900).then(pl.col("x") + 300)))
    assert job.run("data-quality", "--endpoint", "flights-prod", *words) == 0
    return job


def test_each_feature_has_its_values_its_completeness_and_its_drift(tmp_path: Path) -> None:
    data = {datum["MetricName"]: datum for datum in data_quality(tmp_path).report("report.json")["metrics"]}

    statistics = {"SampleCount": 900.0, "Sum": 674550.0, "Minimum": 300.0, "Maximum": 1199.0}
    assert data["feature_data_x"] == {"MetricName": "feature_data_x", "StatisticValues": statistics}
    assert data["feature_non_null_x"]["Value"] == 0.9
    assert data["feature_baseline_drift_x"]["Value"] == pytest.approx(0.3 - 1.8 * (1900 / 900_000) ** 0.5, abs=0.001)
    assert data["feature_non_null_kind"]["Value"] == 1
    assert "feature_data_kind" not in data
    assert data["monitor_violations"]["Value"] == 2
    assert data["monitor_drift"]["Value"] == pytest.approx(10 * data["feature_baseline_drift_x"]["Value"])
    assert not any("Timestamp" in datum for datum in data.values())


def test_what_is_published_is_found_under_aws_names(
    tmp_path: Path, aws_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws_env.items():
        monkeypatch.setenv(name, value)
    schedule = f"schedule-{uuid4().hex[:8]}"
    data_quality(tmp_path, "--publish", "--schedule", schedule)

    dimensions = [{"Name": "Endpoint", "Value": "flights-prod"}, {"Name": "MonitoringSchedule", "Value": schedule}]
    cloudwatch = boto3.client("cloudwatch", region_name="us-east-1")
    found = cloudwatch.list_metrics(Namespace="aws/sagemaker/Endpoints/data-metrics", Dimensions=dimensions)
    assert {"feature_baseline_drift_x", "feature_non_null_kind", "monitor_violations"} <= {
        metric["MetricName"] for metric in found["Metrics"]
    }


def test_model_quality_publishes_each_number_and_how_much_is_labelled(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("data/a.csv", "label,p\n1,0.9\n0,0.1\n")
    job.run("model-quality-baseline", "--probability-attribute", "p", form=CSV)
    job.put("baseline/constraints.json", "{}")
    job.put("data/a.jsonl", lines([captured("1", "0.9", event_id="a"), captured("1", "0.8", event_id="b")]))
    job.put("labels/2026/01/02/04/a.jsonl", lines([label("a", "1")]))
    assert job.run("model-quality") == 0

    data = {datum["MetricName"]: datum["Value"] for datum in job.report("report.json")["metrics"]}

    assert (data["accuracy"], data["f2"], data["recall"]) == (1, 1, 1)
    assert (data["monitor_labelled"], data["monitor_rows"]) == (0.5, 1)
    assert data["monitor_label_delay_s"] == 3355  # 03:04:05 to 04:00
    assert "auc" not in data  # one class: there is none


def test_a_batch_monitor_has_another_namespace_and_no_endpoint() -> None:
    assert Monitor("s").namespace("data-metrics") == "aws/sagemaker/ModelMonitoring/data-metrics"
    assert Monitor("s").dimensions == [{"Name": "MonitoringSchedule", "Value": "s"}]


def test_infinity_is_the_largest_number_and_nothing_is_not_published() -> None:
    found = metrics.of_values({"a": math.inf, "b": -math.inf, "c": math.nan, "d": None, "e": 0})

    assert found == [
        {"MetricName": "a", "Value": 2.0**360},
        {"MetricName": "b", "Value": -(2.0**360)},
        {"MetricName": "e", "Value": 0.0},
    ]
