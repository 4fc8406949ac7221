"""Model step: create a model.

AWS_NAME: Model step
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-model, read 2026-11
"""

from __future__ import annotations

from emulator.semantics.pipelines import arguments
from emulator.services.sagemaker.pipelines.step_run import StepResult, StepRun


def perform(run: StepRun) -> StepResult:
    request = arguments.render(run.resolved(dict(run.step.arguments)))
    suffix = run.kernel.ids.alnum(10)
    request["ModelName"] = arguments.job_name(run.execution_id, run.step.name, suffix, request.get("ModelName"))
    metadata = {"Model": {"Arn": run.invoke("sagemaker", "CreateModel", request)["ModelArn"]}}
    run.executing(metadata)
    described = run.invoke("sagemaker", "DescribeModel", {"ModelName": request["ModelName"]})
    return StepResult(properties=described, metadata=metadata)
