"""Lambda execution environments over a socket pair: forks that speak to us directly, 0.2 ms an invocation.

The calling thread writes the invocation and reads the answer; no server, no queue. What a fork cannot serve (a server
that is not up, variables that are read when libraries load) gets an environment over HTTP.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulator.adapters import runtime_commands, sandbox_outcomes
from emulator.adapters.footprints import LOOK_EVERY_S, Footprint
from emulator.adapters.forking import ForkingSpawner
from emulator.adapters.runtime_commands import Interpreters
from emulator.adapters.sandboxes import ProcessSandboxes, invocation_headers
from emulator.kernel.ports import InitStatus, Invocation, Outcome, Process, Sandbox, SandboxSpec

_LAST_WORDS_S = 5.0


class _OutOfMemory(Exception):  # noqa: N818
    """The environment has more than it may."""


class SocketSandboxes:
    """Makes sandboxes as forks, and over HTTP where that cannot be."""

    def __init__(self, spawner: ForkingSpawner, python: Path, node: Path | None = None) -> None:
        self.spawner = spawner
        self._interpreters = Interpreters(python, node)
        self._over_http = ProcessSandboxes(spawner, python, node)

    def start(self, spec: SandboxSpec) -> Sandbox:
        if not spec.runtime.startswith("python"):
            return self._over_http.start(spec)
        ours, theirs = socket.socketpair()
        with theirs:
            command = runtime_commands.command(self._interpreters, spec, {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"})
            process = self.spawner.spawn_function(command, spec.handler, theirs.fileno())
        if process is None:
            ours.close()
            return self._over_http.start(spec)
        return SocketSandbox(spec, process, ours)


class SocketSandbox:
    """One environment: its process and our end of its socket."""

    def __init__(self, spec: SandboxSpec, process: Process, stream: socket.socket) -> None:
        self._process = process
        self._socket = stream
        self._footprint = Footprint(process.pid, process.wrappers, spec.memory_limit_bytes)
        self._is_ready = False
        self._init_error: Outcome | None = None

    def initialize(self, timeout_s: float) -> InitStatus:
        try:
            head, body = self._receive(time.monotonic() + timeout_s)
        except TimeoutError:
            self.close()
            return "timeout"
        except (OSError, EOFError, _OutOfMemory):
            return "error"  # the first invocation finds out
        if head["kind"] == "ready":
            self._footprint.forked(head["shared_bytes"])
            self._is_ready = True
            return "success"
        self._process.drain()
        self._init_error = Outcome(body, "Unhandled", is_environment_lost=True)
        return "error"

    def invoke(self, invocation: Invocation) -> Outcome:
        deadline = time.monotonic() + invocation.timeout_s
        outcome = self._initialized(invocation) or self._run(invocation, deadline)
        if not self._footprint.look():
            self.close()
            outcome = sandbox_outcomes.out_of_memory(invocation.request_id)
        return replace(outcome, peak_bytes=self._footprint.peak_bytes)

    def is_ready(self) -> bool:
        return self._process.wait(0) is None

    def close(self) -> None:
        self._process.kill()
        self._footprint.close()
        self._socket.close()

    def _initialized(self, invocation: Invocation) -> Outcome | None:
        """What answers instead of the function when there is nothing to run it."""
        if not self._is_ready and not self._init_error and self.initialize(invocation.timeout_s) == "timeout":
            return sandbox_outcomes.timed_out(invocation.request_id, invocation.timeout_s)
        return self._init_error

    def _run(self, invocation: Invocation, deadline: float) -> Outcome:
        request_id = invocation.request_id
        try:
            self._send(invocation, deadline)
            head, body = self._receive(deadline)
        except TimeoutError:
            self.close()
            return sandbox_outcomes.timed_out(request_id, invocation.timeout_s)
        except _OutOfMemory:
            self.close()
            return sandbox_outcomes.out_of_memory(request_id)
        except (OSError, EOFError):
            return sandbox_outcomes.exited(request_id, self._process.wait(_LAST_WORDS_S))
        self._process.drain()
        return Outcome(body, None if head["kind"] == "response" else "Unhandled")

    def _send(self, invocation: Invocation, deadline: float) -> None:
        left_s = max(0.000_001, deadline - time.monotonic())
        head = json.dumps(invocation_headers(invocation, int((time.time() + left_s) * 1000))).encode()
        self._socket.settimeout(left_s)
        frame = struct.pack("!II", len(head), len(invocation.payload)) + head + invocation.payload
        try:
            self._socket.sendall(frame)
        except (BrokenPipeError, ConnectionResetError):
            return  # it has ended; it may have said why before

    def _receive(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        head_size, body_size = struct.unpack("!II", self._read(8, deadline))
        head: dict[str, Any] = json.loads(self._read(head_size, deadline))
        return head, self._read(body_size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        found = bytearray()
        while len(found) < size:
            part = self._part(size - len(found), deadline)
            if not part:
                raise EOFError
            found += part
        return bytes(found)

    def _part(self, size: int, deadline: float) -> bytes:
        """Some bytes, with a look at the memory from time to time while none come."""
        while (left_s := deadline - time.monotonic()) > 0:
            self._socket.settimeout(min(left_s, LOOK_EVERY_S))
            try:
                return self._socket.recv(min(size, 1 << 20))
            except TimeoutError:
                if not self._footprint.look():
                    raise _OutOfMemory from None
        raise TimeoutError
