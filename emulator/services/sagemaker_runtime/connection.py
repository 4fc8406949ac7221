"""HTTP to a model server: one kept connection per thread and port, and nothing that a request does not need."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader


class Unreachable(Exception):  # noqa: N818
    """The server took no request: it is gone or on its way."""


class BrokenOff(ConnectionError):  # noqa: N818
    """The server had the request and ended the connection instead of answering."""


@dataclass(frozen=True)
class Answer:
    """Status, headers (names in small letters) and body; `source` is the container that said it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    source: str = "primary"


_KEPT_MAX = 32
_kept = threading.local()


def post(port: int, path: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
    """Send a request to a server on loopback; a kept connection that the server has closed meanwhile is replaced.

    Raises:
        Unreachable: it cannot be reached.
        TimeoutError: no answer in time.
        BrokenOff: it broke off instead of answering, or while it did.
    """
    lines = [f"POST {path} HTTP/1.1", f"Host: localhost:{port}", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""])
    request = head.encode("latin-1", "replace") + body
    kept = _connections().pop(port, None)
    if kept is not None:
        kept.settimeout(timeout_s)
        try:
            return _exchange(port, kept, request)
        except _StaleError:
            kept.close()
    return _exchange_fresh(port, request, timeout_s)


class _StaleError(ConnectionError):
    """The connection was closed before the first byte of an answer."""


def _exchange_fresh(port: int, request: bytes, timeout_s: float) -> Answer:
    try:
        fresh = socket.create_connection(("127.0.0.1", port), timeout_s)
    except OSError as error:
        raise Unreachable(str(error)) from error
    fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return _exchange(port, fresh, request)
    except _StaleError as error:
        fresh.close()
        raise BrokenOff("the server closed the connection") from error


def _exchange(port: int, connection: socket.socket, request: bytes) -> Answer:
    try:
        connection.sendall(request)
        reader = connection.makefile("rb")
        line = reader.readline()
    except TimeoutError:
        connection.close()
        raise
    except OSError as error:
        raise _StaleError(str(error)) from error
    if not line:
        raise _StaleError("closed")
    try:
        answer = _read(line, reader)
    except TimeoutError:
        connection.close()
        raise
    except OSError as error:
        connection.close()
        raise BrokenOff(str(error)) from error
    _keep(port, connection)
    return answer


def _keep(port: int, connection: socket.socket) -> None:
    """Servers come and go; the connections longest unused go with them."""
    kept = _connections()
    kept[port] = connection
    if len(kept) > _KEPT_MAX:
        kept.pop(next(iter(kept))).close()


def _read(status_line: bytes, reader: BufferedReader) -> Answer:
    headers: dict[str, str] = {}
    while line := reader.readline().rstrip(b"\r\n"):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    body = reader.read(length)
    if len(body) < length:
        raise ConnectionError(f"the server sent {len(body)} of {length} bytes")
    return Answer(int(status_line.split()[1]), headers, body)


def _connections() -> dict[int, socket.socket]:
    found: dict[int, socket.socket] | None = getattr(_kept, "by_port", None)
    if found is None:
        found = _kept.by_port = {}
    return found
