"""Model Monitor as its users have it: a baseline, schedules over a live endpoint, executions in the emulator's time."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lambdas.change_endpoint.decision import Names
from lambdas.change_endpoint.monitoring import watch
from lambdas.change_endpoint.monitors import monitors
from lambdas.shared.settings import ModelMonitor
from pipeline_definitions import programs
from tests.support.apart import Emulator
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.requests import SKLEARN, tarball

ROLE = "arn:aws:iam::123456789012:role/monitor"
IMAGE = "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
BUCKET = "monitored"
BASE = "/opt/ml/processing"
HOUR_S = 3600
NAMESPACE = "aws/sagemaker/Endpoints"
ECHO = """
def model_fn(model_dir): return None
def input_fn(data, content_type): return data
def predict_fn(data, model): return "1" if float(data.split(",")[0]) > 11 else "0"
def output_fn(prediction, accept): return prediction, "text/csv"
"""
pytestmark = pytest.mark.xdist_group("model-monitor")


class Monitored(Emulator):
    """An emulator with the analyzer, an endpoint that captures, and a baseline of its requests."""

    def __init__(self, home: Path) -> None:
        (program,) = programs.write(home).values()
        self.home, self.options = home, ("--program", f"model-monitor={program}")
        super().__init__(home / "state", *self.options, log=home / "emulator.log")
        self.sagemaker, self.s3 = self.client("sagemaker"), self.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.endpoint = self.serve("flights")

    def serve(self, name: str, **capture: Any) -> str:
        """An endpoint whose answer is whether the first cell is above 11."""
        self.s3.put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=tarball(code__inference_py=ECHO))
        container = {"Image": SKLEARN, "ModelDataUrl": f"s3://{BUCKET}/{name}.tar.gz"}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        machines = {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
        settings = {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
            **capture,
        }
        variants = [{"VariantName": "AllTraffic", "ModelName": name, **machines}]
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=variants, DataCaptureConfig=settings
        )
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        eventually(lambda: self.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
        return name

    def request(self, rows: list[str], prefix: str) -> datetime:
        """Send rows, each a request with an id of its own, and have them captured; answers when."""
        runtime, at = self.client("sagemaker-runtime"), self.now()
        for number, row in enumerate(rows):
            about = {"ContentType": "text/csv", "InferenceId": f"{prefix}{number}"}
            runtime.invoke_endpoint(EndpointName=self.endpoint, Body=row.encode(), **about)
        eventually(lambda: self.lines(f"captured/{self.endpoint}/AllTraffic/{at:%Y/%m/%d/%H}/") >= len(rows))
        return at

    def lines(self, prefix: str) -> int:
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", ())
        bodies = [self.s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in found]
        return sum(body.count(b"\n") for body in bodies)

    def read(self, key: str) -> Any:
        return json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def job(self, name: str) -> dict[str, Any]:
        """A processing job when it has ended."""

        def ended() -> dict[str, Any] | None:
            found: dict[str, Any] = self.sagemaker.describe_processing_job(ProcessingJobName=name)
            return found if "ProcessingEndTime" in found else None

        return eventually(ended, timeout_s=90)

    def scheduled(self, name: str, config: dict[str, Any]) -> str:
        """A schedule that has been made."""
        self.sagemaker.create_monitoring_schedule(MonitoringScheduleName=name, MonitoringScheduleConfig=config)
        eventually(lambda: self.described(name)["MonitoringScheduleStatus"] == "Scheduled")
        return name

    def described(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=name)
        return found

    def executions(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        """The executions of a schedule when so many have ended, the latest first."""

        def ended() -> list[dict[str, Any]] | None:
            answer = self.sagemaker.list_monitoring_executions(MonitoringScheduleName=name)
            found: list[dict[str, Any]] = answer["MonitoringExecutionSummaries"]
            are_ended = [item["MonitoringExecutionStatus"] not in ("Pending", "InProgress") for item in found]
            return found if len(found) >= count and all(are_ended) else None

        return eventually(ended, timeout_s=90)

    def metric(self, kind: str, name: str, schedule: str, statistic: str = "Maximum") -> list[float]:
        now = self.now()
        found = self.client("cloudwatch").get_metric_statistics(
            Namespace=f"{NAMESPACE}/{kind}",
            MetricName=name,
            Dimensions=[
                {"Name": "Endpoint", "Value": self.endpoint},
                {"Name": "MonitoringSchedule", "Value": schedule},
            ],
            StartTime=now - timedelta(hours=2),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=[statistic],
        )
        return [point[statistic] for point in found["Datapoints"]]

    def until_next_hour(self) -> None:
        """So that what follows lies in one hour."""
        now = self.now()
        self.advance(HOUR_S - (now.minute * 60 + now.second) + 5)


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    made = Monitored(tmp_path_factory.mktemp("monitored"))
    yield made
    made.kill()


@pytest.fixture(scope="module")
def baseline(aws: Monitored) -> str:
    """Made as DefaultModelMonitor.suggest_baseline does; answers the folder of its files."""
    rows = "".join(f"{int(n % 24 > 11)},{n % 24},{'AB'[n % 2]}\n" for n in range(480))
    aws.s3.put_object(Bucket=BUCKET, Key="train/train.csv", Body=f"late,hour,carrier\n{rows}")
    monitor = _sdk_monitor(aws)
    monitor.suggest_baseline(
        baseline_dataset=f"s3://{BUCKET}/train/train.csv",
        dataset_format={"csv": {"header": True, "output_columns_position": "START"}},
        output_s3_uri=f"s3://{BUCKET}/baseline",
        job_name="suggested",
        wait=False,
        logs=False,
    )
    job = aws.job("suggested")
    assert job["ProcessingJobStatus"] == "Completed", job
    return f"s3://{BUCKET}/baseline"


def _sdk_monitor(aws: Monitored) -> Any:
    """The SDK's own DefaultModelMonitor, before this emulator."""
    from sagemaker.core.helper.session_helper import Session
    from sagemaker.core.model_monitor import DefaultModelMonitor

    return DefaultModelMonitor(
        role=ROLE, instance_count=1, instance_type="ml.m5.large", sagemaker_session=_sdk_session(aws, Session)
    )


