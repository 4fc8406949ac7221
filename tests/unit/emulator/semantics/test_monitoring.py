"""When monitoring jobs run, over what, how they are asked for, and what their end means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.semantics.monitoring import alerts, definitions, expressions, jobs, statuses, windows
from emulator.semantics.monitoring.jobs import Execution, Place
from emulator.semantics.monitoring.windows import Window

DUE = datetime(2021, 5, 6, 23, tzinfo=UTC)
BASE = "/opt/ml/processing"
ANALYZER = "777275614652.dkr.ecr.us-east-2.amazonaws.com/sagemaker-model-monitor-analyzer"


def at(hour: int, minute: int = 0, day: int = 6) -> datetime:
    return datetime(2021, 5, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "after", "due"),
    [
        ("cron(0 * ? * * *)", at(7, 1), at(8)),
        ("cron(0 * ? * * *)", at(8), at(9)),
        ("cron(0 12 ? * * *)", at(12, 1), at(12, day=7)),
        ("cron(0 00 ? * * *)", at(23, 59), at(0, day=7)),
        ("cron(0 0/2 ? * * *)", at(0, 1), at(2)),
        ("cron(0 17/12 ? * * *)", at(17, 1), at(5, day=7)),
        ("cron(0 0/10 ? * * *)", at(20), at(0, day=7)),
    ],
)
def test_a_schedule_is_due_at_full_hours(text: str, after: datetime, due: datetime) -> None:
    assert expressions.next_due(expressions.parse(text), after) == due


def test_what_runs_now_is_never_due_again() -> None:
    assert expressions.next_due(expressions.parse("NOW"), DUE) is None


@pytest.mark.parametrize(
    "text",
    ["cron(5 * ? * * *)", "cron(0 24 ? * * *)", "cron(0 1/25 ? * * *)", "cron(0 * * * ? *)", "rate(1 hour)", "now"],
)
def test_other_expressions_are_refused(text: str) -> None:
    with pytest.raises(expressions.InvalidExpression, match="Invalid ScheduleExpression"):
        expressions.parse(text)


@pytest.mark.parametrize(
    ("text", "source", "due", "start", "end"),
    [
        ("cron(0 * ? * * *)", {}, DUE, at(22), DUE),
        ("cron(0 5 ? * * *)", {}, at(5), at(5, day=5), at(5)),
        ("cron(0 0/6 ? * * *)", {}, at(6), at(0), at(6)),
        ("cron(0 * ? * * *)", {"StartTimeOffset": "-PT2H", "EndTimeOffset": "-PT1H"}, DUE, at(21), at(22)),
        # the example of the page on model quality schedules
        (
            "cron(0 * ? * * *)",
            {"StartTimeOffset": "-P8D", "EndTimeOffset": "-P1D"},
            datetime(2020, 1, 9, 13, tzinfo=UTC),
            datetime(2020, 1, 1, 13, tzinfo=UTC),
            datetime(2020, 1, 8, 13, tzinfo=UTC),
        ),
    ],
)
def test_a_window_ends_when_its_execution_is_due_unless_it_is_moved(
    text: str, source: dict[str, str], due: datetime, start: datetime, end: datetime
) -> None:
    assert windows.of(expressions.parse(text), {}, source, due) == Window(start, end)


def test_a_window_touches_every_hour_that_it_has_a_part_of() -> None:
    assert list(Window(at(21, 30), at(23, 1)).hours()) == [at(21), at(22), at(23)]


@pytest.mark.parametrize(
    ("text", "schedule", "source", "said"),
    [
        ("NOW", {"DataAnalysisStartTime": "-PT1H"}, {}, "are required when ScheduleExpression is NOW"),
        ("NOW", {"DataAnalysisStartTime": "-P2D", "DataAnalysisEndTime": "-PT0H"}, {}, "by more than 24 hours"),
        ("NOW", {"DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT2H"}, {}, "must be before its end"),
        ("cron(0 * ? * * *)", {}, {"StartTimeOffset": "PT"}, "Invalid offset 'PT'"),
        ("cron(0 * ? * * *)", {}, {"StartTimeOffset": "+PT1H"}, "Invalid offset"),
        ("cron(0 * ? * * *)", {}, {"StartTimeOffset": "-P9999999999D"}, "before the calendar"),
    ],
)
def test_times_that_make_no_window_are_refused(
    text: str, schedule: dict[str, str], source: dict[str, str], said: str
) -> None:
    assert said in str(windows.refusal(expressions.parse(text), schedule, source))


@pytest.mark.parametrize(("text", "hours"), [("-PT1H", 1), ("-P1D", 24), ("-P1W", 168), ("-P1DT2H30M", 26.5)])
def test_an_offset_looks_back(text: str, hours: float) -> None:
    assert windows.offset(text) == timedelta(hours=-hours)


def quality(**source: Any) -> dict[str, Any]:
    """The job definition behind the published requests."""
    s3 = {"S3Uri": "s3://b/baselining/results", "LocalPath": f"{BASE}/output", "S3UploadMode": "Continuous"}
    endpoint = {"EndpointName": "abalone", "LocalPath": f"{BASE}/input_data", "InferenceAttribute": "0", **source}
    return {
        "JobDefinitionName": "quality",
        "ModelQualityBaselineConfig": {"ConstraintsResource": {"S3Uri": "s3://b/baselining/results/constraints.json"}},
        "ModelQualityAppSpecification": {"ImageUri": ANALYZER, "ProblemType": "Regression"},
        "ModelQualityJobInput": {"EndpointInput": endpoint, "GroundTruthS3Input": {"S3Uri": "s3://b/truth"}},
        "ModelQualityJobOutputConfig": {"MonitoringOutputs": [{"S3Output": s3}]},
        "JobResources": {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 20}},
        "RoleArn": "arn:aws:iam::123456789012:role/monitor",
        "StoppingCondition": {"MaxRuntimeInSeconds": 1800},
    }


@pytest.fixture
def execution() -> Execution:
    definition = definitions.of_kind("ModelQuality", quality())
    return Execution(definition, "hourly", DUE, Window(at(22), DUE), "de32d8acceeef6a1626b8fa6")


def test_the_merge_job_is_asked_for_as_aws_asks_for_it(execution: Execution) -> None:
    hour = "2021/05/06/22"
    captured, truth = Place("s3://b/captured", f"abalone/AllTraffic/{hour}"), Place("s3://b/truth", hour)

    found = jobs.merge(execution, [captured], [truth])

    assert found["ProcessingJobName"] == "groundtruth-merge-202105062300-de32d8acceeef6a1626b8fa6"
    assert found["AppSpecification"]["ImageUri"].endswith("/sagemaker-model-monitor-groundtruth-merger")
    assert found["Environment"] == {
        "dataset_source": f"{BASE}/input_data",
        "ground_truth_source": f"{BASE}/groundtruth",
        "output_path": f"{BASE}/output",
    }
    inputs = {item["InputName"]: item["S3Input"] for item in found["ProcessingInputs"]}
    places = {name: (s3["S3Uri"], s3["LocalPath"]) for name, s3 in inputs.items()}
    assert places == {
        "groundtruth_input_1": (f"s3://b/truth/{hour}", f"{BASE}/groundtruth/{hour}"),
        "endpoint_input_1": (
            f"s3://b/captured/abalone/AllTraffic/{hour}",
            f"{BASE}/input_data/abalone/AllTraffic/{hour}",
        ),
    }
    (output,) = found["ProcessingOutputConfig"]["Outputs"]
    assert (output["OutputName"], output["S3Output"]["S3Uri"]) == ("result", "s3://b/baselining/results/merge")


def test_the_analysis_is_asked_for_as_aws_asks_for_it(execution: Execution) -> None:
    place = Place(execution.merged_uri, "abalone/AllTraffic/2021/05/06/22")

    found = jobs.analysis(execution, [place], {"constraints": "s3://b/baselining/results/constraints.json"})

    assert found["ProcessingJobName"] == "model-quality-monitoring-202105062300-de32d8acceeef6a1626b8fa6"
    assert found["Environment"] == {
        "analysis_type": "MODEL_QUALITY",
        "baseline_constraints": f"{BASE}/baseline/constraints/constraints.json",
        "dataset_format": '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}',
        "dataset_source": f"{BASE}/input_data",
        "end_time": "2021-05-06T23:00:00Z",
        "inference_attribute": "0",
        "metric_time": "2021-05-06T22:00:00Z",
        "output_path": f"{BASE}/output",
        "problem_type": "Regression",
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": "abalone",
        "sagemaker_monitoring_schedule_name": "hourly",
        "start_time": "2021-05-06T22:00:00Z",
    }
    (output,) = found["ProcessingOutputConfig"]["Outputs"]
    assert output["S3Output"]["S3Uri"] == "s3://b/baselining/results/abalone/hourly/2021/05/06/23"


def test_what_a_user_sets_wins_and_their_scripts_come_along() -> None:
    row = quality()
    row["ModelQualityAppSpecification"] |= {
        "Environment": {"publish_cloudwatch_metrics": "Disabled"},
        "RecordPreprocessorSourceUri": "s3://b/code/before.py",
    }
    execution = Execution(definitions.of_kind("ModelQuality", row), "hourly", DUE, Window(at(22), DUE), "m")

    found = jobs.analysis(execution, [], {})

    assert found["Environment"]["publish_cloudwatch_metrics"] == "Disabled"
    assert found["Environment"]["record_preprocessor_script"] == f"{BASE}/code/preprocessing/before.py"
    assert [item["S3Input"]["S3Uri"] for item in found["ProcessingInputs"]] == ["s3://b/code/before.py"]


def test_a_definition_has_one_source_and_labels_where_it_merges() -> None:
    row = quality()
    both = {**row["ModelQualityJobInput"], "BatchTransformInput": {"LocalPath": "/x"}}
    unlabelled = {**row["ModelQualityJobInput"], "GroundTruthS3Input": {}}

    said = [
        definitions.refusal(definitions.of_kind("ModelQuality", {**row, "ModelQualityJobInput": inputs}))
        for inputs in (row["ModelQualityJobInput"], both, unlabelled)
    ]

    assert said[0] is None
    assert "Exactly one of EndpointInput and BatchTransformInput" in str(said[1])
    assert "GroundTruthS3Input" in str(said[2])


@pytest.mark.parametrize(
    ("text", "runtime_s", "is_taken"),
    [("cron(0 * ? * * *)", 1800, True), ("cron(0 * ? * * *)", 1801, False), ("cron(0 0/2 ? * * *)", 7200, True)],
)
def test_a_job_that_merges_has_half_of_its_hour(text: str, runtime_s: int, is_taken: bool) -> None:
    row = {**quality(), "StoppingCondition": {"MaxRuntimeInSeconds": runtime_s}}

    said = definitions.runtime_refusal(definitions.of_kind("ModelQuality", row), expressions.parse(text))

    assert (said is None) is is_taken


@pytest.mark.parametrize(
    ("job", "status", "reason"),
    [
        (("Completed", "Completed: Job completed successfully with no violations.", ""), "Completed", None),
        (("Completed", "CompletedWithViolations: Job …", ""), "CompletedWithViolations", None),
        (("Failed", "Job inputs had no data: 3 lines", "AlgorithmError: …"), "Failed", "Job inputs had no data"),
        (("Failed", "", "AlgorithmError: See job logs"), "Failed", "AlgorithmError: See job logs"),
        (("Stopped", "", ""), "Stopped", None),
    ],
)
def test_an_execution_ends_as_its_job_says(job: tuple[str, str, str], status: str, reason: str | None) -> None:
    described = dict(zip(("ProcessingJobStatus", "ExitMessage", "FailureReason"), job, strict=True))

    assert statuses.of_job(described) == statuses.Ending(status, reason)


def test_an_alert_stands_while_enough_of_the_latest_executions_failed() -> None:
    """The picture of the guide: two of three."""
    history = ["CompletedWithViolations", "Failed", "Completed", "Completed", "Completed", "Failed"]

    seen = [alerts.status(history[:count][::-1], 2, 3) for count in range(1, len(history) + 1)]

    assert seen == ["OK", "InAlert", "InAlert", "OK", "OK", "OK"]


def test_a_pending_schedule_is_not_deleted_nor_stopped() -> None:
    with pytest.raises(statuses.IllegalMove, match=r"^Monitoring schedule in status Pending$"):
        statuses.check_deletable("Pending")
    with pytest.raises(statuses.IllegalMove):
        statuses.move("Pending", "Stopped")
