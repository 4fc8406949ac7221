"""Events of models, endpoint configurations and endpoints.

AWS_NAME: SageMaker Model State Change, SageMaker Endpoint Config State Change, SageMaker Endpoint State Change,
    SageMaker Endpoint Deployment State Change
SOURCE: automating-sagemaker-with-eventbridge.html#eventbridge-model, #eventbridge-endpoint (statuses in UPPER_SNAKE),
    #eventbridge-deployment-state (examples of statuses and their messages), and the fixtures of awslabs/mlspace, read
    2026-11
DIFFERS: deployment events come for updates and changes of capacity; whether a creation has them is undocumented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.semantics.endpoints.lifecycle import event_name
from emulator.semantics.state_changes.times import epoch_ms

_MODEL = ("ModelName", "ModelArn", "PrimaryContainer", "Containers", "ExecutionRoleArn", "CreationTime")
_CONFIG = ("EndpointConfigName", "EndpointConfigArn", "ProductionVariants", "KmsKeyId", "CreationTime")
_DEPLOYMENT = ("PendingDeploymentSummary",)
_ENDPOINT = (
    "EndpointName",
    "EndpointArn",
    "EndpointConfigName",
    "ProductionVariants",
    "FailureReason",
    "CreationTime",
    "LastModifiedTime",
)


def model(row: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    return "SageMaker Model State Change", _detail(row, _MODEL, tags)


def endpoint_config(row: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    return "SageMaker Endpoint Config State Change", _detail(row, _CONFIG, tags)


def endpoint(row: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    detail = _detail(row, _ENDPOINT, tags)
    return "SageMaker Endpoint State Change", {**detail, "EndpointStatus": event_name(row["EndpointStatus"])}


def deployment(row: Mapping[str, Any], tags: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    detail = _detail(row, (*_ENDPOINT, *_DEPLOYMENT), tags)
    return "SageMaker Endpoint Deployment State Change", {**detail, "EndpointStatus": event_name(row["EndpointStatus"])}


def _detail(row: Mapping[str, Any], fields: tuple[str, ...], tags: Mapping[str, str]) -> dict[str, Any]:
    return {**{key: epoch_ms(row[key]) for key in fields if key in row}, "Tags": dict(tags)}
