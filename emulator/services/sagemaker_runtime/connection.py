"""HTTP to a model server: one kept connection per thread and port, and nothing that a request does not need."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass

import httptools


class Unreachable(Exception):  # noqa: N818
    """The server took no request: it is gone or on its way."""


class BrokenOff(ConnectionError):  # noqa: N818
    """The server had the request and ended the connection instead of answering."""


class StaleError(ConnectionError):
    """The connection was closed before the first byte of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in small letters) and body; `source` is the container that said it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    source: str = "primary"


class Reader:
    """Reads one answer from the bytes that come in; `answer` is None until it is whole."""

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.may_keep = False
        self.has_begun = False
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._has_head = False
        self._parser = httptools.HttpResponseParser(self)

    def feed(self, data: bytes) -> None:
        """Raises:
        BrokenOff: it is no HTTP.
        """
        self.has_begun = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise BrokenOff(f"the answer is no HTTP: {error}") from error

    def end(self) -> None:
        """The connection has ended, which ends an answer that does not say its length."""
        is_open_ended = not self._headers.keys() & {"content-length", "transfer-encoding"}
        if self._has_head and self.answer is None and is_open_ended:
            self.on_message_complete()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self.may_keep = self._parser.should_keep_alive()
        self.answer = Answer(self._parser.get_status_code(), self._headers, b"".join(self._body))


def rendered(port: int, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """A POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"Host: localhost:{port}", f"Content-Length: {len(body)}"]
    head = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""])
    return head.encode("latin-1", "replace") + body


_KEPT_MAX = 32
_RECEIVED_AT_ONCE = 1 << 18
_kept = threading.local()


def post(port: int, path: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
    """Send a request to a server on loopback; a kept connection that the server has closed meanwhile is replaced.

    Raises:
        Unreachable: it cannot be reached.
        TimeoutError: no answer in time.
        BrokenOff: it broke off instead of answering, or while it did.
    """
    request = rendered(port, path, headers, body)
    kept = _connections().pop(port, None)
    if kept is not None:
        kept.settimeout(timeout_s)
        try:
            return _exchange(port, kept, request)
        except StaleError:
            kept.close()
    return _exchange_fresh(port, request, timeout_s)


def _exchange_fresh(port: int, request: bytes, timeout_s: float) -> Answer:
    try:
        fresh = socket.create_connection(("127.0.0.1", port), timeout_s)
    except OSError as error:
        raise Unreachable(str(error)) from error
    fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return _exchange(port, fresh, request)
    except StaleError as error:
        fresh.close()
        raise BrokenOff("the server closed the connection") from error


def _exchange(port: int, connection: socket.socket, request: bytes) -> Answer:
    reader = Reader()
    try:
        connection.sendall(request)
        while reader.answer is None:
            data = connection.recv(_RECEIVED_AT_ONCE)
            if not data:
                reader.end()
                break
            reader.feed(data)
    except TimeoutError:
        connection.close()
        raise
    except BrokenOff:
        connection.close()
        raise
    except OSError as error:
        if reader.has_begun:
            connection.close()
            raise BrokenOff(str(error)) from error
        raise StaleError(str(error)) from error
    return _concluded(port, connection, reader)


def _concluded(port: int, connection: socket.socket, reader: Reader) -> Answer:
    if reader.answer is None:
        if not reader.has_begun:
            raise StaleError("closed")
        connection.close()
        raise BrokenOff("the server ended its answer too early")
    if reader.may_keep:
        _keep(port, connection)
    else:
        connection.close()
    return reader.answer


def _keep(port: int, connection: socket.socket) -> None:
    """Servers come and go; the connections longest unused go with them."""
    kept = _connections()
    kept[port] = connection
    if len(kept) > _KEPT_MAX:
        kept.pop(next(iter(kept))).close()


def _connections() -> dict[int, socket.socket]:
    found: dict[int, socket.socket] | None = getattr(_kept, "by_port", None)
    if found is None:
        found = _kept.by_port = {}
    return found
