"""HTTP on one loopback port: AWS requests to the gateway, `/_emulator/` to the control API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import anyio.to_thread
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from emulator.adapters.blobs import Blob
from emulator.adapters.gateway import Gateway, signature_of
from emulator.adapters.invocations import Invocations, Invoke
from emulator.adapters.origins import Guard
from emulator.adapters.uploads import Upload, is_large
from emulator.adapters.wire import HttpRequest, HttpResponse
from emulator.kernel.errors import AwsError

Control = Callable[[str, dict[str, Any], str], dict[str, Any]]
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
_THREADS = 64


def build(gateway: Gateway, control: Control, invoke: Invoke, is_open: bool = False) -> Starlette:
    """The ASGI application. Requests run on threads, since services and moto are synchronous.

    Args:
        invoke: serves plain requests to endpoints on the event loop.
        is_open: served on every address of this machine, not on loopback alone.
    """
    limiter: list[anyio.CapacityLimiter] = []

    async def on_thread(work: Callable[[], Any]) -> Any:
        if not limiter:
            limiter.append(anyio.CapacityLimiter(_THREADS))
        return await anyio.to_thread.run_sync(work, limiter=limiter[0])

    async def serve_control(request: Request) -> Response:
        raw = await request.body()
        asked = partial(control, request.path_params["verb"], json.loads(raw or b"{}"), request.method)
        return JSONResponse(await on_thread(asked))

    async def serve_aws(request: Request) -> Response:
        urls = gateway.function_urls
        if urls and (found := await urls.respond(request, _raw_path(request), on_thread)):
            return found
        if request.method == "OPTIONS":
            return Response("Method Not Allowed", 405)
        answer = await answer_of(request)
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
        if request.method == "HEAD":
            headers["Content-Length"] = answer.headers.get("Content-Length", "0")
        if isinstance(answer.body, Blob):
            headers["Content-Length"] = str(len(answer.body))
            return StreamingResponse(answer.body.__aiter__(), answer.status, headers)
        return Response(b"" if request.method == "HEAD" else answer.body, answer.status, headers)

    async def answer_of(request: Request) -> HttpResponse:
        asked = _http_request(request, b"")
        if not (is_large(request.method, asked.headers) and signature_of(asked).service == "s3"):
            answer: HttpResponse = await on_thread(partial(gateway.handle, replace(asked, body=await request.body())))
            return answer
        upload = Upload(gateway.blobs, asked.headers)
        try:
            async for data in request.stream():
                upload.feed(data)
            asked = await on_thread(partial(upload.finish, asked))
        except AwsError as error:
            upload.abandon()
            return gateway.refuse(asked, error)
        except ClientDisconnect:
            upload.abandon()
            raise
        received: HttpResponse = await on_thread(partial(gateway.handle, asked))
        return received

    def welcomes(host: str, path: str, origin: str) -> bool:
        return gateway.function_urls is not None and gateway.function_urls.welcomes(host, path, origin)

    return Starlette(
        routes=[
            Route("/_emulator/{verb}", serve_control, methods=["GET", "POST", "DELETE"]),
            Route("/{path:path}", serve_aws, methods=_METHODS),
        ],
        middleware=[
            Middleware(Guard, is_open=is_open, welcomes=welcomes),
            Middleware(Invocations, invoke=invoke),
        ],
    )


def _http_request(request: Request, body: bytes) -> HttpRequest:
    query: bytes = request.scope["query_string"]
    target = _raw_path(request) + (f"?{query.decode('latin-1')}" if query else "")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    return HttpRequest(request.method, target, headers, body, headers.get("host", "localhost"))


def _raw_path(request: Request) -> str:
    """The path as it was sent, without its query."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.decode("latin-1").split("?", 1)[0]


def server(app: Starlette, port: int, is_open: bool = False) -> uvicorn.Server:
    """A server for `app` on loopback, or on every address. Run it on the main thread."""
    host = "0.0.0.0" if is_open else "127.0.0.1"
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=75,
        ws="none",
    )
    return uvicorn.Server(config)
