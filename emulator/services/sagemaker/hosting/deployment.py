"""Carries out what the endpoint operations ask for: servers come up, take over, go away.

AWS_NAME: CreateEndpoint, UpdateEndpoint, DeleteEndpoint (the asynchronous part)
SOURCE: API_UpdateEndpoint ("deploys … to a new fleet …, then deletes the old instances … no availability loss");
    deployment-guardrails-blue-green.html (a failed update rolls back to the old fleet and its configuration), read
    2026-11
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.semantics.containers.failures import cut
from emulator.semantics.endpoints import variants
from emulator.services.sagemaker import engine, images, names, tags
from emulator.services.sagemaker.hosting import endpoint_records as records
from emulator.services.sagemaker.hosting import models
from emulator.services.sagemaker.hosting.fleet import Servers
from emulator.services.sagemaker.hosting.server import ServerPlan
from emulator.services.sagemaker.jobs import archives
from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import Objects

# Source: API_ProductionVariant (ContainerStartupHealthCheckTimeoutInSeconds; 8 minutes when not given), read 2026-11
_READY_WITHIN_S = 480.0
_CODE_DIR = "/opt/ml/code"


def create(kernel: Kernel, name: str, config: Row) -> None:
    """From Creating to InService or Failed."""
    try:
        servers, shown = _stand_up(kernel, name, config)
    except JobFailure as failure:
        records.move(kernel, name, "Failed", FailureReason=cut(str(failure)))
        return
    kernel.dispatcher.pause(kernel.latency.endpoint_s)
    engine.of(kernel).fleet.replace(name, servers)
    records.move(kernel, name, "InService", ProductionVariants=shown, _Servers=_addresses(servers))


def update(kernel: Kernel, name: str, config: Row, retain: bool, excluded: list[str]) -> None:
    """From Updating to InService with the new configuration, or back to InService with the old one."""
    try:
        servers, shown = _stand_up(kernel, name, config)
    except JobFailure as failure:
        records.move(kernel, name, "RollingBack", FailureReason=cut(str(failure)))
        records.move(kernel, name, "InService")
        return
    if retain:
        shown = variants.retained(shown, records.existing(kernel, name)["ProductionVariants"], excluded)
    kernel.dispatcher.pause(kernel.latency.endpoint_s)
    before = engine.of(kernel).fleet.replace(name, servers)
    new = {"EndpointConfigName": config["EndpointConfigName"], "ProductionVariants": shown, "FailureReason": None}
    records.move(kernel, name, "InService", **new, _Servers=_addresses(servers))
    engine.of(kernel).fleet.take_down(before)


def rescale(kernel: Kernel, name: str, wanted: list[dict[str, Any]]) -> None:
    """New weights take effect."""
    shown = variants.rescaled(records.existing(kernel, name)["ProductionVariants"], wanted)
    records.move(kernel, name, "InService", ProductionVariants=shown)


def delete(kernel: Kernel, name: str) -> None:
    """From Deleting to nothing."""
    row = records.existing(kernel, name)
    engine.of(kernel).fleet.take_down(engine.of(kernel).fleet.replace(name, {}))
    with kernel.store.transaction():
        kernel.store.delete(names.ENDPOINT, name)
        tags.forget(kernel, row["EndpointArn"])


def _stand_up(kernel: Kernel, name: str, config: Row) -> tuple[Servers, list[variants.Variant]]:
    """New servers for a configuration, and how DescribeEndpoint shows them.

    Raises:
        JobFailure: the reason, in AWS's words where they are known.
    """
    fleet = engine.of(kernel).fleet
    home = kernel.state_dir / "endpoints" / name / kernel.ids.alnum(10)
    try:
        found = [(item, models.existing(kernel, item["ModelName"])) for item in config["ProductionVariants"]]
        servers = fleet.stand_up([_plan(kernel, name, item, model, home) for item, model in found])
    except Exception as error:
        shutil.rmtree(home, ignore_errors=True)
        raise error if isinstance(error, JobFailure) else JobFailure(f"InternalServerError: {error}") from error
    uris = {item["VariantName"]: model["_Container"]["Image"] for item, model in found}
    return servers, variants.from_config(config, uris, kernel.clock.now())


def _plan(kernel: Kernel, endpoint: str, variant: Row, model: Row, generation: Path) -> ServerPlan:
    container = model["_Container"]
    try:
        runner = images.find(container["Image"], kernel.runners_dir)
    except images.UnknownImageError as error:
        raise JobFailure(str(error)) from error
    role_arn = model.get("ExecutionRoleArn", "")
    home = generation / variant["VariantName"] / "ml"
    environment = {**container.get("Environment", {})}
    objects = Objects(kernel, role_arn)
    archives.unpack(objects.read(container["ModelDataUrl"]), home / "model", container["ModelDataUrl"])
    _unpack_code(objects, environment, home)
    deadline = float(variant.get("ContainerStartupHealthCheckTimeoutInSeconds", _READY_WITHIN_S))
    return ServerPlan(endpoint, variant["VariantName"], runner, home, role_arn, environment, deadline)


def _unpack_code(objects: Objects, environment: dict[str, str], home: Path) -> None:
    """Code that lies in S3 beside the model instead of inside it."""
    uri = environment.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if uri.startswith("s3://"):
        archives.unpack(objects.read(uri), home / "code", uri)
        environment["SAGEMAKER_SUBMIT_DIRECTORY"] = _CODE_DIR


def _addresses(servers: Servers) -> dict[str, dict[str, Any]]:
    """Where the runtime finds each variant's server."""
    return {
        variant: {"Port": server.port, "LogGroup": server.log.group, "LogStream": server.log.name}
        for variant, server in servers.items()
    }