def _sdk_session(aws: Monitored, make: Any) -> Any:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    session = boto3.Session(**keys)
    found = make(
        boto_session=session,
        sagemaker_client=aws.sagemaker,
        default_bucket=BUCKET,
        sagemaker_config={"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}},
    )
    found.s3_resource = session.resource("s3", endpoint_url=f"http://localhost:{aws.port}")
    found.s3_client = aws.s3
    return found


def own_job(baseline: str, **source: str) -> dict[str, Any]:
    """A MonitoringJobDefinition of data quality."""
    s3 = {"S3Uri": f"s3://{BUCKET}/reports", "LocalPath": f"{BASE}/output", "S3UploadMode": "Continuous"}
    return {
        "BaselineConfig": {
            "ConstraintsResource": {"S3Uri": f"{baseline}/constraints.json"},
            "StatisticsResource": {"S3Uri": f"{baseline}/statistics.json"},
        },
        "MonitoringInputs": [
            {"EndpointInput": {"EndpointName": "flights", "LocalPath": f"{BASE}/input/endpoint", **source}}
        ],
        "MonitoringOutputConfig": {"MonitoringOutputs": [{"S3Output": s3}]},
        "MonitoringResources": resources(),
        "MonitoringAppSpecification": {"ImageUri": IMAGE},
        "RoleArn": ROLE,
    }


def resources() -> dict[str, Any]:
    return {"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}}


def hourly(job: dict[str, Any]) -> dict[str, Any]:
    return {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, "MonitoringJobDefinition": job}


def test_an_hourly_schedule_finds_drift_in_what_a_live_endpoint_captured(aws: Monitored, baseline: str) -> None:
    aws.until_next_hour()
    name = aws.scheduled("hourly", hourly(own_job(baseline)))
    at = aws.request([f"{20 + n % 4},{'AC'[n % 2]}" for n in range(200)], "night")

    aws.advance(HOUR_S + 1300)  # the hour's end, and the delay with which jobs start

    (execution,) = aws.executions(name)
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations", execution
    due_at = at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    assert execution["ScheduledTime"].astimezone(UTC) == due_at
    assert 0 <= (execution["CreationTime"].astimezone(UTC) - due_at).total_seconds() < 1300
    folder = f"reports/flights/{name}/{due_at:%Y/%m/%d/%H}"
    found = aws.read(f"{folder}/constraint_violations.json")["violations"]
    kinds = {(item["feature_name"], item["constraint_check_type"]) for item in found}
    assert {("hour", "baseline_drift_check"), ("carrier", "categorical_values_check")} <= kinds
    assert [item["name"] for item in aws.read(f"{folder}/statistics.json")["features"]] == ["late", "hour", "carrier"]
    (drift,) = aws.metric("data-metrics", "feature_baseline_drift_hour", name)
    assert drift > 0.5
    assert aws.metric("data-metrics", "feature_non_null_carrier", name) == [1.0]
    assert aws.described(name)["LastMonitoringExecutionSummary"] == execution
    (alert,) = aws.sagemaker.list_monitoring_alerts(MonitoringScheduleName=name)["MonitoringAlertSummaries"]
    assert (alert["AlertStatus"], alert["DatapointsToAlert"], alert["EvaluationPeriod"]) == ("InAlert", 1, 1)


def test_the_sdk_reads_the_files_of_an_execution(aws: Monitored, baseline: str) -> None:
    from sagemaker.core.model_monitor import MonitoringExecution

    monitor = _sdk_monitor(aws)
    (summary,) = aws.executions("hourly")

    found = MonitoringExecution.from_processing_arn(monitor.sagemaker_session, summary["ProcessingJobArn"])

    assert found.statistics().body_dict["dataset"]["item_count"] == 200
    assert len(found.constraint_violations().body_dict["violations"]) >= 2


def test_an_hour_without_requests_fails_in_aws_words_and_the_alert_tells_its_history(
    aws: Monitored, baseline: str
) -> None:
    name = "hourly"
    aws.sagemaker.update_monitoring_alert(
        MonitoringScheduleName=name, MonitoringAlertName=name, DatapointsToAlert=2, EvaluationPeriod=2
    )
    aws.advance(HOUR_S)

    latest, *_ = aws.executions(name, 2)

    assert (latest["MonitoringExecutionStatus"], latest["FailureReason"]) == ("Failed", "Job inputs had no data")
    assert "ProcessingJobArn" not in latest
    (change,) = aws.sagemaker.list_monitoring_alert_history(MonitoringScheduleName=name)["MonitoringAlertHistory"]
    assert (change["AlertStatus"], change["MonitoringAlertName"]) == ("InAlert", name)


def test_a_schedule_now_runs_once_over_the_window_that_was_said(aws: Monitored, baseline: str) -> None:
    aws.until_next_hour()
    aws.request([f"{n % 24},{'AB'[n % 2]}" for n in range(240)], "day")
    window = {"DataAnalysisStartTime": "-PT1H", "DataAnalysisEndTime": "-PT0H"}
    config = {"ScheduleConfig": {"ScheduleExpression": "NOW", **window}, "MonitoringJobDefinition": own_job(baseline)}

    name = aws.scheduled("once", config)

    (execution,) = aws.executions(name)
    assert execution["MonitoringExecutionStatus"] == "Completed", execution
    aws.advance(3 * HOUR_S)
    assert aws.executions(name) == [execution]


def test_model_quality_merges_labels_first_and_then_compares(aws: Monitored) -> None:
    aws.until_next_hour()
    answers = {f"mq{n}": n % 24 > 11 for n in range(240)}
    at = aws.request([f"{n % 24},A" for n in range(240)], "mq")
    wrong = [
        {
            "groundTruthData": {"data": str(int(not truth if n % 3 == 0 else truth)), "encoding": "CSV"},
            "eventMetadata": {"eventId": name},
            "eventVersion": "0",
        }
        for n, (name, truth) in enumerate(answers.items())
    ]
    body = "".join(f"{json.dumps(line)}\n" for line in wrong)
    aws.s3.put_object(Bucket=BUCKET, Key=f"truth/{at:%Y/%m/%d/%H}/a.jsonl", Body=body)
    goal = {"accuracy": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}
    constraints = {"version": 0.0, "binary_classification_constraints": goal}
    aws.s3.put_object(Bucket=BUCKET, Key="quality/constraints.json", Body=json.dumps(constraints))
    s3 = {"S3Uri": f"s3://{BUCKET}/quality-reports", "LocalPath": f"{BASE}/output"}
    aws.sagemaker.create_model_quality_job_definition(
        JobDefinitionName="quality",
        ModelQualityBaselineConfig={"ConstraintsResource": {"S3Uri": f"s3://{BUCKET}/quality/constraints.json"}},
        ModelQualityAppSpecification={"ImageUri": IMAGE, "ProblemType": "BinaryClassification"},
        ModelQualityJobInput={
            "EndpointInput": {"EndpointName": "flights", "LocalPath": f"{BASE}/input_data", "InferenceAttribute": "0"},
            "GroundTruthS3Input": {"S3Uri": f"s3://{BUCKET}/truth"},
        },
        ModelQualityJobOutputConfig={"MonitoringOutputs": [{"S3Output": s3}]},
        JobResources=resources(),
        RoleArn=ROLE,
    )
    config = {"MonitoringJobDefinitionName": "quality", "MonitoringType": "ModelQuality"}
    name = aws.scheduled("quality", {"ScheduleConfig": {"ScheduleExpression": "cron(0 * ? * * *)"}, **config})

    aws.advance(HOUR_S + 1300)

    (execution,) = aws.executions(name)
    assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations", execution
    assert execution["MonitoringJobDefinitionName"] == "quality"
    jobs = aws.sagemaker.list_processing_jobs(NameContains=f"{at + timedelta(hours=1):%Y%m%d%H}00")
    started = {item["ProcessingJobName"].rpartition("-20")[0] for item in jobs["ProcessingJobSummaries"]}
    assert {"groundtruth-merge", "model-quality-monitoring"} <= started
    assert aws.lines(f"quality-reports/merge/flights/AllTraffic/{at:%Y/%m/%d/%H}/") == 240
    assert aws.metric("model-metrics", "accuracy", name) == [pytest.approx(2 / 3)]


def test_a_definition_is_locked_by_its_schedule_until_that_is_deleted(aws: Monitored) -> None:
    with pytest.raises(ClientError, match="is used by monitoring schedule quality"):
        aws.sagemaker.delete_model_quality_job_definition(JobDefinitionName="quality")

    aws.sagemaker.delete_monitoring_schedule(MonitoringScheduleName="quality")
    aws.sagemaker.delete_model_quality_job_definition(JobDefinitionName="quality")

    with pytest.raises(ClientError, match="ResourceNotFound"):
        aws.sagemaker.describe_model_quality_job_definition(JobDefinitionName="quality")
    assert len(aws.executions("quality")) == 1  # the history stays


def test_a_later_release_has_the_schedules_run_its_own_definitions(aws: Monitored) -> None:
    aws.serve("handed-prod")
    files = {kind: {"S3Uri": f"s3://{BUCKET}/baseline/{kind.lower()}.json"} for kind in ("Statistics", "Constraints")}
    package = {"ModelPackageArn": "arn", "DriftCheckBaselines": {"ModelDataQuality": files, "ModelQuality": files}}
    folders = (f"s3://{BUCKET}/truth", f"s3://{BUCKET}/handed", f"s3://{BUCKET}/preprocessor.py")
    settings = ModelMonitor(IMAGE, ROLE, *folders, "ml.m5.large", every_h=1, label_delay_s=0)

    for version in (1, 1, 2):
        for monitor in monitors(settings, Names("handed", "handed", version, "release"), package):
            watch(aws.sagemaker, monitor)
            eventually(lambda: aws.described(monitor.schedule)["MonitoringScheduleStatus"] == "Scheduled")  # noqa: B023

    for schedule in ("handed-data-quality", "handed-model-quality"):
        running = aws.described(schedule)["MonitoringScheduleConfig"]["MonitoringJobDefinitionName"]
        assert running.startswith(f"{schedule}-v2-")
        aws.sagemaker.stop_monitoring_schedule(MonitoringScheduleName=schedule)
