"""What an instance of a variant is made of: its containers, each with the model that it finds in /opt/ml.

AWS_NAME: CreateEndpoint (download of the model)
SOURCE: your-algorithms-inference-code.html#your-algorithms-inference-code-load-artifacts (model.tar.gz is unpacked into
    /opt/ml/model), API_ProductionVariant (8 minutes to pass the health check when not given), read 2026-11
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.services.sagemaker import images
from emulator.services.sagemaker.hosting import models
from emulator.services.sagemaker.images import Runner
from emulator.services.sagemaker.jobs import archives
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import Objects

_READY_WITHIN_S = 480.0
_CODE_DIR = "/opt/ml/code"


@dataclass(frozen=True)
class Container:
    """A container of every instance: `pristine` is what its /opt/ml holds at first.

    `models_uri` is where a container of many models finds them; `hostname` names it among several.
    """

    image: str
    hostname: str
    models_uri: str | None
    runner: Runner
    pristine: Path
    role_arn: str
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Blueprint:
    """A variant's instances: all alike."""

    endpoint: str
    variant: str
    containers: tuple[Container, ...]
    ready_within_s: float
    strategy: str
    max_concurrency: int | None = None
    """Set for a serverless variant."""

    @property
    def images(self) -> list[str]:
        return [container.image for container in self.containers]


def draw(kernel: Kernel, endpoint: str, item: Row, home: Path) -> Blueprint:
    """The blueprint of a configured variant, its models unpacked below `home`.

    Raises:
        JobFailure: the reason, in AWS's words where they are known.
    """
    model = models.existing(kernel, item["ModelName"])
    role_arn = model.get("ExecutionRoleArn", "")
    folder = home / item["VariantName"]
    containers = tuple(
        _container(kernel, found, role_arn, folder / found.get("ContainerHostname", f"container-{number}"))
        for number, found in enumerate(model["_Containers"], start=1)
    )
    deadline = float(item.get("ContainerStartupHealthCheckTimeoutInSeconds", _READY_WITHIN_S))
    strategy = (item.get("RoutingConfig") or {}).get("RoutingStrategy", "RANDOM")
    concurrency = (item.get("ServerlessConfig") or {}).get("MaxConcurrency")
    return Blueprint(endpoint, item["VariantName"], containers, deadline, strategy, concurrency)


def _container(kernel: Kernel, container: Row, role_arn: str, pristine: Path) -> Container:
    try:
        runner = images.find(container["Image"], kernel.runners_dir)
    except images.UnknownImageError as error:
        raise JobFailure(str(error)) from error
    environment = {**container.get("Environment", {})}
    objects = Objects(kernel, role_arn)
    uri = container["ModelDataUrl"]
    is_multi = container.get("Mode") == "MultiModel"
    if is_multi:
        environment["SAGEMAKER_MULTI_MODEL"] = "true"
        (pristine / "models").mkdir(parents=True)
    else:
        archives.unpack(objects.read(uri), pristine / "model", uri)
    _unpack_code(objects, environment, pristine)
    models_uri = uri.rstrip("/") if is_multi else None
    return Container(container["Image"], pristine.name, models_uri, runner, pristine, role_arn, environment)


def _unpack_code(objects: Objects, environment: dict[str, str], pristine: Path) -> None:
    """Code that lies in S3 beside the model instead of inside it."""
    uri = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if uri.startswith("s3://"):
        archives.unpack(objects.read(uri), pristine / "code", uri)
        environment["SAGEMAKER_SUBMIT_DIRECTORY"] = _CODE_DIR


def remove(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
