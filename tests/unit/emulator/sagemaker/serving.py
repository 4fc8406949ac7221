"""Endpoints for tests: models that say who they are, configurations, requests, a client that never rests."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

from emulator.kernel.clock import KernelClock
from emulator.kernel.errors import AwsError
from emulator.kernel.pace import Pace, Timekeeper
from tests.support.emulator import ROLE, World
from tests.unit.emulator.sagemaker.requests import SKLEARN, tarball

INFERENCE = """
import json, os
def model_fn(model_dir):
    return open(os.path.join(model_dir, "name_txt".replace("_", "."))).read()
def input_fn(data, content_type):
    if content_type != "application/json":
        raise ValueError(f"cannot read {content_type}")
    return json.loads(data)
def predict_fn(data, model):
    if data == "die":
        os._exit(7)
    return {"model": model, "answer": 1 / data, "pid": os.getpid()}
def output_fn(prediction, accept):
    return json.dumps(prediction), accept
"""


def deploy(aws: World, name: str, code: str = INFERENCE, script: str = "inference_py") -> str:
    """A model and a configuration with one variant, both called `name`."""
    aws.s3.put(f"s3://bucket/{name}.tar.gz", tarball(**{f"code__{script}": code, "name_txt": name}))
    container = {"Image": SKLEARN, "ModelDataUrl": f"s3://bucket/{name}.tar.gz"}
    aws.sagemaker("CreateModel", ModelName=name, PrimaryContainer=container, ExecutionRoleArn=ROLE)
    configure(aws, name, {name: 1.0}, "champion")
    return name


def configure(aws: World, config: str, weights: dict[str, float], *variants: str, count: int = 1, **more: Any) -> None:
    """A configuration: a variant a model, called as given or like its model."""
    names = variants or tuple(weights)
    made = [variant(name, model, weight, count) for name, (model, weight) in zip(names, weights.items(), strict=True)]
    aws.sagemaker("CreateEndpointConfig", EndpointConfigName=config, ProductionVariants=made, **more)


def variant(name: str, model: str, weight: float = 1.0, count: int = 1) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": count,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": weight,
    }


def captures(percentage: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percentage,
        "DestinationS3Uri": "s3://captured/here/",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        **more,
    }


def leap(aws: World) -> None:
    """Nobody waits: time leaps to whatever is due next."""
    assert isinstance(aws.kernel.clock, KernelClock)
    Timekeeper(aws.kernel.clock, aws.kernel.dispatcher).set_pace(Pace(leaps=True))


def advance(aws: World, seconds: float) -> None:
    """So much of the kernel's time passes, and all that is due in it is done."""
    clock = aws.kernel.clock
    assert isinstance(clock, KernelClock)
    assert Timekeeper(clock, aws.kernel.dispatcher).advance(clock.now() + timedelta(seconds=seconds), 30).is_there


class Client:
    """Calls the endpoint all the time, on threads of its own, until the block ends."""

    def __init__(self, aws: World, threads: int = 3) -> None:
        self._aws = aws
        self._threads = [threading.Thread(target=self._run) for _ in range(threads)]
        self._stop = threading.Event()
        self.answers: list[dict[str, Any]] = []
        self.failures: list[str] = []

    def __enter__(self) -> Client:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def models(self) -> set[str]:
        return {json.loads(answer["Body"])["model"] for answer in self.answers}

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(invoke(self._aws))
            except AwsError as error:
                self.failures.append(str(error))


def up(aws: World, config: str) -> dict[str, Any]:
    aws.sagemaker("CreateEndpoint", EndpointName="e", EndpointConfigName=config)
    return at_rest(aws, config)


def at_rest(aws: World, config: str, status: str = "IN_SERVICE") -> dict[str, Any]:
    def fits(kind: str, detail: dict[str, Any]) -> bool:
        return detail.get("EndpointStatus") == status and detail.get("EndpointConfigName") == config

    aws.events.wait(fits)
    return aws.sagemaker("DescribeEndpoint", EndpointName="e")


def statuses(aws: World) -> list[str]:
    return [detail["EndpointStatus"] for detail in aws.events.details("Endpoint State Change")]


def invoke(aws: World, body: str = "4", content_type: str = "application/json", **more: Any) -> dict[str, Any]:
    request = {"EndpointName": "e", "Body": body.encode(), "ContentType": content_type, **more}
    return aws.call("sagemaker-runtime", "InvokeEndpoint", request)
