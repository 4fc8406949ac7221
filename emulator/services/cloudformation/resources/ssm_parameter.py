"""AWS::SSM::Parameter."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("Name") or deployment.physical_name(logical_id, 900)
    request = {"Name": name, **picked(properties, "AllowedPattern", "Description", "Tier", "Type", "Value")}
    deployment.call("ssm", "PutParameter", request)
    return Created(name, {"Type": properties["Type"], "Value": properties["Value"]})


_PROPERTIES = frozenset({"AllowedPattern", "Description", "Name", "Tier", "Type", "Value"})
TYPE = ResourceType("AWS::SSM::Parameter", _PROPERTIES, create)
