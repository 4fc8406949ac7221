"""Zips of functions and layers, unpacked on disk into directories named after what is in them."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import zipfile
from pathlib import Path
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Kernel
from emulator.semantics.lambda_ import limits
from emulator.services.lambda_.records import invalid

_BAD_ZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."


def unpack(kernel: Kernel, folder: str, code: dict[str, Any]) -> dict[str, Any]:
    """Unpack code below a folder of the state directory; answers what the configuration says about it, and where it is.

    Raises:
        AwsError: InvalidParameterValueException for what is no zip, too large, or not to be had from S3.
    """
    archive = _archive(kernel, code)
    digest = hashlib.sha256(archive).digest()
    directory = kernel.state_dir / folder / digest.hex()[:16]
    unzipped = _extract(archive, directory, directory.with_name(f"{directory.name}.{kernel.ids.alnum(8)}"))
    sha = base64.b64encode(digest).decode()
    return {"CodeSha256": sha, "CodeSize": len(archive), "CodeDir": str(directory), "UnzippedBytes": unzipped}


def merge(kernel: Kernel, directories: list[str]) -> str:
    """One directory of several layers, the later over the earlier; the only one is itself. Empty for none."""
    if len(directories) < 2:
        return "".join(directories)
    digest = hashlib.sha256("\n".join(directories).encode()).hexdigest()[:16]
    whole = kernel.state_dir / "lambda-layers" / f"merged-{digest}"
    if not whole.exists():
        beside = whole.with_suffix(f".{kernel.ids.alnum(8)}")
        for directory in directories:
            shutil.copytree(directory, beside, dirs_exist_ok=True, symlinks=True)
        _keep(beside, whole)
    return str(whole)


def _extract(archive: bytes, directory: Path, beside: Path) -> int:
    """Unpack beside, then keep it: nobody sees half of it. Answers the bytes of all files."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as found:
            size = sum(entry.file_size for entry in found.infolist())
            problem = limits.code_problem(size)
            if problem:
                raise invalid(problem)
            if not directory.exists():
                _extract_all(found, beside)
                _keep(beside, directory)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise invalid(_BAD_ZIP) from error
    return size


def _extract_all(found: zipfile.ZipFile, directory: Path) -> None:
    """With permissions as in the zip, since a bootstrap is run."""
    directory.mkdir(parents=True, exist_ok=True)
    for entry in found.infolist():
        path = Path(found.extract(entry, directory))
        mode = entry.external_attr >> 16 & 0o777
        if mode and path.is_file():
            path.chmod(mode | 0o400)


def _keep(beside: Path, directory: Path) -> None:
    try:
        beside.rename(directory)
    except OSError:  # somebody else has unpacked the same
        shutil.rmtree(beside, ignore_errors=True)


def _archive(kernel: Kernel, code: dict[str, Any]) -> bytes:
    if code.get("ZipFile"):
        archive = bytes(code["ZipFile"])
        if len(archive) > limits.ZIPPED_BYTES:
            message = f"Zipped size must be smaller than {limits.ZIPPED_BYTES} bytes"
            raise AwsError("RequestEntityTooLargeException", message, 413)
        return archive
    if not code.get("S3Bucket"):
        raise EmulatorError("lambda: Code: only ZipFile and S3Bucket/S3Key are emulated yet")
    where = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
    if code.get("S3ObjectVersion"):
        where["VersionId"] = code["S3ObjectVersion"]
    try:
        return bytes(kernel.calls("s3", "GetObject", where)["Body"])
    except AwsError as error:
        message = f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
        raise invalid(message) from error
