"""Objects of buckets that have lifecycle rules."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from moto.s3.models import FakeDeleteMarker, s3_backends

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Principal
from emulator.semantics.s3 import lifecycle, object_events
from emulator.semantics.s3.lifecycle import Deletion, Upload, Version

_UPLOAD_MARKS = {"NextKeyMarker": "KeyMarker", "NextUploadIdMarker": "UploadIdMarker"}


def expire(kernel: Kernel, lock: AbstractContextManager[Any], now: datetime) -> None:
    """Delete what is over at `now`, as S3 itself; `lock` is that of moto's S3."""
    for bucket in [found["Name"] for found in kernel.calls("s3", "ListBuckets", {})["Buckets"]]:
        rules = _rules(kernel, bucket)
        if not rules:
            continue
        versions = _versions(kernel, bucket, lock)
        if lifecycle.has_tags(rules):
            versions = [_tagged(kernel, bucket, version) for version in versions]
        due = lifecycle.deletions(rules, versions, _uploads(kernel, bucket), now)
        for deletion in due:
            _delete(kernel, bucket, deletion)
        if due:
            kernel.journal.append("s3.expired", bucket, objects=len(due))


def _rules(kernel: Kernel, bucket: str) -> list[dict[str, Any]]:
    try:
        return list(kernel.calls("s3", "GetBucketLifecycleConfiguration", {"Bucket": bucket})["Rules"])
    except AwsError as error:
        if error.code in ("NoSuchLifecycleConfiguration", "NoSuchBucket"):
            return []
        raise


def _uploads(kernel: Kernel, bucket: str) -> list[Upload]:
    return [
        Upload(found["Key"], found["UploadId"], found["Initiated"])
        for page in _pages(kernel, "ListMultipartUploads", bucket, _UPLOAD_MARKS)
        for found in page.get("Uploads", ())
    ]


def _delete(kernel: Kernel, bucket: str, deletion: Deletion) -> None:
    where: dict[str, Any] = {"Bucket": bucket, "Key": deletion.key}
    itself = Principal(object_events.S3, kernel.account_id)
    if deletion.upload_id:
        kernel.calls("s3", "AbortMultipartUpload", {**where, "UploadId": deletion.upload_id}, itself)
    else:
        version = {"VersionId": deletion.version_id} if deletion.version_id else {}
        kernel.calls("s3", "DeleteObject", {**where, **version}, itself)


def _versions(kernel: Kernel, bucket: str, lock: AbstractContextManager[Any]) -> list[Version]:
    """Every version and delete marker, newest first within a key.

    Read from moto itself: its ListObjectVersions copies the whole bucket for each page.
    """
    with lock:
        keys = s3_backends[kernel.account_id]["aws"].buckets[bucket].keys
        return [version for name, records in keys.iterlists() for version in _of_key(name, records)]


def _of_key(name: str, records: list[Any]) -> Iterator[Version]:
    newer: datetime | None = None
    for record in reversed(records):  # moto appends
        created_at = record.last_modified.replace(tzinfo=UTC)
        is_marker = isinstance(record, FakeDeleteMarker)
        size_bytes = 0 if is_marker else record.size
        yield Version(name, record.version_id, created_at, size_bytes, newer is None, is_marker, newer)
        newer = created_at


def _tagged(kernel: Kernel, bucket: str, version: Version) -> Version:
    return version if version.is_delete_marker else replace(version, tags=_tags(kernel, bucket, version))


def _tags(kernel: Kernel, bucket: str, version: Version) -> dict[str, str]:
    which = {} if version.version_id == "null" else {"VersionId": version.version_id}
    answer = kernel.calls("s3", "GetObjectTagging", {"Bucket": bucket, "Key": version.key, **which})
    return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}


def _pages(kernel: Kernel, operation: str, bucket: str, marks: dict[str, str]) -> Any:
    answer = kernel.calls("s3", operation, {"Bucket": bucket})
    yield answer
    while answer.get("IsTruncated"):
        start = {marks[name]: answer[name] for name in marks if answer.get(name)}
        answer = kernel.calls("s3", operation, {"Bucket": bucket, **start})
        yield answer
