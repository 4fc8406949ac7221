"""Assemble and Validate as processing jobs, one after the other: captures and labels on S3 become accepted rows."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline_definitions.shared import definitions
from tests.support import contracts
from tests.support.analysis import label, lines
from tests.support.assembling import flights, history
from tests.support.waiting import eventually

Client = Callable[[str], Any]
IMAGE = "246618743249.dkr.ecr.us-west-2.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
BASE = "/opt/ml/processing"
BUCKET = "assembling"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
RIGHTS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
CONTRACT = {**contracts.FLIGHTS, "min_rows": 3}


@pytest.fixture(scope="module")
def role(client: Client) -> str:
    made = client("iam").create_role(RoleName="assembling", AssumeRolePolicyDocument=json.dumps(TRUST))
    client("iam").put_role_policy(RoleName="assembling", PolicyName="s3", PolicyDocument=json.dumps(RIGHTS))
    client("s3").create_bucket(Bucket=BUCKET)
    for name in ("assemble.pyz", "validate.pyz"):
        put(client, f"code/{name}", definitions.built_assets("retrain")[name])
    put(client, "contract/contract.json", json.dumps(CONTRACT).encode())
    return str(made["Role"]["Arn"])


def put(client: Client, key: str, body: bytes) -> None:
    client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)


def ended(client: Client, role: str, name: str, words: dict[str, str], inputs: dict[str, str]) -> dict[str, Any]:
    """How a step's job ended. `inputs`: folder below input/ -> key; each output goes below `run/`."""
    outputs = {"assemble": ["assembled"], "validate": ["accepted", "validation"]}[name]
    places = {"code": f"code/{name}.pyz", "contract": "contract/", **inputs}
    given = {"contract": f"{BASE}/input/contract/contract.json", **words}
    sagemaker = client("sagemaker")
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=role,
        AppSpecification={
            "ImageUri": IMAGE,
            "ContainerEntrypoint": ["python3", f"{BASE}/input/code/{name}.pyz"],
            "ContainerArguments": [word for key, value in given.items() for word in (f"--{key}", value)],
        },
        ProcessingInputs=[
            {
                "InputName": folder,
                "S3Input": {
                    "S3Uri": f"s3://{BUCKET}/{key}",
                    "LocalPath": f"{BASE}/input/{folder}",
                    "S3DataType": "S3Prefix",
                    "S3InputMode": "File",
                },
            }
            for folder, key in places.items()
        ],
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": out,
                    "S3Output": {
                        "S3Uri": f"s3://{BUCKET}/run/{out}",
                        "LocalPath": f"{BASE}/output/{out}",
                        "S3UploadMode": "EndOfJob",
                    },
                }
                for out in outputs
            ]
        },
        ProcessingResources={"ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
    )

    def found() -> dict[str, Any] | None:
        job = sagemaker.describe_processing_job(ProcessingJobName=name)
        return dict(job) if "ProcessingEndTime" in job else None

    return eventually(found)


def test_what_was_captured_and_labelled_becomes_rows_that_validate_accepts(client: Client, role: str) -> None:
    put(client, "m/capture/e/champion/2026/03/01/12/a.jsonl", lines(flights("a", "b", "c")).encode())
    put(client, "m/labels/2026/03/09/00/a.jsonl", lines([label("a", "1"), label("b", "0")]).encode())
    old = ["2", "1", "800", "1000", "UA", "EWR", "ORD", "719", "8", "0", "-4", "2026-02-01T05:00:00Z", "N1"]
    put(client, "old/data.csv", history([column["name"] for column in CONTRACT["columns"]], [old]).encode())
    words = {"capture-uri": f"s3://{BUCKET}/m/capture/e", "labels-uri": f"s3://{BUCKET}/m/labels"}
    window = {"fresh-since": "none", "fresh-until": "2026-04-01T00:00:00Z", "history-share": "1.0", "seed": "1"}
    output = {"output-uri": f"s3://{BUCKET}/run/assembled"}

    assembled = ended(client, role, "assemble", words | window | output, {"history": "old/data.csv"})
    report = {"report-uri": f"s3://{BUCKET}/run/validation/report.json"}
    judged = ended(client, role, "validate", report, {"manifest": "run/assembled/manifest.json"})

    assert assembled["ProcessingJobStatus"] == judged["ProcessingJobStatus"] == "Completed", (assembled, judged)
    accepted = client("s3").get_object(Bucket=BUCKET, Key="run/accepted/data.csv")["Body"].read().decode()
    assert [row.split(",")[-3] for row in accepted.splitlines()[1:]] == ["-4", "16", "15"]
