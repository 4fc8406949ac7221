"""AWS::Lambda::Version: what the function is when the resource is made."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked

_PROPERTIES = ("CodeSha256", "Description", "FunctionName")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    made = deployment.call("lambda", "PublishVersion", picked(properties, *_PROPERTIES))
    return Created(made["FunctionArn"], {"FunctionArn": made["FunctionArn"], "Version": made["Version"]})


TYPE = ResourceType("AWS::Lambda::Version", frozenset(_PROPERTIES), create)
