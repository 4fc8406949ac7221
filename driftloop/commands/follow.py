"""Following the runs of a pipeline in a terminal."""

from __future__ import annotations

import time
from typing import Any

from rich.markup import escape

from driftloop.errors import UserError
from driftloop.screen import coloured, console, seconds
from driftloop.target import Target

RUN_TIMEOUT_S, POLL_S = 600, 0.3


def follow(target: Target, pipeline: str, run_number: int = 1, may_fail: bool = False) -> dict[str, Any]:
    """Print each step of the pipeline's newest execution as it ends; answers the steps by name.

    Args:
        run_number: how many executions there are when the one that is meant has started.
        may_fail: an execution that fails is an answer too.

    Raises:
        UserError: the execution did not succeed, or none started in time.
    """
    sagemaker = target.client("sagemaker")
    deadline = time.monotonic() + RUN_TIMEOUT_S
    told: set[str] = set()
    with console.status(f"waiting for {pipeline} to start") as spinner:
        while time.monotonic() < deadline:
            runs = sagemaker.list_pipeline_executions(
                PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending"
            )
            if len(runs["PipelineExecutionSummaries"]) >= run_number:
                run = runs["PipelineExecutionSummaries"][0]
                steps = _steps(sagemaker, run["PipelineExecutionArn"])
                _tell(steps, told)
                spinner.update(_under_way(pipeline, steps))
                if run["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
                    return steps if may_fail else _succeeded(pipeline, run["PipelineExecutionStatus"], steps)
            time.sleep(POLL_S)
    raise UserError(f"{pipeline} did not end within {seconds(RUN_TIMEOUT_S)}; see `driftloop timeline`")


def _steps(sagemaker: Any, arn: str) -> dict[str, Any]:
    answer = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending", MaxResults=100)
    return {step["StepName"]: step for step in answer["PipelineExecutionSteps"]}


def _tell(steps: dict[str, Any], told: set[str]) -> None:
    for name, step in steps.items():
        if "EndTime" in step and name not in told:
            told.add(name)
            took = seconds((step["EndTime"] - step["StartTime"]).total_seconds())
            said = step.get("FailureReason") or _answer(step).get("reason", "")
            reason = f"  {escape(said)}" if said else ""
            console.print(f"  {name:<17}{coloured(step['StepStatus'])}  {took}{reason}")


def _answer(step: dict[str, Any]) -> dict[str, str]:
    """What a callback step was answered."""
    outputs = step.get("Metadata", {}).get("Callback", {}).get("OutputParameters", [])
    return {output["Name"]: output["Value"] for output in outputs}


def _under_way(pipeline: str, steps: dict[str, Any]) -> str:
    running = [name for name, step in steps.items() if "EndTime" not in step]
    return f"{pipeline}: {', '.join(running) or 'starting the next step'}"


def _succeeded(pipeline: str, status: str, steps: dict[str, Any]) -> dict[str, Any]:
    if status != "Succeeded":
        reasons = "; ".join(
            f"{name}: {step['FailureReason']}" for name, step in steps.items() if step.get("FailureReason")
        )
        raise UserError(f"{pipeline} ended {status}: {reasons or 'no step says why'}")
    return steps


def steps_of(target: Target, pipeline: str) -> dict[str, Any]:
    """The steps of the pipeline's newest execution, by name; none when it has not run."""
    sagemaker = target.client("sagemaker")
    runs = sagemaker.list_pipeline_executions(PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending")
    found = runs["PipelineExecutionSummaries"]
    return _steps(sagemaker, found[0]["PipelineExecutionArn"]) if found else {}
