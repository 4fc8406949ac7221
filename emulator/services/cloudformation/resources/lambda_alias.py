"""AWS::Lambda::Alias."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import (
    Created,
    Deployment,
    Properties,
    ResourceType,
    only,
    picked,
)

_PROPERTIES = ("Description", "FunctionName", "FunctionVersion", "Name")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    routing = properties.get("RoutingConfig", {})
    only(f"{logical_id} RoutingConfig", routing, "AdditionalVersionWeights")
    weights = {
        one["FunctionVersion"]: float(one["FunctionWeight"]) for one in routing.get("AdditionalVersionWeights", [])
    }
    request = picked(properties, *_PROPERTIES)
    if weights:
        request["RoutingConfig"] = {"AdditionalVersionWeights": weights}
    made = deployment.call("lambda", "CreateAlias", request)
    return Created(made["AliasArn"], {"AliasArn": made["AliasArn"]})


TYPE = ResourceType("AWS::Lambda::Alias", frozenset({*_PROPERTIES, "RoutingConfig"}), create)
