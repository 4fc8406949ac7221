"""moto's S3 with its objects in files: seams into moto.s3, applied once per process.

moto keeps an object in a buffer and reads all of it for every range that a client asks for; ListObjectVersions copies
the data of a whole bucket; completing an upload makes three copies in memory. Here an object's value is bytes while it
is small and a `Blob` otherwise, which moto's own code slices and measures without noticing.

DIFFERS: S3 Select reads compressed objects only while they are small.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import moto.s3.models as models
import moto.s3.responses as responses
import moto.s3.utils as utils

from emulator.adapters import blobs
from emulator.adapters.blobs import Blob, BlobStore, Body
from emulator.kernel.errors import EmulatorError

SMALL_BYTES = 64 << 10
_whole_checksum = utils.compute_checksum
_setup_class = responses.S3Response.setup_class
_key_response = responses.S3Response.key_response
_store: list[BlobStore] = []


class Passing(threading.local):
    """The bodies of the request that this thread is serving, which do not go through WSGI."""

    is_open: bool = False
    request: Blob | None = None
    body: Blob | None = None


_passing = Passing()


@contextmanager
def carried(body: Body) -> Iterator[Passing]:
    """Hand a large request body past WSGI, and find a large answer in `body` of what this yields."""
    _passing.is_open, _passing.body = True, None
    _passing.request = body if isinstance(body, Blob) else None
    try:
        yield _passing
    finally:
        _passing.is_open, _passing.request, _passing.body = False, None, None


def install(store: BlobStore) -> None:
    """Keep objects that are put from now on in `store`."""
    _store[:] = [store]
    models.tempfile = _NoBuffers
    models.FakeKey.value = property(_value, _set_value)
    models.FakeKey.etag = property(_etag)
    models.FakeKey.dispose = _dispose
    models.FakeKey.__deepcopy__ = _shallow
    models.FakeMultipart.complete = _complete
    models.compute_checksum = responses.compute_checksum = _compute_checksum
    responses.S3Response.setup_class = _set_up
    responses.S3Response.key_response = _answer


class _NoBuffers:
    """Stands where moto's models look for `tempfile`."""

    @staticmethod
    def SpooledTemporaryFile(max_size: int = 0) -> None:  # noqa: N802 - the standard library's name
        return None


def _value(key: Any) -> Body:
    body: Body = key._body
    return body


def _set_value(key: Any, value: Body | str) -> None:
    body: Body = value.encode() if isinstance(value, str) else value
    if not isinstance(body, Blob):
        body = _store[0].keep(bytes(body)) if len(body) > SMALL_BYTES else bytes(body)
    elif not body.is_whole:
        body = _copied([body])
    key._body, key.contentsize = body, len(body)


def _etag(key: Any) -> str:
    if key._etag is None:
        key._etag = blobs.md5(key._body)
    return f'"{key._etag}"'


def _dispose(key: Any, garbage: bool = False) -> None:
    """Nothing has to be closed; the file goes with its last reader."""
    key.disposed = True


def _shallow(key: Any, memo: Any) -> Any:
    """ListObjectVersions wants copies of the records, not of the data."""
    copied = object.__new__(type(key))
    copied.__dict__.update(key.__dict__)
    return copied


def _copied(parts: list[Body]) -> Blob:
    spool = _store[0].spool()
    try:
        for part in parts:
            spool.append(part)
    except EmulatorError:
        spool.abandon()
        raise
    return spool.finish(is_md5_known=False)


def _complete(multipart: Any, body: Iterator[tuple[int, str]]) -> tuple[Body, str, tuple[str, str, int] | None]:
    """moto's FakeMultipart.complete, with the parts joined by the kernel."""
    chosen: list[Any] = []
    for number, etag in body:
        part = multipart.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise models.InvalidPart()
        if chosen and chosen[-1].contentsize < models.S3_UPLOAD_PART_MIN_SIZE:
            raise models.EntityTooSmall()
        chosen.append(part)
    if not chosen:
        raise models.MalformedXML
    digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in chosen)
    tag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(chosen)}"
    whole = _copied([part.value for part in chosen])
    details = _details(multipart.metadata, [part.value for part in chosen], whole)
    multipart.parts.clear()
    multipart.partlist.clear()
    return whole, tag, details


def _details(metadata: Any, parts: list[Body], whole: Blob) -> tuple[str, str, int] | None:
    """Type, value and number of parts of the object's checksum; nothing when the client asked for none."""
    algorithm = metadata.get("x-amz-checksum-algorithm")
    if not algorithm:
        return None
    kind = metadata.get("x-amz-checksum-type") or ("FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE")
    if kind == "FULL_OBJECT":
        return kind, _compute_checksum(whole, algorithm).decode(), 1
    digests = b"".join(_compute_checksum(part, algorithm, encode_base64=False) for part in parts)
    return kind, _compute_checksum(digests, algorithm).decode(), len(parts)


def _compute_checksum(body: Body, algorithm: str, encode_base64: bool = True) -> bytes:
    digest = blobs.checksum(body, algorithm, lambda data, name: bytes(_whole_checksum(data, name, encode_base64=False)))
    return blobs.encoded(digest) if encode_base64 else digest


def _set_up(response: Any, request: Any, full_url: Any = None, headers: Any = None) -> None:
    _setup_class(response, request, full_url, headers)
    if _passing.request is not None:
        response.body = response.raw_body = _passing.request


def _answer(response: Any, request: Any, full_url: str, headers: Any) -> Any:
    status, answered, content = _key_response(response, request, full_url, headers)
    if isinstance(content, Blob) and not _passing.is_open:
        return status, answered, bytes(content)  # moto serves somebody else in this process
    if isinstance(content, Blob):
        _passing.body = content
        return status, {**answered, "content-length": str(len(content))}, b""
    return status, answered, content
