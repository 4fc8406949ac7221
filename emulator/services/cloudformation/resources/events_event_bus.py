"""AWS::Events::EventBus."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document, picked


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties["Name"]
    request = picked(properties, "Name", "Description", "Tags")
    arn = deployment.call("events", "CreateEventBus", request)["EventBusArn"]
    if properties.get("Policy"):
        policy = {"EventBusName": name, "Policy": document(properties["Policy"])}
        deployment.call("events", "PutPermission", policy)
    return Created(name, {"Arn": arn, "Name": name})


TYPE = ResourceType("AWS::Events::EventBus", frozenset({"Name", "Description", "Policy", "Tags"}), create)
