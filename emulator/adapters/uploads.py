"""Large request bodies on their way in: into a file as they come, out of their aws-chunked coating.

SOURCE: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and …-streaming-trailers.html (read
2026-11). DIFFERS: signatures of chunks are not verified, like all signatures here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from emulator.adapters import blobs
from emulator.adapters.blobs import BlobStore
from emulator.adapters.wire import HttpRequest
from emulator.kernel.errors import AwsError

LARGE_BYTES = 1 << 20
_CHECKSUM = "x-amz-checksum-"


def is_large(method: str, headers: Mapping[str, str]) -> bool:
    """Whether an upload to S3 should go to a file: its length is known before its first byte."""
    size = headers.get("content-length", "")
    return method == "PUT" and size.isdigit() and int(size) > LARGE_BYTES


class Upload:
    """One body being received."""

    def __init__(self, store: BlobStore, headers: Mapping[str, str]) -> None:
        self._spool = store.spool()
        self._is_coated = headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
        self._buffer = bytearray()
        self._left = 0  # of the chunk that is being read, with the line end after it
        self._is_in_trailer = False
        self.trailer: dict[str, str] = {}

    def feed(self, data: bytes) -> None:
        """Take in what came; chunks and lines may be cut anywhere.

        Raises:
            AwsError: a chunk's head is no number.
        """
        if not self._is_coated:
            self._spool.write(data)
            return
        self._buffer += data
        while self._step():
            pass

    def finish(self, request: HttpRequest) -> HttpRequest:
        """The request with its body in a file, as if it had been sent without a coating."""
        if self._is_coated and not self._is_in_trailer:
            raise AwsError("IncompleteBody", "The request body terminated unexpectedly")
        blob = self._spool.finish()
        dropped = ("content-length", "content-encoding") if self._is_coated else ("content-length",)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
        encoding = ",".join(e for e in request.header("content-encoding").split(",") if e.strip() != "aws-chunked")
        if self._is_coated and encoding:
            headers["content-encoding"] = encoding
        if self._is_coated:
            headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD"
        headers |= {name: value for name, value in self.trailer.items() if name.startswith(_CHECKSUM)}
        return _with_checksum(replace(request, headers=headers, body=blob))

    def abandon(self) -> None:
        self._spool.abandon()

    def _step(self) -> bool:
        """One chunk's part, or one line; false when more has to come."""
        if self._left > 2:
            part = bytes(self._buffer[: self._left - 2])
            self._spool.write(part)
            self._advance(len(part))
            return self._left <= 2
        if self._left:
            taken = min(self._left, len(self._buffer))
            self._advance(taken)
            return taken > 0
        line, found, _ = self._buffer.partition(b"\n")
        if not found:
            return False
        del self._buffer[: len(line) + 1]
        self._read_line(line.decode("latin-1").strip())
        return True

    def _advance(self, size: int) -> None:
        del self._buffer[:size]
        self._left -= size

    def _read_line(self, line: str) -> None:
        if self._is_in_trailer:
            name, _, value = line.partition(":")
            if value:
                self.trailer[name.strip().lower()] = value.strip()
            return
        try:
            size = int(line.partition(";")[0], 16)
        except ValueError as error:
            raise AwsError("InvalidRequest", f"a chunk of the body begins with '{line[:80]}', not a size") from error
        self._is_in_trailer = size == 0
        self._left = size + 2 if size else 0


def _with_checksum(request: HttpRequest) -> HttpRequest:
    """A client may name an algorithm and leave the sum to us; moto would look for it in the body."""
    algorithm = request.header("x-amz-sdk-checksum-algorithm")
    name = f"{_CHECKSUM}{algorithm.lower()}"
    if algorithm not in ("SHA1", "SHA256", "CRC32") or request.header(name):
        return request
    digest = blobs.checksum(request.body, algorithm, lambda data, algorithm: b"")
    return replace(request, headers={**request.headers, name: blobs.encoded(digest).decode()})
