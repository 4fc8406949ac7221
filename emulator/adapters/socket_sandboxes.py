"""Lambda execution environments over a socket pair: forks that speak to us directly, 0.2 ms an invocation.

The calling thread writes the invocation and reads the answer; no server, no queue. What a fork cannot serve (a server
that is not up, variables that are read when libraries load) gets an environment over HTTP.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from pathlib import Path

from emulator.adapters.forking import ForkingSpawner
from emulator.adapters.sandboxes import ProcessSandboxes, exited, runtime_command, timed_out
from emulator.kernel.ports import Outcome, Process, Sandbox, SandboxSpec

_LAST_WORDS_S = 5.0


class SocketSandboxes:
    """Makes sandboxes as forks, and over HTTP where that cannot be."""

    def __init__(self, spawner: ForkingSpawner, python: Path) -> None:
        self.spawner = spawner
        self._python = python
        self._over_http = ProcessSandboxes(spawner, python)

    def start(self, spec: SandboxSpec) -> Sandbox:
        ours, theirs = socket.socketpair()
        with theirs:
            command = runtime_command(self._python, spec, {"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001"})
            process = self.spawner.spawn_function(command, spec.handler, theirs.fileno())
        if process is None:
            ours.close()
            return self._over_http.start(spec)
        return SocketSandbox(spec, process, ours)


class SocketSandbox:
    """One environment: its process and our end of its socket."""

    def __init__(self, spec: SandboxSpec, process: Process, stream: socket.socket) -> None:
        self._arn = spec.function_arn
        self._process = process
        self._socket = stream
        self._init_error: Outcome | None = None

    def invoke(self, request_id: str, payload: bytes, timeout_s: float) -> Outcome:
        if self._init_error:
            return self._init_error
        deadline = time.monotonic() + timeout_s
        try:
            self._send(request_id, payload, timeout_s)
            head, body = self._receive(deadline)
        except TimeoutError:
            self.close()
            return timed_out(request_id, timeout_s)
        except (OSError, EOFError):
            return exited(request_id, self._process.wait(_LAST_WORDS_S))
        self._process.drain()
        return self._outcome(head, body)

    def close(self) -> None:
        self._process.kill()
        self._socket.close()

    def _outcome(self, head: dict[str, str], body: bytes) -> Outcome:
        match head["kind"]:
            case "response":
                return Outcome(body)
            case "error":
                return Outcome(body, "Unhandled")
        self._init_error = Outcome(body, "Unhandled", is_environment_lost=True)
        return self._init_error

    def _send(self, request_id: str, payload: bytes, timeout_s: float) -> None:
        head = json.dumps(
            {
                "Content-Type": "application/json",
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout_s) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": self._arn,
                "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
            }
        ).encode()
        self._socket.settimeout(timeout_s)
        try:
            self._socket.sendall(struct.pack("!II", len(head), len(payload)) + head + payload)
        except (BrokenPipeError, ConnectionResetError):
            return  # it has ended; it may have said why before

    def _receive(self, deadline: float) -> tuple[dict[str, str], bytes]:
        head_size, body_size = struct.unpack("!II", self._read(8, deadline))
        head: dict[str, str] = json.loads(self._read(head_size, deadline))
        return head, self._read(body_size, deadline)

    def _read(self, size: int, deadline: float) -> bytes:
        found = bytearray()
        while len(found) < size:
            self._socket.settimeout(max(0.000_001, deadline - time.monotonic()))
            part = self._socket.recv(min(size - len(found), 1 << 20))
            if not part:
                raise EOFError
            found += part
        return bytes(found)
