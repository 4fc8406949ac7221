"""Carries out what the endpoint operations ask for: fleets come up, take over, go away.

AWS_NAME: CreateEndpoint, UpdateEndpoint, UpdateEndpointWeightsAndCapacities, DeleteEndpoint (the asynchronous part)
SOURCE: API_UpdateEndpoint ("deploys … to a new fleet …, then deletes the old instances … no availability loss");
    deployment-guardrails-blue-green.html (a failed update rolls back to the old fleet and its configuration);
    API_DescribeEndpoint (RollingBack, UpdateRollbackFailed), read 2026-11
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.semantics.containers.failures import cut
from emulator.semantics.endpoints import capture, deployments, progress, variants
from emulator.semantics.faults import kinds
from emulator.services.sagemaker import engine, names, tags
from emulator.services.sagemaker.hosting import endpoint_records as records
from emulator.services.sagemaker.hosting.fleet import Fleet, Generation
from emulator.services.sagemaker.hosting.rollout import Change, Rollout
from emulator.services.sagemaker.jobs.failure import JobFailure

Fields = dict[str, list[variants.Variant]]
"""Variants by the field of DescribeEndpoint that shows them."""


@dataclass(frozen=True)
class Update:
    """What UpdateEndpoint was asked for."""

    config: Row
    is_retaining: bool
    excluded: Sequence[str]
    deployment_config: Mapping[str, Any] | None


def create(kernel: Kernel, name: str, config: Row) -> None:
    """From Creating to InService or Failed."""
    fleet = engine.of(kernel).fleet
    try:
        generation = fleet.draw(name, config)
        shown, shadows = _shown(kernel, config, generation)
        _launch(fleet, generation, variants.counts([*shown, *shadows]))
    except JobFailure as failure:
        records.move(kernel, name, "Failed", FailureReason=cut(str(failure)), PendingDeploymentSummary=None)
        return
    fleet.provision()
    if kernel.faults.strikes(kinds.CREATION_FAILS, name):
        fleet.retire(generation)
        records.move(kernel, name, "Failed", FailureReason=kinds.NO_CAPACITY, PendingDeploymentSummary=None)
        return
    generation.share = 1.0
    with fleet.lock:
        fleet.lead([generation], _weights([*shown, *shadows]))
        _in_service(kernel, name, config, shown, shadows)


def update(kernel: Kernel, name: str, asked: Update) -> None:
    """From Updating to InService with the new configuration, or back to InService with the old one."""
    fleet = engine.of(kernel).fleet
    if kernel.faults.strikes(kinds.UPDATE_ROLLS_BACK, name):
        fleet.provision()
        records.move(kernel, name, "InService", PendingDeploymentSummary=None)
        return
    try:
        change = _change(kernel, fleet, name, asked)
    except JobFailure as failure:
        records.move(kernel, name, "RollingBack", FailureReason=cut(str(failure)))
        records.move(kernel, name, "InService", PendingDeploymentSummary=None)
        return
    rollout = Rollout(kernel, fleet, change)
    try:
        rollout.run()
    except JobFailure as failure:
        _take_back(kernel, name, rollout, cut(str(failure)))
        return
    with fleet.lock:
        fleet.lead([change.green], change.weights)
        _in_service(kernel, name, asked.config, change.shown, change.shadows)
    fleet.retire(change.blue)


def rescale(kernel: Kernel, name: str, wanted: Sequence[Mapping[str, Any]]) -> None:
    """New weights take effect, instances come or go."""
    fleet = engine.of(kernel).fleet
    generation = fleet.leading(name)
    before = records.existing(kernel, name)
    fields: Fields = {key: before[key] for key in ("ProductionVariants", "ShadowProductionVariants") if key in before}
    asked: Fields = {key: variants.desired(rows, _of(rows, wanted)) for key, rows in fields.items()}
    every = [item for rows in asked.values() for item in rows]
    try:
        _resize(kernel, name, generation, asked)
    except JobFailure as failure:
        records.move(kernel, name, "RollingBack", FailureReason=cut(str(failure)))
        records.move(kernel, name, "InService", **fields)
        return
    fleet.reweigh(name, _weights(every))
    records.move(kernel, name, "InService", **{key: variants.settled(rows) for key, rows in asked.items()})


def delete(kernel: Kernel, name: str) -> None:
    """From Deleting to nothing."""
    row = records.existing(kernel, name)
    fleet = engine.of(kernel).fleet
    for generation in fleet.forget(name):
        fleet.retire(generation)
    with kernel.store.transaction():
        kernel.store.delete(names.ENDPOINT, name)
        tags.forget(kernel, row["EndpointArn"])


def _launch(fleet: Fleet, generation: Generation, wanted: Mapping[str, int]) -> None:
    """Start a generation that has nothing yet; one that does not come up leaves nothing behind."""
    try:
        fleet.launch(generation, wanted)
    except JobFailure:
        fleet.retire(generation)
        raise


def _change(kernel: Kernel, fleet: Fleet, name: str, asked: Update) -> Change:
    row = records.existing(kernel, name)
    green = fleet.draw(name, asked.config)
    shown, shadows = _shown(kernel, asked.config, green)
    if asked.is_retaining:
        shown = variants.retained(shown, row["ProductionVariants"], asked.excluded)
        shadows = variants.retained(shadows, row.get("ShadowProductionVariants", ()), asked.excluded)
    smallest = min(variants.counts(shown).values())
    plan = deployments.plan(asked.deployment_config, smallest)
    return Change(plan, fleet.leading(name), green, shown, shadows)


def _take_back(kernel: Kernel, name: str, rollout: Rollout, reason: str) -> None:
    records.move(kernel, name, "RollingBack", FailureReason=reason)
    try:
        rollout.take_back()
    except JobFailure as failure:
        mixed = cut(f"{reason} The rollback failed: {failure}")
        records.move(kernel, name, "UpdateRollbackFailed", FailureReason=mixed, PendingDeploymentSummary=None)
        return
    records.move(kernel, name, "InService", PendingDeploymentSummary=None)


def _in_service(
    kernel: Kernel, name: str, config: Row, shown: Sequence[variants.Variant], shadows: Sequence[variants.Variant]
) -> None:
    records.move(
        kernel,
        name,
        "InService",
        EndpointConfigName=config["EndpointConfigName"],
        ProductionVariants=list(shown),
        ShadowProductionVariants=list(shadows) or None,
        DataCaptureConfig=capture.summary(config),
        AsyncInferenceConfig=config.get("AsyncInferenceConfig"),
        PendingDeploymentSummary=None,
        FailureReason=None,
    )


def _resize(kernel: Kernel, name: str, generation: Generation, asked: Fields) -> None:
    """Bring each variant to its desired number of instances."""
    fleet = engine.of(kernel).fleet
    running = generation.running()
    every = [item for rows in asked.values() for item in rows]
    changes = {key: count - running[key] for key, count in variants.counts(every).items() if count != running[key]}
    for variant, difference in changes.items():
        status = progress.scaling(running[variant] + difference, running[variant], kernel.clock.now())
        told = {key: variants.with_status(rows, [variant], status) for key, rows in asked.items()}
        records.progress(kernel, name, **told)
        if difference > 0:
            fleet.launch(generation, {variant: difference})
            fleet.provision()
            fleet.refresh(name)
        else:
            fleet.retire(generation, {variant: -difference})


def _shown(
    kernel: Kernel, config: Row, generation: Generation
) -> tuple[list[variants.Variant], list[variants.Variant]]:
    """Production and shadow variants of a configuration, as DescribeEndpoint shows them."""
    now = kernel.clock.now()
    production = variants.from_config(config["ProductionVariants"], generation.images, now)
    return production, variants.from_config(config.get("ShadowProductionVariants", ()), generation.images, now)


def _weights(shown: Sequence[variants.Variant]) -> dict[str, float]:
    return {item["VariantName"]: item["DesiredWeight"] for item in shown}


def _of(rows: Sequence[variants.Variant], wanted: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    known = {item["VariantName"] for item in rows}
    return [item for item in wanted if item["VariantName"] in known]
