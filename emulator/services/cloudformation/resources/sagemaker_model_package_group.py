"""AWS::SageMaker::ModelPackageGroup."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    arn = deployment.call("sagemaker", "CreateModelPackageGroup", properties)["ModelPackageGroupArn"]
    return Created(arn, {"ModelPackageGroupArn": arn})


_PROPERTIES = frozenset({"ModelPackageGroupDescription", "ModelPackageGroupName", "Tags"})
TYPE = ResourceType("AWS::SageMaker::ModelPackageGroup", _PROPERTIES, create)
