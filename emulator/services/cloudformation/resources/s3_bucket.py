"""AWS::S3::Bucket."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType, only, picked

_PROPERTIES = frozenset(
    {
        "AccessControl",
        "BucketEncryption",
        "BucketName",
        "LifecycleConfiguration",
        "NotificationConfiguration",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
        "VersioningConfiguration",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("BucketName") or deployment.physical_name(logical_id, 63, is_lower=True)
    deployment.call("s3", "CreateBucket", {"Bucket": name})
    for property_name, (operation, member, translate) in _SETTINGS.items():
        if property_name in properties:
            setting = translate(f"{logical_id} {property_name}", properties[property_name])
            deployment.call("s3", operation, {"Bucket": name, member: setting})
    domain = f"{name}.s3.amazonaws.com"
    return Created(name, {"Arn": f"arn:aws:s3:::{name}", "DomainName": domain, "RegionalDomainName": domain})


def _same(place: str, value: Any) -> Any:
    return value


def _encryption(place: str, value: Properties) -> Properties:
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        only(place, rule, "ServerSideEncryptionByDefault", "BucketKeyEnabled")
        default = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
        rules.append({**default, **picked(rule, "BucketKeyEnabled")})
    return {"Rules": rules}


def _lifecycle(place: str, value: Properties) -> Properties:
    only(place, value, "Rules")
    return {"Rules": [_lifecycle_rule(place, rule) for rule in value["Rules"]]}


def _lifecycle_rule(place: str, rule: Properties) -> Properties:
    only(
        place,
        rule,
        "AbortIncompleteMultipartUpload",
        "ExpirationInDays",
        "ExpiredObjectDeleteMarker",
        "Id",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionExpirationInDays",
        "Prefix",
        "Status",
        "Transitions",
    )
    found = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if "Id" in rule:
        found["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        found["Expiration"] = {"Days": rule["ExpirationInDays"]}
    elif "ExpiredObjectDeleteMarker" in rule:
        found["Expiration"] = {"ExpiredObjectDeleteMarker": rule["ExpiredObjectDeleteMarker"]}
    if "NoncurrentVersionExpirationInDays" in rule:
        found["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    if "Transitions" in rule:
        found["Transitions"] = [
            {"StorageClass": move["StorageClass"], "Days": move["TransitionInDays"]} for move in rule["Transitions"]
        ]
    return {**found, **picked(rule, "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration")}


def _notification(place: str, value: Properties) -> Properties:
    only(place, value, "EventBridgeConfiguration")
    is_on = str(value["EventBridgeConfiguration"].get("EventBridgeEnabled", True)).lower() == "true"
    return {"EventBridgeConfiguration": {}} if is_on else {}


def _canned(place: str, value: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", value).lower()


_SETTINGS: dict[str, tuple[str, str, Callable[[str, Any], Any]]] = {
    "AccessControl": ("PutBucketAcl", "ACL", _canned),
    "BucketEncryption": ("PutBucketEncryption", "ServerSideEncryptionConfiguration", _encryption),
    "OwnershipControls": ("PutBucketOwnershipControls", "OwnershipControls", _same),
    "PublicAccessBlockConfiguration": ("PutPublicAccessBlock", "PublicAccessBlockConfiguration", _same),
    "VersioningConfiguration": ("PutBucketVersioning", "VersioningConfiguration", _same),
    "LifecycleConfiguration": ("PutBucketLifecycleConfiguration", "LifecycleConfiguration", _lifecycle),
    "NotificationConfiguration": ("PutBucketNotificationConfiguration", "NotificationConfiguration", _notification),
    "Tags": ("PutBucketTagging", "Tagging", lambda place, tags: {"TagSet": tags}),
}
TYPE = ResourceType("AWS::S3::Bucket", _PROPERTIES, create)
