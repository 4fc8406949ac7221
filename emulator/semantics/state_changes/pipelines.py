"""Events of pipeline executions and their steps.

AWS_NAME: SageMaker Model Building Pipeline Execution Status Change, … Execution Step Status Change
SOURCE: automating-sagemaker-with-eventbridge.html#eventbridge-pipeline and #eventbridge-pipeline-step (read 2026-11)
DIFFERS: AWS shows no sample of a first event; ours has no previous status then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.semantics.state_changes.times import iso


def execution(row: Mapping[str, Any], previous: str | None) -> tuple[str, dict[str, Any]]:
    """`row` is a stored execution, as DescribePipelineExecution answers it, with EndTime once it is over."""
    detail = {
        "pipelineExecutionDescription": row.get("PipelineExecutionDescription"),
        "pipelineExecutionDisplayName": row.get("PipelineExecutionDisplayName"),
        "currentPipelineExecutionStatus": row["PipelineExecutionStatus"],
        "previousPipelineExecutionStatus": previous,
        "executionStartTime": row["CreationTime"],
        "executionEndTime": row.get("EndTime"),
        "pipelineArn": row["PipelineArn"],
        "pipelineExecutionArn": row["PipelineExecutionArn"],
    }
    return "SageMaker Model Building Pipeline Execution Status Change", _present(detail)


def step(row: Mapping[str, Any], previous: str | None) -> tuple[str, dict[str, Any]]:
    """`row` is a stored step, as ListPipelineExecutionSteps answers it, with its StepType and its execution's ARNs."""
    detail = {
        "metadata": _camel(row.get("Metadata") or {}),
        "stepStartTime": row.get("StartTime"),
        "stepEndTime": row.get("EndTime"),
        "stepName": row["StepName"],
        "stepType": row["StepType"],
        "previousStepStatus": previous,
        "currentStepStatus": row["StepStatus"],
        "failureReason": row.get("FailureReason"),
        "pipelineArn": row["PipelineArn"],
        "pipelineExecutionArn": row["PipelineExecutionArn"],
    }
    return "SageMaker Model Building Pipeline Execution Step Status Change", _present(detail)


def _present(detail: dict[str, Any]) -> dict[str, Any]:
    return {key: iso(value) for key, value in detail.items() if value is not None}


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: _camel(item) for key, item in value.items()}
    return [_camel(item) for item in value] if isinstance(value, list) else value
