"""Writes what endpoints capture: requests only leave a value in memory, files are written a while later.

A record is written once: by the time of the kernel's clock or when many have come, and what waits is written when the
emulator stops. What S3 refuses is tried again, then given up loudly in the journal.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Params, Principal
from emulator.semantics.endpoints import capture
from emulator.semantics.endpoints.capture import Captured

EVERY_S = 5.0
"""AWS delivers within minutes; people who try things out wait less. Each file delays some requests by a millisecond or
two: with two files a second that is more than one request in a hundred."""
MOST_WAITING = 20_000
MOST_BYTES = 8 * 1024 * 1024
_TRIES = 5
_AT_ONCE = 10
_BREATH_S = 0.0005
_AGAIN_AFTER_S = 5.0


class Capturing:
    """The records that wait to be written."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._waiting: deque[Captured] = deque()
        self._bytes = 0
        self._is_due = False
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._breath = threading.Event()  # never set

    def keep(self, seen: Captured) -> None:
        """Take one record; cheap enough for every request."""
        with self._lock:
            self._waiting.append(seen)
            self._bytes += len(seen.body) + len(seen.answer)
            is_first, self._is_due = not self._is_due, True
            is_full = len(self._waiting) >= MOST_WAITING or self._bytes >= MOST_BYTES
            if is_full:
                self._bytes = 0
        if is_first:
            self._kernel.dispatcher.post("capture.write", self.write, EVERY_S)
        if is_full:
            self._kernel.dispatcher.post("capture.write", self.write)

    def write(self) -> None:
        """Write all that waits."""
        with self._writing:
            with self._lock:
                seen, self._waiting = self._waiting, deque()
                self._bytes, self._is_due = 0, False
            for records in _by_file(seen):
                self._deliver(records, 1)

    def _deliver(self, records: list[Captured], tries: int) -> None:
        try:
            self._put(records)
        except AwsError as error:
            first = records[0]
            subject = f"{first.endpoint}/{first.variant}"
            kind = "endpoint.capture.refused" if tries < _TRIES else "endpoint.capture.lost"
            self._kernel.journal.append(kind, subject, records=len(records), error=str(error))
            if tries < _TRIES:
                again = partial(self._deliver, records, tries + 1)
                self._kernel.dispatcher.post("capture.write again", again, _AGAIN_AFTER_S)

    def _put(self, records: list[Captured]) -> None:
        first = records[0]
        bucket, _, folder = capture.prefix(first).removeprefix("s3://").partition("/")
        key = f"{folder}/{capture.file_name(first, self._kernel.ids.uuid())}"
        body = b"".join(self._lines(records))
        request: Params = {"Bucket": bucket, "Key": key, "Body": body, "ContentType": "application/json"}
        if first.capture.kms_key_id:
            request |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": first.capture.kms_key_id}
        self._kernel.calls("s3", "PutObject", request, Principal(first.capture.role_arn, self._kernel.account_id))

    def _lines(self, records: list[Captured]) -> Iterator[bytes]:
        """A few at a time: requests are served by the same interpreter, and would wait for all of them."""
        for start in range(0, len(records), _AT_ONCE):
            yield "".join(f"{capture.line(record)}\n" for record in records[start : start + _AT_ONCE]).encode()
            self._breath.wait(_BREATH_S)


def _by_file(seen: Iterable[Captured]) -> list[list[Captured]]:
    """Records that go into one file: alike in settings, endpoint, variant and hour."""
    files: dict[tuple[object, ...], list[Captured]] = {}
    for record in seen:
        hour = record.at.toordinal() * 24 + record.at.hour  # the kernel's clock speaks UTC
        files.setdefault((id(record.capture), record.endpoint, record.variant, hour), []).append(record)
    return list(files.values())
