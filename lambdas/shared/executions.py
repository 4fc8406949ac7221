"""Pipeline executions: starting one exactly once, and asking why it failed."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_MAX_DISPLAY_NAME: Final = 82
_BAD: Final = frozenset({"Failed", "Stopped"})


@dataclass(frozen=True)
class FailedStep:
    """A step that did not succeed.

    Attributes:
        is_deliberate: the pipeline's own Fail step: it says that the run went as written and the result was no.
    """

    name: str
    reason: str
    is_deliberate: bool


@dataclass(frozen=True)
class EndedStep:
    """How a step ended, for the audit trail; `ended_at` is a datetime of SageMaker's."""

    name: str
    status: str
    ended_at: datetime
    reason: str


def token(*parts: object) -> str:
    """A ClientRequestToken: the same parts, the same execution."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def start(
    sagemaker: "SageMakerClient", pipeline: str, parameters: Mapping[str, str], *, request_token: str, title: str
) -> str:
    """Start an execution, or find the one that this token started before.

    Returns:
        ARN of the execution.
    """
    answer = sagemaker.start_pipeline_execution(
        PipelineName=pipeline,
        PipelineExecutionDisplayName=_display_name(title),
        PipelineParameters=[{"Name": name, "Value": value} for name, value in parameters.items()],
        ClientRequestToken=request_token,
    )
    return answer["PipelineExecutionArn"]


def failed_steps(sagemaker: "SageMakerClient", execution_arn: str) -> tuple[FailedStep, ...]:
    """The steps of an execution that failed or were stopped, each with its reason."""
    return failed_of(steps(sagemaker, execution_arn))


def failed_of(steps: Iterable[Mapping[str, Any]]) -> tuple[FailedStep, ...]:
    """Those that failed or were stopped."""
    return tuple(_parse_step(step) for step in steps if step.get("StepStatus") in _BAD)


def steps(sagemaker: "SageMakerClient", execution_arn: str) -> list[Mapping[str, Any]]:
    """Every step of an execution that was started, as SageMaker lists it."""
    found: list[Mapping[str, Any]] = []
    request: dict[str, Any] = {"PipelineExecutionArn": execution_arn}
    while True:
        page = sagemaker.list_pipeline_execution_steps(**request)
        found += page["PipelineExecutionSteps"]
        if not page.get("NextToken"):
            return found
        request["NextToken"] = page["NextToken"]


def why(steps: tuple[FailedStep, ...]) -> str:
    """The reasons of failed steps in one line a step."""
    return "\n".join(f"{step.name}: {step.reason}" for step in steps) or "SageMaker names no failed step"


def ended_of(steps: Iterable[Mapping[str, Any]]) -> tuple[EndedStep, ...]:
    """Those that have ended, in the order in which they did."""
    ended = [
        EndedStep(step["StepName"], step["StepStatus"], step["EndTime"], step.get("FailureReason", ""))
        for step in steps
        if "EndTime" in step
    ]
    return tuple(sorted(ended, key=lambda step: step.ended_at))


def _parse_step(step: Mapping[str, Any]) -> FailedStep:
    fail: Mapping[str, str] | None = step.get("Metadata", {}).get("Fail")
    reason = step.get("FailureReason") or (fail or {}).get("ErrorMessage") or step["StepStatus"]
    return FailedStep(step["StepName"], reason, is_deliberate=fail is not None)


def _display_name(title: str) -> str:
    """Source: SageMaker API reference, PipelineExecutionDisplayName: letters, digits and single hyphens."""
    return re.sub(r"[^a-zA-Z0-9]+", "-", title).strip("-")[:_MAX_DISPLAY_NAME].rstrip("-")
