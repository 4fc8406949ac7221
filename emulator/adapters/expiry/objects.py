"""Objects of buckets that have lifecycle rules."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Principal
from emulator.semantics.s3 import lifecycle, object_events
from emulator.semantics.s3.lifecycle import Deletion, Upload, Version

_VERSION_MARKS = {"NextKeyMarker": "KeyMarker", "NextVersionIdMarker": "VersionIdMarker"}
_UPLOAD_MARKS = {"NextKeyMarker": "KeyMarker", "NextUploadIdMarker": "UploadIdMarker"}


def expire(kernel: Kernel, now: datetime) -> None:
    """Delete what is over at `now`, as S3 itself."""
    for bucket in kernel.calls("s3", "ListBuckets", {})["Buckets"]:
        rules = _rules(kernel, bucket["Name"])
        if rules:
            _expire_bucket(kernel, bucket["Name"], rules, now)


def _rules(kernel: Kernel, bucket: str) -> list[dict[str, Any]]:
    try:
        return list(kernel.calls("s3", "GetBucketLifecycleConfiguration", {"Bucket": bucket})["Rules"])
    except AwsError as error:
        if error.code in ("NoSuchLifecycleConfiguration", "NoSuchBucket"):
            return []
        raise


def _expire_bucket(kernel: Kernel, bucket: str, rules: list[dict[str, Any]], now: datetime) -> None:
    versions = _versions(kernel, bucket, lifecycle.has_tags(rules))
    uploads = [
        Upload(found["Key"], found["UploadId"], found["Initiated"])
        for page in _pages(kernel, "ListMultipartUploads", bucket, _UPLOAD_MARKS)
        for found in page.get("Uploads", ())
    ]
    found = lifecycle.deletions(rules, versions, uploads, now)
    for deletion in found:
        _delete(kernel, bucket, deletion)
    if found:
        kernel.journal.append("s3.expired", bucket, objects=len(found))


def _delete(kernel: Kernel, bucket: str, deletion: Deletion) -> None:
    where: dict[str, Any] = {"Bucket": bucket, "Key": deletion.key}
    itself = Principal(object_events.S3, kernel.account_id)
    if deletion.upload_id:
        kernel.calls("s3", "AbortMultipartUpload", {**where, "UploadId": deletion.upload_id}, itself)
    else:
        version = {"VersionId": deletion.version_id} if deletion.version_id else {}
        kernel.calls("s3", "DeleteObject", {**where, **version}, itself)


def _versions(kernel: Kernel, bucket: str, with_tags: bool) -> list[Version]:
    """Every version and delete marker, newest first within a key."""
    found = [
        (item, "ETag" not in item)
        for page in _pages(kernel, "ListObjectVersions", bucket, _VERSION_MARKS)
        for item in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
    ]
    found.sort(key=lambda pair: pair[0]["LastModified"], reverse=True)
    found.sort(key=lambda pair: (pair[0]["Key"], not pair[0]["IsLatest"]))
    versions: list[Version] = []
    for item, is_marker in found:
        newer = versions[-1] if versions and versions[-1].key == item["Key"] else None
        versions.append(
            Version(
                item["Key"],
                item["VersionId"],
                item["LastModified"],
                item.get("Size", 0),
                item["IsLatest"],
                is_marker,
                newer.created_at if newer else None,
                _tags(kernel, bucket, item) if with_tags and not is_marker else {},
            )
        )
    return versions


def _tags(kernel: Kernel, bucket: str, item: dict[str, Any]) -> dict[str, str]:
    version = {} if item["VersionId"] == "null" else {"VersionId": item["VersionId"]}
    answer = kernel.calls("s3", "GetObjectTagging", {"Bucket": bucket, "Key": item["Key"], **version})
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def _pages(kernel: Kernel, operation: str, bucket: str, marks: dict[str, str]) -> Any:
    answer = kernel.calls("s3", operation, {"Bucket": bucket})
    yield answer
    while answer.get("IsTruncated"):
        start = {marks[name]: answer[name] for name in marks if answer.get(name)}
        answer = kernel.calls("s3", operation, {"Bucket": bucket, **start})
        yield answer
