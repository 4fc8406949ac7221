"""Calls in process: `kernel.calls("s3", "GetObject", {...})` reaches ours directly and moto's through botocore."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

from emulator.adapters.gateway import ACTING, Gateway
from emulator.adapters.sqs_direct import DirectSqs
from emulator.adapters.wire import HttpRequest
from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Params, Principal

_CONFIG = Config(
    retries={"total_max_attempts": 1},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    s3={"addressing_style": "path"},
)


class InProcessCalls:
    """Implements the `Calls` port. moto's services get a botocore client whose requests never leave the process."""

    def __init__(self, kernel: Kernel, gateway: Gateway) -> None:
        self._kernel = kernel
        self._gateway = gateway
        self._root = Principal(f"arn:aws:iam::{kernel.account_id}:root", kernel.account_id)
        self._session = botocore.session.Session()
        self._session.set_credentials("test", "test")
        self._session.get_component("event_emitter").register("before-send", self._send)
        self._clients: dict[str, Any] = {}
        self._sqs = DirectSqs(gateway.moto, kernel.account_id, kernel.region, kernel.endpoint_url)
        self._lock = threading.Lock()

    def __call__(self, service: str, operation: str, params: Params, principal: Principal | None = None) -> Params:
        if self._gateway.owns(service):
            return self._gateway.call(service, operation, params, principal or self._root)
        direct = self._direct(service, operation, params)
        if direct is not None:
            return direct
        client = self._client(service)
        acting = ACTING.set(principal)
        try:
            answer: Params = client._make_api_call(operation, params)
        except ClientError as error:
            raise _translated(error) from error
        except ParamValidationError as error:
            raise AwsError("ValidationException", f"{service}: {operation}: {error}") from error
        finally:
            ACTING.reset(acting)
        body = answer.get("Body")
        if body is not None and hasattr(body, "read"):
            answer["Body"] = body.read()
        return answer

    def _direct(self, service: str, operation: str, params: Params) -> Params | None:
        """The answer to a call that is made too often for a request of its own."""
        found = self._sqs.operations.get(operation) if service == "sqs" else None
        answer = found(params) if found else None
        if answer is not None:
            target = {"X-Amz-Target": f"AmazonSQS.{operation}"}
            said = json.dumps(params).encode()
            self._gateway.was_served(service, HttpRequest("POST", "/", target, said, "localhost"))
        return answer

    def _client(self, service: str) -> Any:
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.create_client(
                    service, self._kernel.region, endpoint_url=self._kernel.endpoint_url, config=_CONFIG
                )
            return self._clients[service]

    def _send(self, request: AWSPreparedRequest, **kwargs: Any) -> AWSResponse:
        url = urlsplit(request.url)
        target = url.path + (f"?{url.query}" if url.query else "")
        headers = {name: _text(value) for name, value in request.headers.items()}
        response = self._gateway.handle(
            HttpRequest(request.method, target, headers, _payload(request.body), url.netloc)
        )
        return AWSResponse(
            request.url, response.status, HTTPHeaders.from_dict(response.headers), _Raw(bytes(response.body))
        )


class _Raw(io.BytesIO):
    """What botocore expects of an urllib3 response body."""

    def stream(self, amt: int = 65536, decode_content: bool | None = None) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


def _payload(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else bytes(body.read() if hasattr(body, "read") else body)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _translated(error: ClientError) -> AwsError:
    found = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return AwsError(str(found.get("Code", "Unknown")), str(found.get("Message", error)), status)
