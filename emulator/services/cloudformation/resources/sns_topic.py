"""AWS::SNS::Topic."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, picked

_ATTRIBUTES = ("DisplayName", "KmsMasterKeyId")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("TopicName") or deployment.physical_name(logical_id, 256)
    request = {"Name": name, "Attributes": picked(properties, *_ATTRIBUTES), **picked(properties, "Tags")}
    arn = deployment.call("sns", "CreateTopic", request)["TopicArn"]
    return Created(arn, {"TopicArn": arn, "TopicName": name})


TYPE = ResourceType("AWS::SNS::Topic", frozenset({"Tags", "TopicName", *_ATTRIBUTES}), create)
