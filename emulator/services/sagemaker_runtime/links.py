"""HTTP to model servers from an event loop: kept connections, one request at a time on each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast

from emulator.services.sagemaker_runtime.connection import (
    Answer,
    BrokenOff,
    Reader,
    StaleError,
    Unreachable,
    rendered,
)


class _Link(asyncio.Protocol):
    """A connection to a server."""

    def __init__(self) -> None:
        self.is_open = True
        self._transport: asyncio.Transport | None = None
        self._reader = Reader()
        self._answered: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by name

    def ask(self, request: bytes) -> asyncio.Future[Answer]:
        assert self._transport is not None
        self._reader = Reader()
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answered

    def data_received(self, data: bytes) -> None:
        try:
            self._reader.feed(data)
        except BrokenOff as error:
            self._fail(error)
            self.close()
            return
        if self._reader.answer is not None:
            self._succeed(self._reader.answer)
            if not self._reader.may_keep:
                self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._reader.end()
        if self._reader.answer is not None:
            self._succeed(self._reader.answer)
        elif self._reader.has_begun:
            self._fail(BrokenOff("the server ended its answer too early"))
        else:
            self._fail(StaleError("closed"))

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    def _succeed(self, answer: Answer) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(answer)

    def _fail(self, error: Exception) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(error)


class Links:
    """Connections that are free, by port. Belongs to one event loop."""

    def __init__(self) -> None:
        self._free: dict[int, list[_Link]] = {}

    async def post(self, port: int, path: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> Answer:
        """As `connection.post`."""
        request = rendered(port, path, headers, body)
        free = self._free.setdefault(port, [])
        while free:
            kept = free.pop()
            if kept.is_open:
                try:
                    return await self._exchange(port, kept, request, timeout_s)
                except StaleError:
                    continue
        try:
            _, fresh = await asyncio.get_running_loop().create_connection(_Link, "127.0.0.1", port)
        except OSError as error:
            self._free.pop(port, None)
            raise Unreachable(str(error)) from error
        try:
            return await self._exchange(port, fresh, request, timeout_s)
        except StaleError as error:
            raise BrokenOff("the server closed the connection") from error

    async def _exchange(self, port: int, link: _Link, request: bytes, timeout_s: float) -> Answer:
        answered = link.ask(request)
        late = asyncio.get_running_loop().call_later(timeout_s, _give_up, answered)
        try:
            answer = await answered
        except BaseException:
            link.close()
            raise
        finally:
            late.cancel()
        if link.is_open:
            self._free.setdefault(port, []).append(link)
        return answer


def _give_up(answered: asyncio.Future[Answer]) -> None:
    if not answered.done():
        answered.set_exception(TimeoutError())
