"""AWS::CloudWatch::CompositeAlarm."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType

_PROPERTIES = frozenset(
    {
        "ActionsEnabled",
        "ActionsSuppressor",
        "ActionsSuppressorExtensionPeriod",
        "ActionsSuppressorWaitPeriod",
        "AlarmActions",
        "AlarmDescription",
        "AlarmName",
        "AlarmRule",
        "InsufficientDataActions",
        "OKActions",
        "Tags",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("AlarmName") or deployment.physical_name(logical_id, 255)
    deployment.call("cloudwatch", "PutCompositeAlarm", {**properties, "AlarmName": name})
    return Created(name, {"Arn": deployment.arn("cloudwatch", f"alarm:{name}")})


TYPE = ResourceType("AWS::CloudWatch::CompositeAlarm", _PROPERTIES, create)
