"""HTTP of function URLs: which requests are for one, and their way to the function and back.

Two shapes: a path, `/_url/<id>/…`, which needs no name but localhost and which no bucket can have, and a host,
`<id>.lambda-url.<region>.localhost`, where every path is the function's own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response

from emulator.adapters.gateway import signature_of
from emulator.adapters.wire import HttpRequest
from emulator.kernel.ports import Principal
from emulator.semantics.lambda_ import function_urls
from emulator.semantics.lambda_.function_urls import WebAnswer, WebRequest

_HOST = re.compile(r"([a-z0-9]+)\.lambda-url\.[a-z0-9-]+\.localhost(?::\d+)?", re.IGNORECASE)
_PATH = re.compile(r"/_url/([A-Za-z0-9]+)(/[^?]*)?")
Signer = tuple[str, str, str]
OnThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class Serve(Protocol):
    """The service's side: answers a request to the URL of an id."""

    def __call__(self, url_id: str, request: WebRequest, caller: Signer | None) -> WebAnswer: ...


def address(host: str, path: str) -> tuple[str, str] | None:
    """The id and the path within the URL that a request is for; None when it is for AWS's own API."""
    if by_host := _HOST.fullmatch(host):
        return by_host[1].lower(), path
    by_path = _PATH.fullmatch(path)
    return (by_path[1].lower(), by_path[2] or "/") if by_path else None


class FunctionUrls:
    """Serves them. `cors_of` answers the CORS settings of a URL, None for one that is not there."""

    def __init__(
        self,
        serve: Serve,
        cors_of: Callable[[str], dict[str, Any] | None],
        principal_of: Callable[[str], Principal],
    ) -> None:
        self._serve = serve
        self._cors_of = cors_of
        self._principal_of = principal_of

    def welcomes(self, host: str, path: str, origin: str) -> bool:
        """Whether the request of a page of another origin may come in: its URL's own settings name that origin."""
        found = address(host, path)
        cors = self._cors_of(found[0]) if found else None
        return cors is not None and function_urls.welcomes(cors, origin)

    async def respond(self, request: Request, path: str, on_thread: OnThread) -> Response | None:
        """The function's answer; None when the request is for no function URL."""
        found = address(request.headers.get("host", ""), path)
        if found is None:
            return None
        url_id, own_path = found
        asked = WebRequest(
            request.method,
            own_path,
            request.scope["query_string"].decode("latin-1"),
            _headers(request),
            await request.body(),
            request.client.host if request.client else "127.0.0.1",
        )
        return _response(await on_thread(partial(self._answer, url_id, asked)))

    def _answer(self, url_id: str, asked: WebRequest) -> WebAnswer:
        return self._serve(url_id, asked, self._signer(asked))

    def _signer(self, asked: WebRequest) -> Signer | None:
        signed = signature_of(HttpRequest(asked.method, f"/?{asked.query}", dict(asked.headers), b"", ""))
        if signed.service != "lambda" or not signed.access_key:
            return None
        principal = self._principal_of(signed.access_key)
        return principal.arn, principal.account_id, signed.access_key


def _headers(request: Request) -> dict[str, str]:
    """In lower case, the values of one that came several times joined."""
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in request.scope["headers"]:
        found[name.decode("latin-1").lower()].append(value.decode("latin-1"))
    joined = {name: ("; " if name == "cookie" else ",").join(values) for name, values in found.items()}
    forwarded = {"for": request.client.host if request.client else "127.0.0.1", "proto": "http"}
    return {**joined, **{f"x-forwarded-{name}": value for name, value in forwarded.items()}}


def _response(answered: WebAnswer) -> Response:
    headers = {name: value for name, value in answered.headers.items() if name != "content-length"}
    response = Response(answered.body, answered.status, headers)
    for cookie in answered.cookies:
        response.headers.append("set-cookie", cookie)
    return response
