"""S3 as a job sees it: prefixes and manifests come down into directories, directories go up under a prefix."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import HeldFile, Kernel, Params, Principal
from emulator.services.sagemaker.jobs.failure import JobFailure

HAND_OVER_BYTES = 8 << 20
"""From this size on an input is not copied: the job sees the object's own file, which it cannot write to."""


class Objects:
    """The S3 calls of one job, made with its role.

    `handed_over` are inputs that lie elsewhere and are to be mounted, read-only, at their places below the job's
    directory.
    """

    def __init__(self, kernel: Kernel, role_arn: str) -> None:
        self._kernel = kernel
        self._role_arn = role_arn
        self._principal = Principal(role_arn, kernel.account_id)
        self.handed_over: list[tuple[HeldFile, Path]] = []

    def download(self, uri: str, directory: Path, data_type: str = "S3Prefix") -> None:
        """Copy what an input names into `directory`: all keys under a prefix, one object, or a manifest's list.

        Source: API_S3DataSource (S3DataType), read 2026-11.

        Raises:
            JobFailure: nothing is there.
        """
        found = self._manifest(uri) if data_type == "ManifestFile" else list(self._under(uri))
        if not found:
            raise JobFailure(f"ClientError: {self.nothing_found(uri)}")
        for bucket, key, relative in found:
            self._fetch(bucket, key, directory / relative)

    def has_objects(self, uri: str) -> bool:
        """Whether at least one object lies under the URI; a missing bucket has none."""
        bucket, prefix = split(uri)
        try:
            answer = self._call("ListObjectsV2", {"Bucket": bucket, "Prefix": prefix, "MaxKeys": 1})
        except AwsError:
            return False
        return bool(answer.get("Contents"))

    def read(self, uri: str) -> bytes:
        """The bytes of one object.

        Raises:
            JobFailure: it is not there or may not be read.
        """
        bucket, key = split(uri)
        try:
            body: bytes = self._call("GetObject", {"Bucket": bucket, "Key": key})["Body"]
        except AwsError as error:
            raise _download_failed(bucket, key, error) from error
        return body

    def write(self, uri: str, body: bytes, kms_key_id: str | None = None) -> None:
        bucket, key = split(uri)
        encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id} if kms_key_id else {}
        try:
            self._call("PutObject", {"Bucket": bucket, "Key": key, "Body": body, **encryption})
        except AwsError as error:
            raise JobFailure(
                f"ClientError: Data upload failed: {error.code} for s3://{bucket}/{key}: {error.message}"
            ) from error

    def upload(self, directory: Path, uri: str, kms_key_id: str | None = None) -> None:
        """Copy every regular file below `directory` to the same relative key; symbolic links are not followed."""
        for file in files_below(directory):
            target = f"{uri.rstrip('/')}/{file.relative_to(directory).as_posix()}"
            if not self._put_large(target, file, kms_key_id):
                self.write(target, file.read_bytes(), kms_key_id)

    def nothing_found(self, uri: str) -> str:
        """AWS's own words (github.com/aws/amazon-sagemaker-examples issue 2433)."""
        return (
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            f"exists in the selected region ({self._kernel.region}), that objects exist under that S3 prefix, and that "
            f'the role "{self._role_arn}" has "s3:ListBucket" permissions on bucket "{split(uri)[0]}".'
        )

    def _under(self, uri: str) -> Iterator[tuple[str, str, str]]:
        bucket, prefix = split(uri)
        for key in self._keys(bucket, prefix):
            if not key.endswith("/"):
                yield bucket, key, relative_name(prefix, key)

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        request: Params = {"Bucket": bucket, "Prefix": prefix}
        while True:
            try:
                answer = self._call("ListObjectsV2", request)
            except AwsError as error:
                raise JobFailure(
                    f"ClientError: Data download failed: {error.code} for s3://{bucket}: {error.message}"
                ) from error
            yield from (item["Key"] for item in answer.get("Contents", []))
            if not answer.get("IsTruncated"):
                return
            request["ContinuationToken"] = answer["NextContinuationToken"]

    def _manifest(self, uri: str) -> list[tuple[str, str, str]]:
        try:
            head, *names = json.loads(self.read(uri))
            bucket, prefix = split(head["prefix"])
        except (ValueError, KeyError, TypeError) as error:
            raise JobFailure(
                f'ClientError: manifest {uri} is not [{{"prefix": "s3://…"}}, "key", …]: {error!r}'
            ) from error
        return [(bucket, prefix + name, name) for name in names]

    def _fetch(self, bucket: str, key: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        files = self._kernel.object_files
        held = files.hold(bucket, key) if files else None
        if held is None:
            target.write_bytes(self.read(f"s3://{bucket}/{key}"))
            return
        self._require_readable(bucket, key)
        if held.size_bytes >= HAND_OVER_BYTES and self._kernel.spawner.isolation == "namespace":
            target.touch()
            self.handed_over.append((held, target))
        else:
            shutil.copyfile(held.path, target)

    def _require_readable(self, bucket: str, key: str) -> None:
        try:
            self._call("HeadObject", {"Bucket": bucket, "Key": key})
        except AwsError as error:
            raise _download_failed(bucket, key, error) from error

    def _put_large(self, uri: str, file: Path, kms_key_id: str | None) -> bool:
        """Put a large file without reading it into memory; false when that is not for us to do."""
        files = self._kernel.object_files
        if files is None or file.stat().st_size < HAND_OVER_BYTES:
            return False
        encryption = {"x-amz-server-side-encryption": "aws:kms"}
        key = {**encryption, "x-amz-server-side-encryption-aws-kms-key-id": kms_key_id} if kms_key_id else {}
        return files.put(*split(uri), file, key)

    def _call(self, operation: str, params: Params) -> Params:
        return self._kernel.calls("s3", operation, params, self._principal)


def _download_failed(bucket: str, key: str, error: AwsError) -> JobFailure:
    return JobFailure(f"ClientError: Data download failed: {error.code} for s3://{bucket}/{key}: {error.message}")


def split(uri: Any) -> tuple[str, str]:
    """Bucket and key of an s3:// URI.

    Raises:
        JobFailure: it is none.
    """
    if not isinstance(uri, str) or not uri.startswith("s3://"):
        raise JobFailure(f"ClientError: expected an s3:// URI, found {uri!r}")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def relative_name(prefix: str, key: str) -> str:
    """Where an object under a prefix lands: below a directory prefix its remaining key, else from the last slash on."""
    directory = prefix if prefix.endswith("/") or not prefix else f"{prefix}/"
    if key.startswith(directory):
        return key[len(directory) :]
    return key[prefix.rfind("/") + 1 :]


def files_below(directory: Path) -> list[Path]:
    """Regular files below a directory, sorted; symbolic links are neither returned nor followed."""
    found: list[Path] = []
    for parent, _, names in os.walk(directory, followlinks=False):
        found += [Path(parent, name) for name in names if not Path(parent, name).is_symlink()]
    return sorted(file for file in found if file.is_file())
