"""Large inputs of jobs are the objects' own files, which jobs can read and not change; outputs go back as files."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.adapters.forking import ForkingSpawner
from emulator.kernel.ports import Kernel
from tests.support.waiting import eventually

Client = Callable[[str], Any]
SCRIPT = b"""
import shutil
large = '/opt/ml/processing/input/deep/large.bin'
try:
    open(large, 'r+b')
    print('written')
except OSError as error:
    print(error.strerror)
open('/opt/ml/processing/input/small.txt', 'a').write('mine')
open('/opt/ml/processing/input/new.txt', 'w').write('mine')
shutil.copyfile(large, '/opt/ml/processing/output/copy.bin')
open('/opt/ml/processing/output/told.txt', 'w').write(str(sorted(__import__('os').listdir('/opt/ml/processing/input'))))
"""


@pytest.fixture(scope="module")
def large() -> bytes:
    return os.urandom(9 << 20)


@pytest.fixture(scope="module")
def ended(client: Client, kernel: Kernel, large: bytes) -> str:
    s3 = client("s3")
    s3.create_bucket(Bucket="handed")
    s3.put_object(Bucket="handed", Key="in/deep/large.bin", Body=large)
    s3.put_object(Bucket="handed", Key="in/small.txt", Body=b"small ")
    s3.put_object(Bucket="handed", Key="code/run.py", Body=SCRIPT)
    role = client("iam").create_role(RoleName="handed", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    assert isinstance(kernel.spawner, ForkingSpawner)
    where = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
    client("sagemaker").create_processing_job(
        ProcessingJobName="handed",
        RoleArn=role,
        AppSpecification={
            "ImageUri": "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-xgboost:3.2-0",
            "ContainerEntrypoint": ["python3", "/opt/ml/processing/code/run.py"],
        },
        ProcessingInputs=[
            {"InputName": n, "S3Input": {"S3Uri": f"s3://handed/{p}", "LocalPath": f"/opt/ml/processing/{t}", **where}}
            for n, p, t in (("code", "code", "code"), ("in", "in", "input"))
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": "s3://handed/out",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )

    def status() -> str | None:
        found = client("sagemaker").describe_processing_job(ProcessingJobName="handed")
        return found.get("FailureReason", found["ProcessingJobStatus"]) if "ProcessingEndTime" in found else None

    return eventually(status)


def _get(client: Client, key: str) -> Any:
    return client("s3").get_object(Bucket="handed", Key=key)


def test_a_job_reads_what_was_put_and_what_it_leaves_comes_back(client: Client, ended: str, large: bytes) -> None:
    assert ended == "Completed"
    assert _get(client, "out/told.txt")["Body"].read() == b"['deep', 'new.txt', 'small.txt']"
    copied = _get(client, "out/copy.bin")
    assert (copied["Body"].read(), copied["ETag"]) == (large, f'"{hashlib.md5(large).hexdigest()}"')


def test_a_job_cannot_change_the_object_that_it_reads(client: Client, kernel: Kernel, ended: str, large: bytes) -> None:
    logs = client("logs")
    group = "/aws/sagemaker/ProcessingJobs"
    stream = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="handed")["logStreams"][0]
    found = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]

    said = [event["message"] for event in found]
    assert ("Read-only file system" if kernel.spawner.isolation == "namespace" else "written") in said
    assert _get(client, "in/deep/large.bin")["Body"].read() == large
    assert _get(client, "in/small.txt")["Body"].read() == b"small "


def test_held_files_outlive_their_objects(client: Client, kernel: Kernel, large: bytes) -> None:
    client("s3").create_bucket(Bucket="held")
    client("s3").put_object(Bucket="held", Key="k", Body=large)
    assert kernel.object_files is not None
    held = kernel.object_files.hold("held", "k")
    assert held is not None

    client("s3").delete_object(Bucket="held", Key="k")

    assert Path(held.path).read_bytes() == large
    assert kernel.object_files.hold("held", "k") is None
    assert kernel.object_files.hold("nowhere", "k") is None
