"""Who may talk to a server that runs code it is given: programs on this machine, and no web page.

A page in a browser can send requests to loopback. DNS rebinding shows in the Host header, a cross-site POST in Origin.
Who serves on another address than loopback lets programs in that name the machine by an address, since a name could be
rebound; pages stay out all the same.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def refusal(host: str, origin: str | None, fetch_site: str | None = None, is_open: bool = False) -> str | None:
    """Why a request with these headers is refused; None when it is welcome.

    Args:
        host: the Host header; `localhost`, a loopback address or a name below `.localhost`, with any port.
        origin: the Origin header, which only browsers send, and not with every request.
        fetch_site: the Sec-Fetch-Site header, with which browsers say who asks for images and links.
        is_open: served on more than loopback: Host may be any address.
    """
    if not (_is_loopback(_hostname(host)) or (is_open and _is_address(_hostname(host)))):
        return f"Host '{host}' is not this machine's loopback"
    if origin is not None and not _is_loopback(urlsplit(origin).hostname or ""):
        return f"Origin '{origin}' is another site"
    if fetch_site in ("cross-site", "same-site"):
        return f"Sec-Fetch-Site '{fetch_site}' is another site"
    return None


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(name: str) -> bool:
    return name in _LOOPBACK or name.endswith(".localhost")


class Guard:
    """ASGI middleware: refuses what `refusal` refuses, before anything reads the request.

    `welcomes` (host, path, origin) may let the page of another site in where a person has asked for that by name, as
    with CORS of a function URL. The host has to be this machine's all the same.
    """

    def __init__(
        self, app: ASGIApp, is_open: bool = False, welcomes: Callable[[str, str, str], bool] = lambda *_: False
    ) -> None:
        self._app = app
        self._is_open = is_open
        self._welcomes = welcomes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host, origin = headers.get("host", ""), headers.get("origin")
            why = refusal(host, origin, headers.get("sec-fetch-site"), self._is_open)
            if why and not (origin and self._lets_in(host, scope["path"], origin)):
                body = {"__type": "AccessDeniedException", "message": f"{why}; nothing was done"}
                await JSONResponse(body, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _lets_in(self, host: str, path: str, origin: str) -> bool:
        return refusal(host, None, None, self._is_open) is None and self._welcomes(host, path, origin)
