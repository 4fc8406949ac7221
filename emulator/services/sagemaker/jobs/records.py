"""Rows of jobs: made once, changed in one transaction each, and every change told to EventBridge afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError, validation
from emulator.kernel.ports import Context, Kernel
from emulator.kernel.store import Row
from emulator.semantics.state_changes import jobs as events
from emulator.services.sagemaker import engine, names, tags
from emulator.services.sagemaker.jobs.running import RunningJob


def create(ctx: Context, kind: str, name: str, arn: str, row: Row, tag_list: list[dict[str, str]] | None) -> None:
    """Store a new job and its handle.

    Raises:
        AwsError: ResourceInUse, the name is taken.
    """
    kernel = ctx.kernel
    with kernel.store.transaction():
        if kernel.store.get(kind, name):
            message = (
                "Job name must be unique within an AWS account and region, and a job with this name already exists"
            )
            raise AwsError("ResourceInUse", f"{message} ({arn})")
        now = kernel.clock.now()
        kernel.store.put(kind, name, {**row, "CreationTime": now, "LastModifiedTime": now})
        tags.put(kernel, arn, tag_list)
    engine.of(kernel).jobs[arn] = RunningJob(kernel)
    kernel.journal.append("job.started", arn)
    announce(kernel, kind, name)


def change(kernel: Kernel, kind: str, name: str, compute: Callable[[Row], Row]) -> None:
    """Store what `compute` finds to be new about a job, then tell."""
    with kernel.store.transaction():
        row = kernel.store.get(kind, name)
        assert row is not None
        row.update(compute(row), LastModifiedTime=kernel.clock.now())
        kernel.store.put(kind, name, row)
    announce(kernel, kind, name)


def announce(kernel: Kernel, kind: str, name: str) -> None:
    row = kernel.store.get(kind, name)
    assert row is not None
    arn = row["TrainingJobArn" if kind == names.TRAINING_JOB else "ProcessingJobArn"]
    render = events.training if kind == names.TRAINING_JOB else events.processing
    detail_type, detail = render(names.public(row), tags.of(kernel, arn))
    kernel.publish("aws.sagemaker", detail_type, detail, [arn])


def stop(kernel: Kernel, arn: str) -> None:
    """Ask a job's program to end, if it still runs."""
    handle = engine.of(kernel).jobs.get(arn)
    if handle is not None:
        handle.stop()


def end(kernel: Kernel, arn: str, status: str) -> None:
    """Let go of a job whose last state is stored, and wake whoever waits for it."""
    kernel.journal.append("job.ended", arn, status=status)
    handle = engine.of(kernel).jobs.pop(arn, None)
    if handle is not None:
        handle.ended.open()


def refuse_unless_single(cluster: dict[str, Any], operation: str) -> None:
    """More than one instance is not emulated.

    Raises:
        EmulatorError: names the field.
    """
    if cluster.get("InstanceGroups"):
        raise EmulatorError(f"sagemaker: {operation}: InstanceGroups are not emulated yet")
    if cluster.get("InstanceCount", 1) != 1:
        raise EmulatorError(
            f"sagemaker: {operation}: InstanceCount {cluster['InstanceCount']} is not emulated yet, only 1"
        )


def refuse_if_ended(status: str, name: str) -> None:
    """Stopping is for jobs that run. Source: API_StopTrainingJob (read 2026-11)."""
    if status not in ("InProgress", "Stopping"):
        raise validation(f"The request was rejected because the job {name} is in status {status}.")
