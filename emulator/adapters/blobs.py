"""Bytes kept in files: objects too large to hold in memory, shared by whoever refers to them and never changed.

A file goes when nobody refers to it any more, so a copy costs nothing and a reader is safe from an overwrite.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from emulator.kernel.errors import EmulatorError

CHUNK_BYTES = 1 << 20
LIMIT_BYTES = 50 * 10**9
"""So much is stored at most when nobody says otherwise."""


class Room:
    """How many bytes may be stored, and how many are."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0
        self._lock = threading.Lock()

    def take(self, size_bytes: int) -> None:
        """Make room for more (or give some back when negative).

        Raises:
            EmulatorError: there is none left.
        """
        with self._lock:
            if size_bytes > 0 and self.used_bytes + size_bytes > self.limit_bytes:
                used, limit = self.used_bytes / 1e9, self.limit_bytes / 1e9
                raise EmulatorError(
                    f"s3: the emulator keeps {used:.2f} GB of objects and may keep {limit:g} GB; delete objects, or "
                    "start it with a larger --disk-limit-gb",
                    "EmulatorDiskFull",
                    507,
                )
            self.used_bytes += size_bytes


class StoredFile:
    """One file, removed with its last reference."""

    def __init__(self, path: Path, room: Room, size_bytes: int) -> None:
        self.path = path
        self._room = room
        self._size_bytes = size_bytes

    def __del__(self) -> None:
        self._room.take(-self._size_bytes)
        try:
            os.unlink(self.path)
        except OSError:
            return  # the state directory went first


class Blob:
    """A range of a stored file that measures, slices and iterates like bytes and reads only what is asked for."""

    def __init__(self, file: StoredFile, start: int, stop: int, md5: str | None = None) -> None:
        self.file = file
        self.start = start
        self.stop = stop
        self.md5 = md5

    def __len__(self) -> int:
        return self.stop - self.start

    def __bool__(self) -> bool:
        return self.stop > self.start

    def __getitem__(self, part: slice) -> Blob:
        start, stop, _ = part.indices(len(self))
        return Blob(self.file, self.start + start, self.start + max(start, stop))

    def __iter__(self) -> Iterator[bytes]:
        with self.file.path.open("rb", buffering=0) as file:
            file.seek(self.start)
            left = len(self)
            while left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def __bytes__(self) -> bytes:
        return b"".join(self)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return bytes(self).decode(encoding, errors)

    @property
    def is_whole(self) -> bool:
        return self.start == 0 and self.stop == self.file.path.stat().st_size


Body = bytes | Blob


class Spool:
    """A file being written; `finish` makes it a blob that knows its MD5."""

    def __init__(self, path: Path, room: Room) -> None:
        self._path = path
        self._room = room
        self._file = path.open("wb", buffering=0)
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def write(self, data: bytes) -> None:
        self._md5.update(data)
        self.append(data)

    def append(self, body: Body) -> None:
        """Without keeping count of the MD5.

        Raises:
            EmulatorError: the disk limit is reached.
        """
        self._room.take(len(body))
        self._size += len(body)
        if isinstance(body, Blob):
            with body.file.path.open("rb", buffering=0) as source:
                copy_range(source.fileno(), body.start, self._file.fileno(), len(body))
            return
        left = memoryview(body)
        while left:
            left = left[self._file.write(left) :]

    def finish(self, is_md5_known: bool = True) -> Blob:
        self._file.close()
        return Blob(
            StoredFile(self._path, self._room, self._size),
            0,
            self._size,
            self._md5.hexdigest() if is_md5_known else None,
        )

    def abandon(self) -> None:
        self._room.take(-self._size)
        self._file.close()
        self._path.unlink(missing_ok=True)


class BlobStore:
    """A directory of stored files."""

    def __init__(self, root: Path | None = None, limit_bytes: int = LIMIT_BYTES) -> None:
        self.room = Room(limit_bytes)
        self.root = root or Path(tempfile.mkdtemp(prefix="blobs-"))
        self.root.mkdir(parents=True, exist_ok=True)

    def spool(self) -> Spool:
        descriptor, name = tempfile.mkstemp(dir=self.root)
        os.close(descriptor)
        return Spool(Path(name), self.room)

    def keep(self, data: bytes) -> Blob:
        spool = self.spool()
        try:
            spool.write(data)
        except EmulatorError:
            spool.abandon()
            raise
        return spool.finish()

    def take(self, source: Path) -> Blob:
        """A copy of a file, made by the kernel."""
        self.room.take(size := source.stat().st_size)
        spool = self.spool()
        spool._size = size
        with source.open("rb", buffering=0) as file:
            copy_range(file.fileno(), 0, spool._file.fileno(), size)
        return spool.finish(is_md5_known=False)


def copy_range(source: int, offset: int, target: int, size: int) -> None:
    """Copy between open files without the bytes passing through us, where the system has copy_file_range(2)."""
    while size > 0:
        if hasattr(os, "copy_file_range"):
            done = os.copy_file_range(source, target, min(size, 1 << 30), offset)
        else:
            done = os.write(target, os.pread(source, min(size, CHUNK_BYTES), offset))
        if done == 0:
            raise OSError(f"the file ended {size} bytes early")
        offset, size = offset + done, size - done


def md5(body: Body) -> str:
    if isinstance(body, Blob) and body.md5:
        return body.md5
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in chunks(body):
        digest.update(chunk)
    return digest.hexdigest()


def chunks(body: Body) -> Iterator[bytes]:
    return iter(body) if isinstance(body, Blob) else iter((body,))


def checksum(body: Body, algorithm: str, whole: Callable[[bytes, str], bytes]) -> bytes:
    """The raw digest of a body as S3 has it; `whole` computes it for bytes in memory."""
    if not isinstance(body, Blob):
        return whole(body, algorithm)
    if algorithm in ("SHA1", "SHA256"):
        digest = hashlib.new(algorithm.lower(), usedforsecurity=False)
        for chunk in body:
            digest.update(chunk)
        return digest.digest()
    if algorithm == "CRC32":
        crc = 0
        for chunk in body:
            crc = binascii.crc32(chunk, crc)
        return crc.to_bytes(4, "big")
    return whole(bytes(body), algorithm)


def encoded(digest: bytes) -> bytes:
    return base64.b64encode(digest)
