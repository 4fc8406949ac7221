"""Requests and waits that several test files share."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

from tests.support.emulator import ROLE, World

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
XGBOOST = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
TOKEN = "0123456789abcdef0123456789abcdef"


def tarball(**files: str) -> bytes:
    """A tar.gz of text files; `__` in a name stands for a slash, the last `_` for the dot of its suffix."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            path = ".".join(name.replace("__", "/").rsplit("_", 1))
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return packed.getvalue()


def processing(name: str = "job", script: str = "s3://bucket/code/script.py", **more: Any) -> dict[str, Any]:
    """CreateProcessingJob with one script and one output."""
    request = processing_arguments(script)
    return {"ProcessingJobName": name, **request, **more}


def processing_arguments(script: str, *arguments: Any) -> dict[str, Any]:
    file = script.rpartition("/")[2]
    return {
        "AppSpecification": {
            "ImageUri": SKLEARN,
            "ContainerEntrypoint": ["python3", f"/opt/ml/processing/input/code/{file}"],
            **({"ContainerArguments": list(arguments)} if arguments else {}),
        },
        "ProcessingInputs": [s3_input("code", script, "/opt/ml/processing/input/code")],
        "ProcessingOutputConfig": {"Outputs": [s3_output("result", "s3://bucket/result")]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        },
        "RoleArn": ROLE,
    }


def s3_input(name: str, uri: Any, path: str, data_type: str = "S3Prefix") -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {"S3Uri": uri, "LocalPath": path, "S3DataType": data_type, "S3InputMode": "File"},
    }


def s3_output(name: str, uri: Any) -> dict[str, Any]:
    path = f"/opt/ml/processing/output/{name}"
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": path, "S3UploadMode": "EndOfJob"}}


def training(name: str = "job", **more: Any) -> dict[str, Any]:
    """CreateTrainingJob in script mode, its source at s3://bucket/source.tar.gz."""
    return {"TrainingJobName": name, **training_arguments(), **more}


def training_arguments(channel: Any = "s3://bucket/data/", **hyperparameters: Any) -> dict[str, Any]:
    source = {"S3DataSource": {"S3Uri": channel, "S3DataType": "S3Prefix"}}
    return {
        "AlgorithmSpecification": {
            "TrainingImage": XGBOOST,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+)"}],
        },
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": "s3://bucket/source.tar.gz",
            **hyperparameters,
        },
        "InputDataConfig": [{"ChannelName": "train", "DataSource": source}],
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models"},
        "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        "RoleArn": ROLE,
    }


def job_end(aws: World, name: str, noun: str = "ProcessingJob") -> dict[str, Any]:
    """Wait until a job has ended; its Describe response."""
    ended = ("Completed", "Failed", "Stopped")
    aws.events.wait(lambda _, detail: detail.get(f"{noun}Name") == name and detail.get(f"{noun}Status") in ended)
    return aws.sagemaker(f"Describe{noun}", **{f"{noun}Name": name})


def definition(*steps: dict[str, Any], parameters: list[dict[str, Any]] | None = None) -> str:
    return json.dumps({"Version": "2020-12-01", "Metadata": {}, "Parameters": parameters or [], "Steps": list(steps)})


def create_pipeline(
    aws: World, *steps: dict[str, Any], parameters: list[dict[str, Any]] | None = None, **more: Any
) -> None:
    text = definition(*steps, parameters=parameters)
    aws.sagemaker(
        "CreatePipeline", PipelineName="p", PipelineDefinition=text, ClientRequestToken=TOKEN, RoleArn=ROLE, **more
    )


def start(aws: World, token: str = TOKEN, **more: Any) -> str:
    answer = aws.sagemaker("StartPipelineExecution", PipelineName="p", ClientRequestToken=token, **more)
    return str(answer["PipelineExecutionArn"])


def execution_end(aws: World, arn: str) -> dict[str, Any]:
    """Wait until an execution has ended; its steps by name, and itself under the empty name."""
    ended = ("Succeeded", "Failed", "Stopped")
    aws.events.wait(
        lambda _, detail: (
            detail.get("pipelineExecutionArn") == arn and detail.get("currentPipelineExecutionStatus") in ended
        )
    )
    steps = aws.sagemaker("ListPipelineExecutionSteps", PipelineExecutionArn=arn, MaxResults=100)[
        "PipelineExecutionSteps"
    ]
    described = aws.sagemaker("DescribePipelineExecution", PipelineExecutionArn=arn)
    return {"": described, **{step["StepName"]: step for step in steps}}


def run(aws: World, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Create a pipeline of these steps and execute it once."""
    create_pipeline(aws, *steps, **more)
    return execution_end(aws, start(aws))
