"""Archives of a directory: the same files give the same bytes."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

from emulator.services.sagemaker.jobs.failure import JobFailure
from emulator.services.sagemaker.jobs.objects import files_below

_LEVEL = 1  # models compress badly and a step waits for this


def pack(directory: Path) -> bytes:
    """A tar.gz of everything below `directory`, names sorted, without times and owners."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=_LEVEL, mtime=0, filename="") as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for file in files_below(directory):
            entry = tarfile.TarInfo(file.relative_to(directory).as_posix())
            entry.size = file.stat().st_size
            entry.mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
            with file.open("rb") as body:
                tar.addfile(entry, body)
    return packed.getvalue()


def unpack(body: bytes, directory: Path, subject: str) -> None:
    """Extract a tar.gz; members may not leave the directory.

    Raises:
        JobFailure: it is none, naming `subject`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(fileobj=io.BytesIO(body), mode="r:*") as tar:
            tar.extractall(directory, filter="data")
    except (tarfile.TarError, OSError, EOFError) as error:
        raise JobFailure(f"ClientError: {subject} is not a usable tar.gz archive: {error}") from error
