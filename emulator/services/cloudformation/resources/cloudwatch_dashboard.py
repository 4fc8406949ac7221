"""AWS::CloudWatch::Dashboard."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document, picked


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("DashboardName") or deployment.physical_name(logical_id, 255)
    request = {"DashboardName": name, "DashboardBody": document(properties["DashboardBody"])}
    deployment.call("cloudwatch", "PutDashboard", {**request, **picked(properties, "Tags")})
    return Created(name)


TYPE = ResourceType("AWS::CloudWatch::Dashboard", frozenset({"DashboardBody", "DashboardName", "Tags"}), create)
