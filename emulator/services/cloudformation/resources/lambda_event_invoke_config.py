"""AWS::Lambda::EventInvokeConfig."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType

_PROPERTIES = frozenset(
    {"DestinationConfig", "FunctionName", "MaximumEventAgeInSeconds", "MaximumRetryAttempts", "Qualifier"}
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    deployment.call("lambda", "PutFunctionEventInvokeConfig", properties)
    return Created(f"{properties['FunctionName']}|{properties['Qualifier']}")


TYPE = ResourceType("AWS::Lambda::EventInvokeConfig", _PROPERTIES, create)
