"""AWS::Events::ApiDestination."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked

_PROPERTIES = ("ConnectionArn", "Description", "HttpMethod", "InvocationEndpoint", "InvocationRateLimitPerSecond")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("Name") or deployment.physical_name(logical_id, 64)
    request = {"Name": name, **picked(properties, *_PROPERTIES)}
    arn = deployment.call("events", "CreateApiDestination", request)["ApiDestinationArn"]
    return Created(name, {"Arn": arn, "ArnForPolicy": arn.rpartition("/")[0]})


TYPE = ResourceType("AWS::Events::ApiDestination", frozenset({"Name", *_PROPERTIES}), create)
