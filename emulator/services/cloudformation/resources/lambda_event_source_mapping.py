"""AWS::Lambda::EventSourceMapping."""

from __future__ import annotations

from datetime import UTC, datetime

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, tags_as_map

_PROPERTIES = frozenset(
    {
        "BatchSize",
        "BisectBatchOnFunctionError",
        "DestinationConfig",
        "Enabled",
        "EventSourceArn",
        "FilterCriteria",
        "FunctionName",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "MaximumRecordAgeInSeconds",
        "MaximumRetryAttempts",
        "MetricsConfig",
        "ParallelizationFactor",
        "ScalingConfig",
        "StartingPosition",
        "StartingPositionTimestamp",
        "Tags",
        "TumblingWindowInSeconds",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    request = {**properties, "Tags": tags_as_map(properties)}
    if "StartingPositionTimestamp" in properties:
        seconds = float(properties["StartingPositionTimestamp"])
        request["StartingPositionTimestamp"] = datetime.fromtimestamp(seconds, UTC)
    made = deployment.call("lambda", "CreateEventSourceMapping", request)
    return Created(made["UUID"], {"Id": made["UUID"], "EventSourceMappingArn": made["EventSourceMappingArn"]})


TYPE = ResourceType("AWS::Lambda::EventSourceMapping", _PROPERTIES, create)
