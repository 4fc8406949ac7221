"""AWS::Events::Connection."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked

_PROPERTIES = ("AuthParameters", "AuthorizationType", "Description")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("Name") or deployment.physical_name(logical_id, 64)
    deployment.call("events", "CreateConnection", {"Name": name, **picked(properties, *_PROPERTIES)})
    made = deployment.call("events", "DescribeConnection", {"Name": name})
    arn = made["ConnectionArn"]
    return Created(name, {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0], "SecretArn": made["SecretArn"]})


TYPE = ResourceType("AWS::Events::Connection", frozenset({"Name", *_PROPERTIES}), create)
