"""Events of model packages.

AWS_NAME: SageMaker Model Package State Change
SOURCE: automating-sagemaker-with-eventbridge.html#eventbridge-model-package (read 2026-11). Who approved and why is not
    in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.semantics.state_changes.times import iso

_FIELDS = (
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "InferenceSpecification",
    "ModelPackageStatus",
    "ModelPackageStatusDetails",
    "CertifyForMarketplace",
    "ModelApprovalStatus",
    "MetadataProperties",
    "ModelMetrics",
    "LastModifiedTime",
)


def package(row: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    own = _FIELDS if "ModelPackageGroupName" in row else ("ModelPackageName", *_FIELDS)
    return "SageMaker Model Package State Change", {key: iso(row[key]) for key in own if key in row}
