"""AWS::Kinesis::Stream."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import (
    Created,
    Deployment,
    Properties,
    ResourceType,
    only,
    picked,
    tags_as_map,
)

_PROPERTIES = frozenset({"Name", "RetentionPeriodHours", "ShardCount", "StreamEncryption", "StreamModeDetails", "Tags"})
_RETENTION_HOURS = 24


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    """A stream has a number of shards, or is on demand."""
    name = properties.get("Name") or deployment.physical_name(logical_id, 128)
    request = {"StreamName": name, **picked(properties, "ShardCount", "StreamModeDetails")}
    is_on_demand = properties.get("StreamModeDetails", {}).get("StreamMode") == "ON_DEMAND"
    if "ShardCount" not in request and not is_on_demand:
        request["ShardCount"] = 1
    deployment.call("kinesis", "CreateStream", request)
    hours = int(properties.get("RetentionPeriodHours", _RETENTION_HOURS))
    if hours > _RETENTION_HOURS:
        longer = {"StreamName": name, "RetentionPeriodHours": hours}
        deployment.call("kinesis", "IncreaseStreamRetentionPeriod", longer)
    if "StreamEncryption" in properties:
        encryption = properties["StreamEncryption"]
        only(f"{logical_id} StreamEncryption", encryption, "EncryptionType", "KeyId")
        deployment.call("kinesis", "StartStreamEncryption", {"StreamName": name, **encryption})
    if properties.get("Tags"):
        deployment.call("kinesis", "AddTagsToStream", {"StreamName": name, "Tags": tags_as_map(properties)})
    return Created(name, {"Arn": deployment.arn("kinesis", f"stream/{name}")})


TYPE = ResourceType("AWS::Kinesis::Stream", _PROPERTIES, create)
