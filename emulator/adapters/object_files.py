"""Objects as files of this machine: how jobs get their inputs and leave their outputs without HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from moto.s3.models import s3_backends

from emulator.adapters.blobs import Blob
from emulator.adapters.gateway import Gateway
from emulator.adapters.wire import HttpRequest

_SIGNED = "AWS4-HMAC-SHA256 Credential=test/20261123/{region}/s3/aws4_request, SignedHeaders=host, Signature=0"


class HeldBlob:
    """A stored file that stays where it is as long as this is referred to."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob

    @property
    def path(self) -> Path:
        return self._blob.file.path

    @property
    def size_bytes(self) -> int:
        return len(self._blob)


class GatewayObjectFiles:
    """Implements the `ObjectFiles` port on moto's S3 with its objects in files."""

    def __init__(self, gateway: Gateway, account_id: str, region: str) -> None:
        self._gateway = gateway
        self._account_id = account_id
        self._headers = {"Authorization": _SIGNED.format(region=region)}

    def hold(self, bucket: str, key: str) -> HeldBlob | None:
        with self._gateway.moto.lock("s3"):
            body = self._value(bucket, key)
        return HeldBlob(body) if isinstance(body, Blob) and body.is_whole else None

    def put(self, bucket: str, key: str, source: Path, headers: dict[str, str]) -> bool:
        blob = self._gateway.blobs.take(source)
        target = f"/{bucket}/{quote(key)}"
        request = HttpRequest("PUT", target, {**self._headers, **headers}, blob, "localhost")
        return self._gateway.handle(request).status == 200

    def _value(self, bucket: str, key: str) -> Any:
        found = s3_backends[self._account_id]["aws"].buckets.get(bucket)
        record = found.keys.get(key) if found else None
        return getattr(record, "value", None)  # a delete marker has none
