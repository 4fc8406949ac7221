"""Hourly folders on S3, read line by line in the order of the hours: `<folder>/yyyy/mm/dd/hh/*.jsonl`.

Only the hours that matter are read, by listing from one key on: a folder keeps a model's whole life. A few objects are
fetched ahead, so that many small ones are not waited for one by one and large ones are not all in memory.
"""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

READERS: Final = 8
_HOUR: Final = re.compile(r"(\d{4}/\d\d/\d\d/\d\d)/[^/]+\.jsonl")
_FORMAT: Final = "%Y/%m/%d/%H"
_MARGIN: Final = timedelta(hours=1)
"""A folder's hour is that of writing down; a request near its border may lie in the next."""


@dataclass(frozen=True, order=True)
class Object:
    """An object of an hour; they sort by the hour, then by the folder that they are of, then by name."""

    hour: str
    key: str

    @property
    def at(self) -> datetime:
        """When its hour began."""
        return datetime.strptime(self.hour, _FORMAT).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Folder:
    """A folder of hours, or of folders of hours.

    Attributes:
        uri: `s3://bucket/prefix`.
    """

    s3: Any
    uri: str

    def below(self) -> "list[Folder]":
        """The folders in it."""
        pages = self._pages(Delimiter="/")
        names = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", ())]
        return [Folder(self.s3, f"s3://{self._bucket}/{name.rstrip('/')}") for name in names]

    def objects(self, start: datetime | None, end: datetime | None = None) -> Iterator[Object]:
        """Those whose hour may hold something from `start` on and before `end`."""
        first = f"{self._prefix}{start - _MARGIN:{_FORMAT}}" if start else ""
        last = f"{end + _MARGIN:{_FORMAT}}" if end else "9999"
        for page in self._pages(**({"StartAfter": first} if first else {})):
            for item in page.get("Contents", ()):
                found = _HOUR.fullmatch(item["Key"], len(self._prefix))
                if found and found[1] > last:
                    return
                if found:
                    yield Object(found[1], item["Key"])

    def lines(self, objects: Sequence[Object]) -> Iterator[tuple[Object, str]]:
        """Their lines, object by object."""
        ahead: deque[tuple[Object, Future[bytes]]] = deque()
        with ThreadPoolExecutor(READERS) as readers:
            for item in objects:
                ahead.append((item, readers.submit(self._read, item.key)))
                if len(ahead) == READERS:
                    yield from _lines(*ahead.popleft())
            while ahead:
                yield from _lines(*ahead.popleft())

    def _read(self, key: str) -> bytes:
        content: bytes = self.s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return content

    def _pages(self, **options: str) -> Iterator[Any]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix, **options)
        yield from pages

    @property
    def _bucket(self) -> str:
        return urlsplit(self.uri).netloc

    @property
    def _prefix(self) -> str:
        return urlsplit(self.uri).path.strip("/") + "/"


def _lines(item: Object, content: "Future[bytes]") -> Iterator[tuple[Object, str]]:
    for line in content.result().split(b"\n"):  # JSON may hold other characters that str.splitlines takes for an end
        yield item, line.decode("utf-8", errors="replace")
