"""AWS::ApplicationAutoScaling::ScalingPolicy."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked

_PASSED = (
    "PolicyName",
    "PolicyType",
    "ResourceId",
    "ScalableDimension",
    "ServiceNamespace",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    request = picked(properties, *_PASSED)
    if "ScalingTargetId" in properties:  # what Ref of a scalable target answers
        names = properties["ScalingTargetId"].split("|")
        request |= dict(zip(("ResourceId", "ScalableDimension", "ServiceNamespace"), names, strict=True))
    arn = deployment.call("application-autoscaling", "PutScalingPolicy", request)["PolicyARN"]
    return Created(arn, {"Arn": arn})


TYPE = ResourceType("AWS::ApplicationAutoScaling::ScalingPolicy", frozenset({*_PASSED, "ScalingTargetId"}), create)
