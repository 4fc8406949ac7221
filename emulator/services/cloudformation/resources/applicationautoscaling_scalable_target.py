"""AWS::ApplicationAutoScaling::ScalableTarget."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType

_PROPERTIES = frozenset(
    {"MaxCapacity", "MinCapacity", "ResourceId", "RoleARN", "ScalableDimension", "ServiceNamespace", "SuspendedState"}
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    deployment.call("application-autoscaling", "RegisterScalableTarget", properties)
    names = (properties["ResourceId"], properties["ScalableDimension"], properties["ServiceNamespace"])
    reference = "|".join(names)
    return Created(reference, {"Id": reference})


TYPE = ResourceType("AWS::ApplicationAutoScaling::ScalableTarget", _PROPERTIES, create)
