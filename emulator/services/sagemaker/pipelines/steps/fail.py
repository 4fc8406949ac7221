"""Fail step: the execution fails, with this message as the step's reason.

AWS_NAME: Fail step
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-fail, read 2026-11
"""

from __future__ import annotations

from emulator.semantics.pipelines.resolution import text_of
from emulator.services.sagemaker.pipelines.step_run import StepResult, StepRun


def perform(run: StepRun) -> StepResult:
    message = text_of(run.resolved(run.step.arguments.get("ErrorMessage") or ""))
    return StepResult("Failed", metadata={"Fail": {"ErrorMessage": message}}, reason=message)
