"""What a bucket's lifecycle rules delete: current versions, noncurrent ones, lone delete markers, forgotten uploads.

A number of days counts from a version's creation (or from the moment it stopped being current) and is rounded up to
the next midnight UTC. Expiring the current version of a versioned bucket leaves a delete marker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

AWS_NAME = "S3 Lifecycle: expiration"
SOURCE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html (read 2026-11-23)"
DIFFERS = (
    "transitions to other storage classes have no effect; deletions come at midnight itself, on AWS some time after"
)


@dataclass(frozen=True)
class Version:
    """One version of an object, or a delete marker. `noncurrent_since` is when the next version came."""

    key: str
    version_id: str
    created_at: datetime
    size_bytes: int = 0
    is_latest: bool = True
    is_delete_marker: bool = False
    noncurrent_since: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Upload:
    """A multipart upload that nobody has completed."""

    key: str
    upload_id: str
    begun_at: datetime


@dataclass(frozen=True)
class Deletion:
    """Delete a version, or without a version id the object as a client would; or abort an upload."""

    key: str
    version_id: str | None = None
    upload_id: str | None = None


def deletions(
    rules: Sequence[Mapping[str, Any]], versions: Sequence[Version], uploads: Sequence[Upload], now: datetime
) -> list[Deletion]:
    """What is due at `now` under rules as GetBucketLifecycleConfiguration has them; each thing once.

    `versions` are newest first within a key.
    """
    active = [rule for rule in rules if rule["Status"] == "Enabled"]
    found = [deletion for rule in active for deletion in _of_rule(rule, versions, uploads, now)]
    return list(dict.fromkeys(found))


def has_tags(rules: Sequence[Mapping[str, Any]]) -> bool:
    """Whether any rule asks for the tags of objects."""
    return any(_conditions(rule)[1] for rule in rules)


def _of_rule(
    rule: Mapping[str, Any], versions: Sequence[Version], uploads: Sequence[Upload], now: datetime
) -> Iterator[Deletion]:
    meant = [version for version in versions if _is_meant(rule, version)]
    expiration = rule.get("Expiration", {})
    siblings: dict[str, int] = {}
    for version in versions:
        siblings[version.key] = siblings.get(version.key, 0) + 1
    for version in meant:
        is_lone_marker = version.is_delete_marker and siblings[version.key] == 1
        if version.is_latest and version.is_delete_marker:
            if is_lone_marker and (
                expiration.get("ExpiredObjectDeleteMarker") or _has_expired(expiration, version, now)
            ):
                yield Deletion(version.key, version.version_id)
        elif version.is_latest and _has_expired(expiration, version, now):
            yield Deletion(version.key)
    yield from _noncurrent(rule.get("NoncurrentVersionExpiration", {}), meant, now)
    days = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
    prefix = _conditions(rule)[0]
    if days is not None:
        for upload in uploads:
            if upload.key.startswith(prefix) and now >= _midnight_after(upload.begun_at, days):
                yield Deletion(upload.key, upload_id=upload.upload_id)


def _noncurrent(rule: Mapping[str, Any], meant: Sequence[Version], now: datetime) -> Iterator[Deletion]:
    if "NoncurrentDays" not in rule:
        return
    newer: dict[str, int] = {}
    for version in meant:
        if version.noncurrent_since is None:
            continue
        kept = newer[version.key] = newer.get(version.key, 0) + 1
        is_old = now >= _midnight_after(version.noncurrent_since, rule["NoncurrentDays"])
        if is_old and kept > rule.get("NewerNoncurrentVersions", 0):
            yield Deletion(version.key, version.version_id)


def _has_expired(expiration: Mapping[str, Any], version: Version, now: datetime) -> bool:
    if "Date" in expiration:
        return bool(now >= expiration["Date"])
    return "Days" in expiration and now >= _midnight_after(version.created_at, expiration["Days"])


def _midnight_after(moment: datetime, days: int) -> datetime:
    at = moment + timedelta(days=days)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if at == midnight else midnight + timedelta(days=1)


def _is_meant(rule: Mapping[str, Any], version: Version) -> bool:
    prefix, tags, over, under = _conditions(rule)
    fits = version.key.startswith(prefix) and all(version.tags.get(key) == value for key, value in tags.items())
    if version.is_delete_marker:
        return fits
    return fits and (over is None or version.size_bytes > over) and (under is None or version.size_bytes < under)


def _conditions(rule: Mapping[str, Any]) -> tuple[str, dict[str, str], int | None, int | None]:
    """Prefix, tags, and the sizes between which an object must lie, of a rule in any of its forms."""
    given = rule.get("Filter", {})
    given = given.get("And", given)
    tags = [*given.get("Tags", ()), *([given["Tag"]] if "Tag" in given else [])]
    return (
        given.get("Prefix", rule.get("Prefix", "")),
        {tag["Key"]: tag["Value"] for tag in tags},
        given.get("ObjectSizeGreaterThan"),
        given.get("ObjectSizeLessThan"),
    )
