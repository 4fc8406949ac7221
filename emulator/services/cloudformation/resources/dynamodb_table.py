"""AWS::DynamoDB::Table."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, only, picked

_CREATED_WITH = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "StreamSpecification",
    "TableClass",
    "Tags",
)
_SET_AFTERWARDS = ("PointInTimeRecoverySpecification", "SSESpecification", "TimeToLiveSpecification")


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("TableName") or deployment.physical_name(logical_id, 255)
    request = {"TableName": name, **picked(properties, *_CREATED_WITH)}
    if "StreamSpecification" in request:
        only(f"{logical_id} StreamSpecification", request["StreamSpecification"], "StreamViewType")
        request["StreamSpecification"] = {"StreamEnabled": True, **request["StreamSpecification"]}
    if "SSESpecification" in properties:
        sse = properties["SSESpecification"]
        only(f"{logical_id} SSESpecification", sse, "SSEEnabled", "SSEType", "KMSMasterKeyId")
        request["SSESpecification"] = {"Enabled": sse["SSEEnabled"], **picked(sse, "SSEType", "KMSMasterKeyId")}
    table = deployment.call("dynamodb", "CreateTable", request)["TableDescription"]
    if "PointInTimeRecoverySpecification" in properties:
        recovery = {
            "TableName": name,
            "PointInTimeRecoverySpecification": properties["PointInTimeRecoverySpecification"],
        }
        deployment.call("dynamodb", "UpdateContinuousBackups", recovery)
    if "TimeToLiveSpecification" in properties:
        lifetime = {"TableName": name, "TimeToLiveSpecification": properties["TimeToLiveSpecification"]}
        deployment.call("dynamodb", "UpdateTimeToLive", lifetime)
    return Created(name, {"Arn": table["TableArn"], "StreamArn": table.get("LatestStreamArn")})


TYPE = ResourceType("AWS::DynamoDB::Table", frozenset({"TableName", *_CREATED_WITH, *_SET_AFTERWARDS}), create)
