"""InvokeEndpoint without the detour: plain requests to live endpoints are served on the event loop itself.

A request that is in any way out of the ordinary (a header that we do not know here, a value that AWS's model might
refuse, a body in a coding) takes the road of all others, through the gateway; so does every refusal, which is worded
and rendered there. Who calls is looked up by nobody yet; where IAM is enforced, it has to be asked here too.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from emulator.adapters import wire
from emulator.adapters.wire import HttpRequest
from emulator.kernel.errors import AwsError
from emulator.kernel.ids import Ids
from emulator.kernel.ports import Params

log = logging.getLogger(__name__)
SERVICE = "sagemaker-runtime"
_PATH = re.compile(r"/endpoints/([a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62})/invocations")
_PLAIN = re.compile(rb"[ -~]{1,1024}")
_NAME = re.compile(rb"[a-zA-Z0-9](?:-*[a-zA-Z0-9]){0,62}")
_SCOPE = b"/sagemaker/aws4_request"
_FIELDS = {
    b"content-type": ("ContentType", _PLAIN),
    b"accept": ("Accept", _PLAIN),
    b"x-amzn-sagemaker-custom-attributes": ("CustomAttributes", _PLAIN),
    b"x-amzn-sagemaker-inference-id": ("InferenceId", re.compile(rb"[ -~]{1,64}")),
    b"x-amzn-sagemaker-target-variant": ("TargetVariant", _NAME),
}
_CODED = frozenset({b"content-encoding", b"smithy-protocol", b"x-amz-target"})


class Invoke(Protocol):
    """InvokeEndpoint on the event loop."""

    def takes(self, params: Params) -> bool:
        """Whether the endpoint needs no more than that."""
        ...

    def serve(self, params: Params) -> Awaitable[Params]:
        """Raises:
        AwsError: in AWS's words.
        """
        ...


class Invocations:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, invoke: Invoke) -> None:
        self._app = app
        self._invoke = invoke
        self._ids = Ids()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        params = parsed(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        if params is None or not self._invoke.takes(params):
            await self._app(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        request_id = self._ids.uuid()
        try:
            result = await self._invoke.serve({**params, "Body": body})
        except AwsError as error:
            await _respond(send, *_refusal(scope, body, error, request_id))
            return
        except Exception as error:
            log.exception("invocation.broken", extra={"endpoint": params["EndpointName"]})
            broken = AwsError("InternalFailure", f"{SERVICE}: InvokeEndpoint broke in the emulator: {error!r}", 500)
            await _respond(send, *_refusal(scope, body, broken, request_id))
            return
        await _respond(send, 200, _headers(result, request_id), result["Body"])


def parsed(scope: Scope) -> Params | None:
    """A plain request's parameters but for its body; None when it has to go through the gateway."""
    path = _PATH.fullmatch(scope["path"])
    if path is None or scope["query_string"]:
        return None
    params: Params = {"EndpointName": path[1]}
    is_signed = False
    for name, value in scope["headers"]:
        known = _FIELDS.get(name)
        if known is not None:
            if known[1].fullmatch(value) is None:
                return None
            params[known[0]] = value.decode("ascii")
        elif name == b"authorization":
            is_signed = _SCOPE in value
        elif name in _CODED or name.startswith(b"x-amzn-sagemaker-"):
            return None
    return params if is_signed else None


async def _body(receive: Receive) -> bytes | None:
    """All of the body; None when the client has gone."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _headers(result: Params, request_id: str) -> list[tuple[bytes, bytes]]:
    found = [
        (b"content-type", result["ContentType"].encode("latin-1")),
        (b"content-length", b"%d" % len(result["Body"])),
        (b"x-amzn-requestid", request_id.encode()),
        (b"x-amzn-invoked-production-variant", result["InvokedProductionVariant"].encode()),
    ]
    if "CustomAttributes" in result:
        found.append((b"x-amzn-sagemaker-custom-attributes", result["CustomAttributes"].encode("latin-1")))
    return found


def _refusal(
    scope: Scope, body: bytes, error: AwsError, request_id: str
) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """As the gateway renders it."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    request = HttpRequest("POST", scope["path"], headers, body, headers.get("host", "localhost"))
    answer = wire.render(wire.parse(SERVICE, request), error, request_id)
    raw = answer.body if isinstance(answer.body, bytes) else b""
    found = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    kept = [pair for pair in found if pair[0].lower() != b"content-length"]
    return answer.status, [*kept, (b"content-length", b"%d" % len(raw))], raw


async def _respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
