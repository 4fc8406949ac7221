"""S3 with objects in files: what comes back is what was put, in any way and any part of it."""

import base64
import contextlib
import hashlib
import http.client
import io
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from emulator.kernel.ports import Kernel
from tests.support.waiting import eventually

Client = Callable[[str], Any]
DATA = os.urandom(9 << 20)
MIB = 1 << 20


@pytest.fixture(scope="session")
def bucket(client: Client) -> str:
    client("s3").create_bucket(Bucket="large-objects")
    return "large-objects"


def _get(client: Client, bucket: str, key: str, **more: str) -> Any:
    return client("s3").get_object(Bucket=bucket, Key=key, **more)


@pytest.mark.parametrize("size", [0, 1, 1000, 64 << 10, (64 << 10) + 1, MIB, MIB + 1, 9 * MIB])
def test_an_object_of_any_size_comes_back_with_its_etag(client: Client, bucket: str, size: int) -> None:
    body = DATA[:size]

    put = client("s3").put_object(Bucket=bucket, Key=f"size-{size}", Body=body)

    found = _get(client, bucket, f"size-{size}")
    assert found["Body"].read() == body
    assert put["ETag"] == found["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert (
        found["ContentLength"] == client("s3").head_object(Bucket=bucket, Key=f"size-{size}")["ContentLength"] == size
    )


@pytest.mark.parametrize("size", [1000, MIB, 3 * MIB])
def test_our_own_services_read_and_write_the_same_bytes(kernel: Kernel, bucket: str, size: int) -> None:
    kernel.calls("s3", "PutObject", {"Bucket": bucket, "Key": "inside", "Body": DATA[:size]})

    found = kernel.calls("s3", "GetObject", {"Bucket": bucket, "Key": "inside"})

    assert (found["Body"], found["ContentLength"]) == (DATA[:size], size)


@pytest.mark.parametrize("size", [5000, 3 * MIB])
@pytest.mark.parametrize("asked", ["bytes=0-9", "bytes=10-4000", "bytes=-7", "bytes=4990-"])
def test_a_range_is_that_part(client: Client, bucket: str, size: int, asked: str) -> None:
    client("s3").put_object(Bucket=bucket, Key="ranges", Body=DATA[:size])
    first, _, last = asked.removeprefix("bytes=").partition("-")
    expected = DATA[:size][int(first) : int(last) + 1 if last else None] if first else DATA[:size][-int(last) :]

    found = _get(client, bucket, "ranges", Range=asked)

    assert found["Body"].read() == expected
    assert (found["ResponseMetadata"]["HTTPStatusCode"], found["ContentLength"]) == (206, len(expected))
    assert found["ContentRange"].endswith(f"/{size}")


def test_a_multipart_upload_and_a_download_in_ranges_carry_the_same_bytes(
    client: Client, bucket: str, tmp_path: Path
) -> None:
    config = TransferConfig(multipart_threshold=MIB, multipart_chunksize=5 * MIB)

    client("s3").upload_fileobj(io.BytesIO(DATA), bucket, "parts", Config=config)
    client("s3").download_file(bucket, "parts", str(tmp_path / "got"), Config=config)

    assert (tmp_path / "got").read_bytes() == DATA
    assert _get(client, bucket, "parts")["ETag"].endswith('-2"')


def test_parts_may_come_in_any_order_again_and_from_other_objects(client: Client, bucket: str) -> None:
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="source", Body=DATA)
    upload = {"Bucket": bucket, "Key": "joined", "UploadId": ""}
    upload["UploadId"] = s3.create_multipart_upload(Bucket=bucket, Key="joined")["UploadId"]
    copied = {"CopySource": f"{bucket}/source", "CopySourceRange": f"bytes={MIB}-{7 * MIB - 1}"}

    s3.upload_part(**upload, PartNumber=2, Body=b"overwritten")
    last = s3.upload_part(**upload, PartNumber=2, Body=b"the end")["ETag"]
    first = s3.upload_part_copy(**upload, PartNumber=1, **copied)["CopyPartResult"]["ETag"]
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": last}]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

    assert _get(client, bucket, "joined")["Body"].read() == DATA[MIB : 7 * MIB] + b"the end"
    assert _get(client, bucket, "source")["Body"].read() == DATA


def test_copies_and_originals_live_apart(client: Client, bucket: str) -> None:
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="original", Body=DATA)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/original")
    assert _get(client, bucket, "original")["Body"].read() == DATA

    s3.put_object(Bucket=bucket, Key="original", Body=b"other")
    assert _get(client, bucket, "copy")["Body"].read() == DATA
    s3.copy_object(Bucket=bucket, Key="again", CopySource=f"{bucket}/copy")
    s3.delete_object(Bucket=bucket, Key="copy")

    assert _get(client, bucket, "again")["Body"].read() == DATA
    assert _get(client, bucket, "original")["Body"].read() == b"other"


