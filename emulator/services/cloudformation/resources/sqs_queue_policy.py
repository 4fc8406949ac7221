"""AWS::SQS::QueuePolicy."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    for url in properties["Queues"]:
        attributes = {"Policy": document(properties["PolicyDocument"])}
        deployment.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": attributes})
    return Created(deployment.physical_name(logical_id))


TYPE = ResourceType("AWS::SQS::QueuePolicy", frozenset({"PolicyDocument", "Queues"}), create)
