"""The analyzer as a processing job: program and wheels from S3, metrics to CloudWatch, an exit message of AWS's."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from emulator.kernel.ports import Kernel
from pipeline_definitions.shared import definitions, wheels
from tests.support.analysis import captured, lines
from tests.support.waiting import eventually

Client = Callable[[str], Any]
IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
BASE = "/opt/ml/processing"
CAPTURE = '{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}'
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
RIGHTS = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "cloudwatch:PutMetricData"], "Resource": "*"}],
}
pytestmark = pytest.mark.xdist_group("analyzer")


@pytest.fixture(scope="module")
def role(client: Client) -> str:
    made = client("iam").create_role(RoleName="analyzer", AssumeRolePolicyDocument=json.dumps(TRUST))
    client("iam").put_role_policy(RoleName="analyzer", PolicyName="all", PolicyDocument=json.dumps(RIGHTS))
    s3 = client("s3")
    s3.create_bucket(Bucket="analyzer")
    s3.put_object(Bucket="analyzer", Key="code/1.pyz", Body=definitions.built_assets("watch")["analyze.pyz"])
    s3.put_object(Bucket="analyzer", Key="wheels/2.zip", Body=wheels.wheel_archive("sklearn-1.9-0"))
    return str(made["Role"]["Arn"])


def ended(client: Client, role: str, name: str, words: list[str], inputs: dict[str, str]) -> dict[str, Any]:
    """How a job of the analyzer ended. `inputs`: folder below input/ -> S3 prefix."""
    mode = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    places = {"code": f"{BASE}/code", **{folder: f"{BASE}/input/{folder}" for folder in ("wheels", *inputs)}}
    sources = {"code": "code", "wheels": "wheels", **inputs}
    sagemaker = client("sagemaker")
    report = {"S3Uri": f"s3://analyzer/{name}", "LocalPath": f"{BASE}/output/report", "S3UploadMode": "EndOfJob"}
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=role,
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", f"{BASE}/code/1.pyz"],
            "ContainerArguments": words,
        },
        ProcessingInputs=[
            {"InputName": key, "S3Input": {"S3Uri": f"s3://analyzer/{sources[key]}/", "LocalPath": path, **mode}}
            for key, path in places.items()
        ],
        ProcessingOutputConfig={"Outputs": [{"OutputName": "report", "S3Output": report}]},
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )

    def found() -> dict[str, Any] | None:
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
        return dict(job) if "ProcessingEndTime" in job else None

    return eventually(found)


def test_drift_of_captured_requests_ends_with_violations_and_a_metric(
    client: Client, kernel: Kernel, role: str
) -> None:
    s3 = client("s3")
    s3.put_object(Bucket="analyzer", Key="train/a.csv", Body="_c0\n" + "\n".join(str(n % 24) for n in range(600)))
    night = lines(captured(str(20 + n % 4), "0.5", event_id=f"e{n}") for n in range(600))
    s3.put_object(Bucket="analyzer", Key="captured/e/v/2026/01/02/03/a.jsonl", Body=night)

    before = ended(client, role, "before", ["--analysis", "baseline"], {"data": "train"})
    words = ["--analysis", "data-quality", "--dataset-format", CAPTURE, "--publish", "--endpoint", "e"]
    after = ended(client, role, "after", words, {"data": "captured", "baseline": "before"})

    assert before["ExitMessage"] == "Completed: Job completed successfully with no violations."
    assert after["ProcessingJobStatus"] == "Completed"
    assert after["ExitMessage"] == "CompletedWithViolations: Job completed successfully with 1 violations."
    violations = json.loads(s3.get_object(Bucket="analyzer", Key="after/constraint_violations.json")["Body"].read())
    assert [item["constraint_check_type"] for item in violations["violations"]] == ["baseline_drift_check"]
    now = kernel.clock.now()
    found = client("cloudwatch").get_metric_statistics(
        Namespace="aws/sagemaker/Endpoints/data-metrics",
        MetricName="monitor_drift",
        Dimensions=[{"Name": "Endpoint", "Value": "e"}, {"Name": "MonitoringSchedule", "Value": "monitor"}],
        StartTime=now - timedelta(minutes=10),  # published now, though the requests are older
        EndTime=now + timedelta(minutes=10),
        Period=3600,
        Statistics=["Maximum"],
    )
    assert found["Datapoints"][0]["Maximum"] > 1


def test_a_window_without_data_fails_the_job_in_aws_words(client: Client, role: str) -> None:
    words = ["--analysis", "baseline", "--dataset-format", CAPTURE, "--end", "2020-01-01T00:00:00Z"]
    client("s3").put_object(Bucket="analyzer", Key="old/a.jsonl", Body=captured("1", "2"))

    job = ended(client, role, "no-data", words, {"data": "old"})

    assert job["ProcessingJobStatus"] == "Failed"
    assert job["ExitMessage"].startswith("Job inputs had no data: ")
