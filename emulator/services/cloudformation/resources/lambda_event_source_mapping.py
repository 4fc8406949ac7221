"""AWS::Lambda::EventSourceMapping."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, tags_as_map

_PROPERTIES = frozenset(
    {
        "BatchSize",
        "Enabled",
        "EventSourceArn",
        "FunctionName",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "Tags",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    request = {**properties, "Tags": tags_as_map(properties)}
    made = deployment.call("lambda", "CreateEventSourceMapping", request)
    return Created(made["UUID"], {"Id": made["UUID"], "EventSourceMappingArn": made["EventSourceMappingArn"]})


TYPE = ResourceType("AWS::Lambda::EventSourceMapping", _PROPERTIES, create)
