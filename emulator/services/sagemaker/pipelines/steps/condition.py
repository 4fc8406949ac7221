"""Condition step: judge, and let one branch start.

AWS_NAME: Condition step
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-condition, read 2026-11
"""

from __future__ import annotations

from emulator.semantics.pipelines import conditions
from emulator.services.sagemaker.pipelines.step_run import StepResult, StepRun


def perform(run: StepRun) -> StepResult:
    outcome = conditions.holds(run.resolved(run.step.arguments["Conditions"]))
    text = "True" if outcome else "False"
    return StepResult(properties={"Outcome": text}, metadata={"Condition": {"Outcome": text}}, outcome=outcome)
