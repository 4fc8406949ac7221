"""AWS::Logs::LogGroup."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, tags_as_map


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("LogGroupName") or deployment.physical_name(logical_id, 512)
    deployment.call("logs", "CreateLogGroup", {"logGroupName": name, "tags": tags_as_map(properties)})
    if "RetentionInDays" in properties:
        retention = {"logGroupName": name, "retentionInDays": properties["RetentionInDays"]}
        deployment.call("logs", "PutRetentionPolicy", retention)
    return Created(name, {"Arn": deployment.arn("logs", f"log-group:{name}:*")})


TYPE = ResourceType("AWS::Logs::LogGroup", frozenset({"LogGroupName", "RetentionInDays", "Tags"}), create)
