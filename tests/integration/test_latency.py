"""A function that waits for a job inside itself works where nothing takes time, and dies where AWS takes its time."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.apart import Emulator
from tests.support.emulator import ROLE
from tests.support.waiting import eventually

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py312"
POLLS = f"""
import time
import boto3

def handler(event, context):
    sagemaker = boto3.client("sagemaker")
    sagemaker.create_processing_job(
        ProcessingJobName=event["name"],
        RoleArn="{ROLE}",
        AppSpecification={{"ImageUri": "{IMAGE}", "ContainerEntrypoint": ["python3", "-c", "print('done')"]}},
        ProcessingResources={{
            "ClusterConfig": {{"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}
        }},
    )
    while True:
        status = sagemaker.describe_processing_job(ProcessingJobName=event["name"])["ProcessingJobStatus"]
        if status != "InProgress":
            return status
        time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    made = Emulator(tmp_path_factory.mktemp("slow") / "state", "--latency", "aws", "--pace", "leap")
    yield made
    made.kill()


@pytest.fixture(scope="module")
def instant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    made = Emulator(tmp_path_factory.mktemp("instant") / "state")
    yield made
    made.kill()


def _run(emulator: Emulator, name: str) -> Any:
    """Have a function that lives for five seconds start a job and wait for it."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("polls.py", POLLS)
    emulator.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="polls.handler",
        Role=ROLE,
        Code={"ZipFile": packed.getvalue()},
        Timeout=5,
    )
    return emulator.client("lambda").invoke(FunctionName=name, Payload=json.dumps({"name": name}))


def test_where_nothing_takes_time_a_polling_function_sees_its_job_end(instant: Emulator) -> None:
    answer = _run(instant, "quick")

    assert json.load(answer["Payload"]) == "Completed"


def test_where_aws_takes_its_time_a_polling_function_dies_at_its_timeout_and_the_job_goes_on(slow: Emulator) -> None:
    answer = _run(slow, "polls")

    assert answer["FunctionError"] == "Unhandled"
    assert "timed out after 5.00 seconds" in json.load(answer["Payload"])["errorMessage"]
    job = eventually(lambda: _ended(slow, "polls"))
    assert (job["ProcessingStartTime"] - job["CreationTime"]).total_seconds() >= 180


def _ended(emulator: Emulator, name: str) -> Any:
    job = emulator.client("sagemaker").describe_processing_job(ProcessingJobName=name)
    return job if job["ProcessingJobStatus"] == "Completed" else None


def test_a_job_that_is_stopped_while_its_instance_starts_ends_at_once(slow: Emulator) -> None:
    sagemaker = slow.client("sagemaker")
    try:
        slow.ask("clock", pace="real")
        sagemaker.create_processing_job(
            ProcessingJobName="stopped",
            RoleArn=ROLE,
            AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["python3", "-c", "print('never')"]},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
            },
        )

        sagemaker.stop_processing_job(ProcessingJobName="stopped")

        def status() -> str:
            return str(sagemaker.describe_processing_job(ProcessingJobName="stopped")["ProcessingJobStatus"])

        assert eventually(lambda: status() if status() != "Stopping" else None) == "Stopped"
    finally:
        slow.ask("clock", pace="leap")
