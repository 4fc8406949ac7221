"""AWS::Lambda::Url."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked

_PROPERTIES = ("AuthType", "Cors", "InvokeMode")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    request = {"FunctionName": properties["TargetFunctionArn"], **picked(properties, *_PROPERTIES, "Qualifier")}
    made = deployment.call("lambda", "CreateFunctionUrlConfig", request)
    return Created(made["FunctionArn"], {"FunctionArn": made["FunctionArn"], "FunctionUrl": made["FunctionUrl"]})


TYPE = ResourceType("AWS::Lambda::Url", frozenset({*_PROPERTIES, "Qualifier", "TargetFunctionArn"}), create)