def test_an_object_being_read_is_safe_from_being_overwritten(client: Client, bucket: str) -> None:
    client("s3").put_object(Bucket=bucket, Key="read", Body=DATA)
    reading = _get(client, bucket, "read")["Body"]
    start = reading.read(1000)

    client("s3").put_object(Bucket=bucket, Key="read", Body=b"new")

    assert start + reading.read() == DATA


def test_files_go_with_their_objects_and_versions_stay(client: Client, kernel: Kernel) -> None:
    s3, files = client("s3"), kernel.state_dir / "blobs"
    s3.create_bucket(Bucket="versioned-large")
    s3.put_bucket_versioning(Bucket="versioned-large", VersioningConfiguration={"Status": "Enabled"})
    before = len(list(files.iterdir()))
    versions = [s3.put_object(Bucket="versioned-large", Key="k", Body=DATA[n:])["VersionId"] for n in range(3)]

    listed = s3.list_object_versions(Bucket="versioned-large")["Versions"]
    read = [_get(client, "versioned-large", "k", VersionId=version)["Body"].read() for version in versions]

    assert [item["Size"] for item in listed] == [len(DATA) - 2, len(DATA) - 1, len(DATA)]
    assert read == [DATA, DATA[1:], DATA[2:]]
    assert len(list(files.iterdir())) == before + 3
    for version in versions:
        s3.delete_object(Bucket="versioned-large", Key="k", VersionId=version)
    eventually(lambda: len(list(files.iterdir())) <= before)


@pytest.mark.parametrize("size", [1000, 3 * MIB])
@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("SHA256", lambda body: hashlib.sha256(body).digest()),
        ("CRC32", lambda body: zlib.crc32(body).to_bytes(4, "big")),
    ],
)
def test_a_checksum_is_kept_and_told_to_who_asks(
    client: Client, bucket: str, size: int, algorithm: str, expected: Callable[[bytes], bytes]
) -> None:
    body = DATA[:size]
    wanted = base64.b64encode(expected(body)).decode()

    put = client("s3").put_object(Bucket=bucket, Key="sums", Body=body, ChecksumAlgorithm=algorithm)
    found = _get(client, bucket, "sums", ChecksumMode="ENABLED")

    assert put[f"Checksum{algorithm}"] == found[f"Checksum{algorithm}"] == wanted
    assert found["Body"].read() == body


@pytest.mark.parametrize("size", [1000, 3 * MIB])
def test_a_given_crc64nvme_is_kept(client: Client, bucket: str, size: int) -> None:
    client("s3").put_object(Bucket=bucket, Key="crc64", Body=DATA[:size], ChecksumCRC64NVME="AAAAAAAAAAA=")

    assert client("s3").head_object(Bucket=bucket, Key="crc64", ChecksumMode="ENABLED")["ContentLength"] == size


@pytest.mark.parametrize("size", [1000, 3 * MIB, 9 * MIB])
def test_a_stream_in_chunks_with_a_trailer_arrives_without_its_coating(
    client: Client, bucket: str, size: int, kernel: Kernel
) -> None:
    body = DATA[:size]
    crc = base64.b64encode(zlib.crc32(body).to_bytes(4, "big"))
    pieces = [body[at : at + 65_537] for at in range(0, size, 65_537)]
    coated = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)

    status = _put_coated(kernel, f"/{bucket}/coated", coated + b"0\r\nx-amz-checksum-crc32:" + crc + b"\r\n\r\n")

    found = _get(client, bucket, "coated", ChecksumMode="ENABLED")
    assert (status, found["Body"].read()) == (200, body)
    assert (found["ContentEncoding"], found["ChecksumCRC32"]) == ("gzip", crc.decode())


def test_an_upload_that_ends_early_is_refused_and_leaves_nothing(kernel: Kernel, client: Client, bucket: str) -> None:
    status = _put_coated(kernel, f"/{bucket}/cut", b"%x\r\n%s" % (5 * MIB, DATA[: 3 * MIB]))

    assert status == 400
    with pytest.raises(ClientError, match="NoSuchKey"):
        _get(client, bucket, "cut")


def _put_coated(kernel: Kernel, path: str, coated: bytes) -> int:
    """PutObject as the SDKs send streams: aws-chunked, the checksum in a trailer."""
    connection = http.client.HTTPConnection("localhost", int(kernel.endpoint_url.rpartition(":")[2]), timeout=60)
    headers = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/s3/aws4_request, Signature=0",
        "Content-Encoding": "aws-chunked,gzip",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-sdk-checksum-algorithm": "CRC32",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    with contextlib.closing(connection):
        connection.request("PUT", path, coated, headers)
        return connection.getresponse().status
