"""AWS::CDK::Metadata: a record of what CDK was used; makes nothing, on AWS too."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    return Created(deployment.physical_name(logical_id))


TYPE = ResourceType("AWS::CDK::Metadata", frozenset({"Analytics"}), create)
