"""Files below `<folder>/yyyy/mm/dd/hh/`, by the hours of a window."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

_HOUR: Final = re.compile(r"/(\d{4})/(\d\d)/(\d\d)/(\d\d)/[^/]+\.jsonl$")


@dataclass(frozen=True)
class Span:
    """From `start` on, before `end`; empty if it would end before it starts."""

    start: datetime
    end: datetime

    def since(self, moment: datetime) -> "Span":
        """The part of it from a moment on."""
        return Span(max(self.start, moment), self.end)

    @property
    def length(self) -> timedelta:
        return max(self.end - self.start, timedelta())

    def document(self) -> dict[str, str]:
        """As the analyzer reads it."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}

    def __str__(self) -> str:
        return f"{self.start:%Y-%m-%d %H:%M}Z to {self.end:%Y-%m-%d %H:%M}Z" if self.length else "no time at all"


class Folder:
    """A folder of hours in S3."""

    def __init__(self, uri: str) -> None:
        self.bucket, _, self._prefix = uri.removeprefix("s3://").rstrip("/").partition("/")

    def keys(self, s3: Any, span: Span) -> list[str]:
        """Keys of the hours that the span touches. They sort as their hours do, so a listing begins in the middle."""
        if not span.length:
            return []
        first = span.start.replace(minute=0, second=0, microsecond=0)
        found: list[str] = []
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self._prefix}/", StartAfter=f"{self._prefix}/{first:%Y/%m/%d/%H}"
        )
        for page in pages:
            for item in page.get("Contents", []):
                hour = _hour(item["Key"])
                if hour is None or not item["Size"]:
                    continue
                if hour >= span.end:
                    return found
                found.append(item["Key"])
        return found


def manifest(bucket: str, keys: Sequence[str]) -> list[Any]:
    """SageMaker's ManifestFile. Source: API_S3DataSource, read 2026-11."""
    return [{"prefix": f"s3://{bucket}/"}, *keys]


def _hour(key: str) -> datetime | None:
    found = _HOUR.search(key)
    return datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[arg-type,misc]
