"""AWS::SQS::Queue."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import (
    Created,
    Deployment,
    Properties,
    ResourceType,
    document,
    picked,
    tags_as_map,
)

_ATTRIBUTES = (
    "ContentBasedDeduplication",
    "DelaySeconds",
    "FifoQueue",
    "KmsMasterKeyId",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("QueueName") or deployment.physical_name(logical_id, 80)
    found = picked(properties, *_ATTRIBUTES)
    attributes = {key: document(value) if isinstance(value, dict) else value for key, value in found.items()}
    request = {"QueueName": name, "Attributes": attributes, "tags": tags_as_map(properties)}
    url = deployment.call("sqs", "CreateQueue", request)["QueueUrl"]
    return Created(url, {"Arn": deployment.arn("sqs", name), "QueueName": name, "QueueUrl": url})


TYPE = ResourceType("AWS::SQS::Queue", frozenset({"QueueName", "Tags", *_ATTRIBUTES}), create)
