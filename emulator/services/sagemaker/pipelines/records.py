"""Rows of executions and their steps: changed in one transaction each, and every change told afterwards."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.semantics.pipelines.graph import StepState
from emulator.semantics.state_changes import pipelines as events
from emulator.services.sagemaker import names

ENDED = frozenset({"Succeeded", "Failed", "Stopped"})


def execution(kernel: Kernel, arn: str) -> Row:
    """A stored execution.

    Raises:
        AwsError: ResourceNotFound.
    """
    row = kernel.store.get(names.EXECUTION, arn)
    if row is None:
        raise AwsError("ResourceNotFound", f"Pipeline execution with ARN '{arn}' does not exist.")
    return row


def steps(kernel: Kernel, arn: str) -> list[Row]:
    """The steps of an execution that have started."""
    return kernel.store.rows(names.STEP, f"{arn}#")


def step_states(kernel: Kernel, arn: str) -> dict[str, StepState]:
    return {row["StepName"]: StepState(row["StepStatus"], row.get("_Outcome")) for row in steps(kernel, arn)}


def change_execution(kernel: Kernel, arn: str, **changes: Any) -> None:
    """Store what is new about an execution; a new status is told and journaled."""
    with kernel.store.transaction():
        row = execution(kernel, arn)
        previous = row["PipelineExecutionStatus"]
        row.update(changes, LastModifiedTime=kernel.clock.now())
        kernel.store.put(names.EXECUTION, arn, row)
    if row["PipelineExecutionStatus"] != previous:
        announce_execution(kernel, row, previous)


def announce_execution(kernel: Kernel, row: Row, previous: str | None) -> None:
    status, arn = row["PipelineExecutionStatus"], row["PipelineExecutionArn"]
    kernel.journal.append(f"pipeline.execution.{status.lower()}", arn, reason=row.get("FailureReason"))
    detail_type, detail = events.execution({**row, "EndTime": row.get("_EndTime")}, previous)
    kernel.publish("aws.sagemaker", detail_type, detail, [row["PipelineArn"], arn])


def begin_step(kernel: Kernel, arn: str, name: str, kind: str, extra: Row) -> None:
    """Store a step that starts."""
    row = {
        "StepName": name,
        "StepType": kind,
        "StepStatus": "Starting",
        "StartTime": kernel.clock.now(),
        "AttemptCount": 1,
        "PipelineExecutionArn": arn,
        "PipelineArn": execution(kernel, arn)["PipelineArn"],
        "_Order": len(steps(kernel, arn)),
        **extra,
    }
    kernel.store.put(names.STEP, f"{arn}#{name}", row)
    _announce_step(kernel, row, None)


def change_step(kernel: Kernel, arn: str, name: str, **changes: Any) -> None:
    """Store what is new about a step; a new status is told and journaled."""
    with kernel.store.transaction():
        row = kernel.store.get(names.STEP, f"{arn}#{name}")
        assert row is not None
        previous = row["StepStatus"]
        row.update(changes)
        kernel.store.put(names.STEP, f"{arn}#{name}", row)
    if row["StepStatus"] != previous:
        _announce_step(kernel, row, previous)


def _announce_step(kernel: Kernel, row: Row, previous: str | None) -> None:
    arn = row["PipelineExecutionArn"]
    subject = f"{arn}#{row['StepName']}"
    kernel.journal.append(f"pipeline.step.{row['StepStatus'].lower()}", subject, reason=row.get("FailureReason"))
    detail_type, detail = events.step(row, previous)
    kernel.publish("aws.sagemaker", detail_type, detail, [row["PipelineArn"], arn])
