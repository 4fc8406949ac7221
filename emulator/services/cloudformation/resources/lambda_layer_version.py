"""AWS::Lambda::LayerVersion, from a zip on S3."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import (
    Created,
    Deployment,
    Properties,
    ResourceType,
    only,
    picked,
)

_PROPERTIES = ("CompatibleArchitectures", "CompatibleRuntimes", "Content", "Description", "LicenseInfo")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    only(f"{logical_id} Content", properties["Content"], "S3Bucket", "S3Key", "S3ObjectVersion")
    name = properties.get("LayerName") or deployment.physical_name(logical_id)
    made = deployment.call("lambda", "PublishLayerVersion", {"LayerName": name, **picked(properties, *_PROPERTIES)})
    return Created(made["LayerVersionArn"], {"LayerVersionArn": made["LayerVersionArn"]})


TYPE = ResourceType("AWS::Lambda::LayerVersion", frozenset({*_PROPERTIES, "LayerName"}), create)
