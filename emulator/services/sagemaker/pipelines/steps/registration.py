"""RegisterModel step: create a model package version; its group is made when it is missing.

AWS_NAME: RegisterModel step
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html#step-type-register-model; the event
    sample of a package made by a pipeline has the execution's ARN in MetadataProperties.GeneratedBy
    (automating-sagemaker-with-eventbridge.html), read 2026-11
"""

from __future__ import annotations

from emulator.kernel.errors import AwsError
from emulator.semantics.pipelines import arguments
from emulator.services.sagemaker.pipelines.step_run import StepResult, StepRun


def perform(run: StepRun) -> StepResult:
    request = arguments.render(run.resolved(dict(run.step.arguments)))
    request["MetadataProperties"] = {"GeneratedBy": run.execution_arn, **request.get("MetadataProperties", {})}
    _ensure_group(run, request["ModelPackageGroupName"])
    arn = run.invoke("sagemaker", "CreateModelPackage", request)["ModelPackageArn"]
    metadata = {"RegisterModel": {"Arn": arn}}
    run.executing(metadata)
    described = run.invoke("sagemaker", "DescribeModelPackage", {"ModelPackageName": arn})
    return StepResult(properties=described, metadata=metadata)


def _ensure_group(run: StepRun, name: str) -> None:
    try:
        run.kernel.calls("sagemaker", "DescribeModelPackageGroup", {"ModelPackageGroupName": name})
    except AwsError:
        run.invoke("sagemaker", "CreateModelPackageGroup", {"ModelPackageGroupName": name})
