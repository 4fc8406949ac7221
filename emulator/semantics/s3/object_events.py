"""The events that S3 sends to EventBridge: one for each object that a request created or deleted.

Sent only for buckets with EventBridge on, to the default bus; the key is not URL-encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

AWS_NAME = "Amazon S3 event notifications: EventBridge"
SOURCE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html (read 2026-11-23)"
DIFFERS = "restore, tagging, ACL and storage class events are not sent"
S3 = "s3.amazonaws.com"
"""The requester of what S3 does by itself, by lifecycle rules."""


@dataclass(frozen=True)
class ObjectChange:
    """An object after a request changed it. `kind` is created or deleted."""

    kind: str
    bucket: str
    key: str
    size_bytes: int
    etag: str
    version_id: str | None
    is_delete_marker: bool = False


def reason(method: str, has_copy_source: bool, has_upload_id: bool) -> str:
    """Which of AWS's four words says how the object was created, from the shape of the request."""
    if has_copy_source:
        return "CopyObject"
    if method == "POST":
        return "CompleteMultipartUpload" if has_upload_id else "POST Object"
    return "PutObject"


def render(
    change: ObjectChange, why: str, sequencer: str, request_id: str, requester: str
) -> tuple[str, dict[str, Any]]:
    """The detail-type and the detail of the event."""
    thing: dict[str, Any] = {"key": change.key, "sequencer": sequencer}
    if change.version_id:
        thing["version-id"] = change.version_id
    if change.etag:
        thing["etag"] = change.etag
    detail: dict[str, Any] = {
        "version": "0",
        "bucket": {"name": change.bucket},
        "object": thing,
        "request-id": request_id,
        "requester": requester,
    }
    if requester != S3:
        detail["source-ip-address"] = "127.0.0.1"
    if change.kind == "created":
        thing["size"] = change.size_bytes
        return "Object Created", {**detail, "reason": why}
    marker = "Delete Marker Created" if change.is_delete_marker else "Permanently Deleted"
    reason = "Lifecycle Expiration" if requester == S3 else "DeleteObject"
    return "Object Deleted", {**detail, "reason": reason, "deletion-type": marker}
