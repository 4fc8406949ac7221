"""Model packages: what a new version is, and what an update changes.

AWS_NAME: CreateModelPackage, UpdateModelPackage
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/model-registry-version.html (approval status of a new version),
    API_UpdateModelPackage (CustomerMetadataPropertiesToRemove, AdditionalInferenceSpecificationsToAdd), read 2026-11
DIFFERS: packages are Completed at once: no validation jobs, no image scans.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PENDING = "PendingManualApproval"
_REPLACED = (
    "ModelApprovalStatus",
    "ModelPackageRegistrationType",
    "ApprovalDescription",
    "InferenceSpecification",
    "SourceUri",
    "ModelCard",
    "ModelLifeCycle",
)


def born(request: Mapping[str, Any], is_versioned: bool) -> dict[str, Any]:
    """What CreateModelPackage makes of its request, without names, times and people."""
    kept = {key: value for key, value in request.items() if key not in ("Tags", "ClientToken")}
    if is_versioned:
        kept.setdefault("ModelApprovalStatus", PENDING)
    return {
        "CertifyForMarketplace": False,
        **kept,
        "ModelPackageStatus": "Completed",
        "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
    }


def changes(package: Mapping[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """What an update changes: only what it names. Metadata is merged, then the named keys go."""
    found = {key: request[key] for key in _REPLACED if key in request}
    if "CustomerMetadataProperties" in request or "CustomerMetadataPropertiesToRemove" in request:
        merged = {**package.get("CustomerMetadataProperties", {}), **request.get("CustomerMetadataProperties", {})}
        removed = request.get("CustomerMetadataPropertiesToRemove") or ()
        found["CustomerMetadataProperties"] = {key: value for key, value in merged.items() if key not in removed}
    added = request.get("AdditionalInferenceSpecificationsToAdd")
    if added:
        found["AdditionalInferenceSpecifications"] = [*package.get("AdditionalInferenceSpecifications", ()), *added]
    return found
