"""Lambda execution environments over HTTP: a child that polls a Runtime API, AWS's own interface client or another.

One listener per environment, since the client takes its whole address from AWS_LAMBDA_RUNTIME_API. This is the
contract, and what custom runtimes and Node.js use; `socket_sandboxes` is the same over a socket pair, for forks.
AWS_NAME: Lambda Runtime API 2018-06-01
SOURCE: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (read 2026-11-23)
DIFFERS: there are no extensions, no telemetry API and no streamed responses; the trace header is never sampled
"""

from __future__ import annotations

import json
import queue
import threading
import time
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from emulator.adapters import runtime_commands, sandbox_outcomes
from emulator.adapters.footprints import LOOK_EVERY_S, Footprint
from emulator.adapters.runtime_commands import Interpreters
from emulator.kernel.ports import InitStatus, Invocation, Outcome, Process, Sandbox, SandboxSpec, Spawner

TRACE = "Root=1-00000000-000000000000000000000000;Sampled=0"
_PATH = "/2018-06-01/runtime/"
_ASKS_AGAIN_WITHIN_S = 2.0


def invocation_headers(invocation: Invocation, deadline_ms: int) -> dict[str, str]:
    """What the runtime is told beside the event."""
    context = {"Lambda-Runtime-Client-Context": invocation.client_context} if invocation.client_context else {}
    return {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
        "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
        "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
        "Lambda-Runtime-Trace-Id": TRACE,
        **context,
    }


@dataclass
class _Current:
    invocation: Invocation
    deadline_ms: int
    answered: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None

    def answer(self, outcome: Outcome) -> None:
        if self.outcome is None:
            self.outcome = outcome
        self.answered.set()


class ProcessSandboxes:
    """Makes sandboxes as child processes, by the runtime that their function declares."""

    def __init__(self, spawner: Spawner, python: Path, node: Path | None = None) -> None:
        self._spawner = spawner
        self._interpreters = Interpreters(python, node)

    def start(self, spec: SandboxSpec) -> Sandbox:
        try:
            return ProcessSandbox(self._spawner, self._interpreters, spec)
        except runtime_commands.NoEntryPoint:
            return _NothingToStart()


class _NothingToStart:
    """What a custom runtime without a program is."""

    def initialize(self, timeout_s: float) -> InitStatus:
        return "error"

    def invoke(self, invocation: Invocation) -> Outcome:
        return sandbox_outcomes.no_entry_point(invocation.request_id)

    def is_ready(self) -> bool:
        return False

    def close(self) -> None:
        """There is nothing to end."""


