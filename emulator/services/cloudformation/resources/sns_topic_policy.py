"""AWS::SNS::TopicPolicy."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    for arn in properties["Topics"]:
        attribute = {"AttributeName": "Policy", "AttributeValue": document(properties["PolicyDocument"])}
        deployment.call("sns", "SetTopicAttributes", {"TopicArn": arn, **attribute})
    return Created(deployment.physical_name(logical_id))


TYPE = ResourceType("AWS::SNS::TopicPolicy", frozenset({"PolicyDocument", "Topics"}), create)
