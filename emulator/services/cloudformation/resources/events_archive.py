"""AWS::Events::Archive."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document, picked

_PROPERTIES = frozenset({"ArchiveName", "Description", "EventPattern", "RetentionDays", "SourceArn"})


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("ArchiveName") or deployment.physical_name(logical_id, 48)
    request = {
        "ArchiveName": name,
        "EventSourceArn": properties["SourceArn"],
        **picked(properties, "Description", "RetentionDays"),
    }
    if "EventPattern" in properties:
        request["EventPattern"] = document(properties["EventPattern"])
    arn = deployment.call("events", "CreateArchive", request)["ArchiveArn"]
    return Created(name, {"Arn": arn, "ArchiveName": name})


TYPE = ResourceType("AWS::Events::Archive", _PROPERTIES, create)
