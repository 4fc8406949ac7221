"""AWS::S3::BucketPolicy."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, document


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    policy = {"Bucket": properties["Bucket"], "Policy": document(properties["PolicyDocument"])}
    deployment.call("s3", "PutBucketPolicy", policy)
    return Created(properties["Bucket"])


TYPE = ResourceType("AWS::S3::BucketPolicy", frozenset({"Bucket", "PolicyDocument"}), create)
