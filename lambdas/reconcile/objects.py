"""Objects in the raw bucket that the ledger does not know, some each turn.

S3 lists by key and by nothing else. So a sweep through all keys may take several turns, and goes on where the last one
was cut; only what is newer than the last whole sweep is looked up in the ledger.

Source: S3 API reference, ListObjectVersions (KeyMarker, VersionIdMarker, up to 1,000 a page), read 2026-11.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from lambdas.reconcile.facts import StoredObject
from lambdas.shared.events import parse_time, render_time
from lambdas.shared.ledger.files import file_id
from lambdas.shared.ledger.table import Put, Table
from lambdas.shared.observability import log

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSIONS_MAX: Final = 5_000
LOOKUPS_MAX: Final = 500
"""Reads of the ledger in one turn: some seconds."""
_MARKERS: Final = ("KeyMarker", "VersionIdMarker")
_OVERLAP: Final = timedelta(hours=1)
"""What a sweep checked once more: younger objects were left alone for their event to come."""


@dataclass(frozen=True)
class Sweep:
    """How far the keys have been gone through.

    Attributes:
        began_at: of the sweep that goes on.
        checked_until: all objects up to then are in the ledger, or were sent to it; empty before the first whole sweep.
        key, version_id: where to go on; empty at the beginning.
    """

    began_at: str
    checked_until: str = ""
    key: str = ""
    version_id: str = ""


@dataclass(frozen=True)
class Found:
    """What a turn found, and where the next goes on."""

    objects: tuple[StoredObject, ...]
    sweep: Sweep


@dataclass(frozen=True)
class RawObjects:
    """The raw bucket of one model against its ledger."""

    s3: "S3Client"
    table: Table
    model: str
    bucket: str
    prefix: str
    lookups_max: int = LOOKUPS_MAX

    def look(self, now: datetime) -> Found:
        """One turn; what it found counts as sent once `keep` was called."""
        sweep = self._sweep(now)
        unknown: list[StoredObject] = []
        lookups = 0
        for number, stored in enumerate(self._versions(sweep), start=1):
            if not self._is_checked(stored, sweep):
                lookups += 1
                unknown += [] if self._is_known(stored) else [stored]
            if lookups >= self.lookups_max or number >= VERSIONS_MAX:
                log.warning("objects.cut", extra={"after_key": stored.key, "unknown": len(unknown)})
                return Found(tuple(unknown), replace(sweep, key=stored.key, version_id=stored.version_id))
        return Found(tuple(unknown), Sweep(render_time(now), checked_until=sweep.began_at))

    def keep(self, sweep: Sweep) -> None:
        """Go on there next time."""
        self.table.write(Put({"pk": f"RECONCILE#{self.model}", "sk": "objects", **vars(sweep)}))

    def _sweep(self, now: datetime) -> Sweep:
        row = self.table.get(f"RECONCILE#{self.model}", "objects")
        if row is None:
            return Sweep(render_time(now))
        sweep = Sweep(**{name: row[name] for name in ("began_at", "checked_until", "key", "version_id")})
        return sweep if sweep.key else replace(sweep, began_at=render_time(now))

    def _versions(self, sweep: Sweep) -> Iterator[StoredObject]:
        request: dict[str, Any] = {"Bucket": self.bucket, "Prefix": self.prefix}
        if sweep.key:
            request |= {"KeyMarker": sweep.key, "VersionIdMarker": sweep.version_id}
        while True:
            page: Mapping[str, Any] = self.s3.list_object_versions(**request)
            for version in page.get("Versions", []):
                if not version["Key"].endswith("/"):  # it stands for a folder
                    yield self._parse(version)
            if not page["IsTruncated"]:
                return
            request |= {name: page[f"Next{name}"] for name in _MARKERS if page.get(f"Next{name}")}

    def _parse(self, version: Mapping[str, Any]) -> StoredObject:
        return StoredObject(
            bucket=self.bucket,
            key=version["Key"],
            version_id=version["VersionId"],
            etag=version["ETag"].strip('"'),
            size_bytes=version["Size"],
            modified_at=version["LastModified"],
        )

    def _is_checked(self, stored: StoredObject, sweep: Sweep) -> bool:
        return bool(sweep.checked_until) and stored.modified_at < parse_time(sweep.checked_until) - _OVERLAP

    def _is_known(self, stored: StoredObject) -> bool:
        return self.table.get(f"FILE#{self.model}", file_id(stored.key, stored.version_id)) is not None