class ProcessSandbox:
    """One environment: its process, and the Runtime API that the process polls."""

    def __init__(self, spawner: Spawner, interpreters: Interpreters, spec: SandboxSpec) -> None:
        self._waiting: queue.SimpleQueue[_Current | None] = queue.SimpleQueue()
        self._current: _Current | None = None
        self._init_error: Outcome | None = None
        self._initialized = threading.Event()
        self._asking = threading.Event()
        self._closed = False
        self._api = _RuntimeApi(self)
        try:
            self._process = self._spawn(spawner, interpreters, spec)
        except BaseException:
            self._api.close()
            raise
        self._footprint = Footprint(self._process.pid, self._process.wrappers, spec.memory_limit_bytes)
        threading.Thread(target=self._watch, name="sandbox-watch", daemon=True).start()

    def initialize(self, timeout_s: float) -> InitStatus:
        if not self._initialized.wait(timeout_s):
            self.close()
            return "timeout"
        return "error" if self._init_error or self._process.wait(0) is not None else "success"

    def invoke(self, invocation: Invocation) -> Outcome:
        if self._init_error:
            return self._init_error
        began = time.monotonic()
        current = _Current(invocation, int((time.time() + invocation.timeout_s) * 1000))
        self._current = current
        self._waiting.put(current)
        if self._process.wait(0) is not None:
            self._lost()
        outcome = self._answer(current, began + invocation.timeout_s)
        self._process.drain()
        if not self._footprint.look():
            self.close()
            outcome = sandbox_outcomes.out_of_memory(invocation.request_id)
        return replace(outcome, peak_bytes=self._footprint.peak_bytes)

    def _answer(self, current: _Current, deadline: float) -> Outcome:
        while not current.answered.wait(min(LOOK_EVERY_S, max(0.0, deadline - time.monotonic()))):
            if not self._footprint.look():
                self.close()
                return sandbox_outcomes.out_of_memory(current.invocation.request_id)
            if time.monotonic() >= deadline:
                self.close()
                return sandbox_outcomes.timed_out(current.invocation.request_id, current.invocation.timeout_s)
        assert current.outcome is not None
        return current.outcome

    def is_ready(self) -> bool:
        """A runtime that answered may end instead of asking again, as Node.js does after an uncaught exception."""
        self._asking.wait(_ASKS_AGAIN_WITHIN_S)
        return self._process.wait(0) is None

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._process.kill()
            self._footprint.close()
            self._waiting.put(None)
            self._api.close()

    def take(self) -> _Current | None:
        """The next invocation, for the runtime; waits for one. None: there will be no more."""
        self._initialized.set()
        self._asking.set()
        found = self._waiting.get()
        self._asking.clear()
        return found

    def answered(self, request_id: str, outcome: Outcome) -> bool:
        current = self._current
        if current is None or current.invocation.request_id != request_id:
            return False
        current.answer(outcome)
        return True

    def failed_to_start(self, body: bytes) -> None:
        """The runtime could not load the handler; every invocation gets its error."""
        self._init_error = Outcome(body, "Unhandled", is_environment_lost=True)
        self._initialized.set()
        if self._current:
            self._current.answer(self._init_error)

    def _spawn(self, spawner: Spawner, interpreters: Interpreters, spec: SandboxSpec) -> Process:
        address = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}"}
        return spawner.spawn(runtime_commands.command(interpreters, spec, address))

    def _watch(self) -> None:
        self._process.wait()
        self._initialized.set()
        self._asking.set()
        self._lost()

    def _lost(self) -> None:
        current = self._current
        if current and self._init_error:
            current.answer(self._init_error)
        elif current and not self._closed:
            current.answer(sandbox_outcomes.exited(current.invocation.request_id, self._process.wait(0)))


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, sandbox: ProcessSandbox) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sandbox = sandbox
        threading.Thread(target=self.serve_forever, name="runtime-api", daemon=True).start()

    def close(self) -> None:
        threading.Thread(target=self.shutdown, daemon=True).start()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A runtime that is killed while it polls drops its connection; that is no error of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # header and body in one segment: else Nagle and delayed ACKs cost 40 ms
    disable_nagle_algorithm = True
    server: _RuntimeApi

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent."""

    def do_GET(self) -> None:
        if self.path != f"{_PATH}invocation/next":
            self._refuse(404, "InvalidRequestPath", f"no such path: {self.path}")
            return
        current = self.server.sandbox.take()
        if current is None:
            self.close_connection = True
            return
        self._reply(200, current.invocation.payload, invocation_headers(current.invocation, current.deadline_ms))

    def do_POST(self) -> None:
        body = self._body()
        if self.path == f"{_PATH}init/error":
            self.server.sandbox.failed_to_start(body)
            self._reply(202, b'{"status":"OK"}')
            return
        request_id, _, verb = self.path.removeprefix(f"{_PATH}invocation/").partition("/")
        if verb not in ("response", "error"):
            self._refuse(404, "InvalidRequestPath", f"no such path: {self.path}")
            return
        error = self.headers.get("Lambda-Runtime-Function-Error-Type", "Unhandled") if verb == "error" else None
        if self.server.sandbox.answered(request_id, Outcome(body, error)):
            self._reply(202, b'{"status":"OK"}')
        else:
            self._refuse(400, "InvalidRequestID", "Invalid request ID")

    def _refuse(self, status: int, kind: str, message: str) -> None:
        body = json.dumps({"errorType": kind, "errorMessage": message}).encode()
        self._reply(status, body, {"Content-Type": "application/json"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
