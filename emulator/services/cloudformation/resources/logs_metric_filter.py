"""AWS::Logs::MetricFilter."""

from __future__ import annotations

from typing import Any

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, only

_PROPERTIES = frozenset({"FilterName", "FilterPattern", "LogGroupName", "MetricTransformations"})
_TRANSFORMATION = ("DefaultValue", "Dimensions", "MetricName", "MetricNamespace", "MetricValue", "Unit")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("FilterName") or deployment.physical_name(logical_id, 512)
    request = {
        "logGroupName": properties["LogGroupName"],
        "filterName": name,
        "filterPattern": properties["FilterPattern"],
        "metricTransformations": [_transformation(logical_id, one) for one in properties["MetricTransformations"]],
    }
    deployment.call("logs", "PutMetricFilter", request)
    return Created(name)


def _transformation(logical_id: str, given: dict[str, Any]) -> dict[str, Any]:
    only(f"{logical_id}: MetricTransformations", given, *_TRANSFORMATION)
    found = {name[0].lower() + name[1:]: value for name, value in given.items()}
    if "dimensions" in found:
        found["dimensions"] = {one["Key"]: one["Value"] for one in found["dimensions"]}
    return found


TYPE = ResourceType("AWS::Logs::MetricFilter", _PROPERTIES, create)
