"""Lambda execution environments over HTTP: a child running AWS's own runtime interface client against a Runtime API.

One listener per environment, since the client takes its whole address from AWS_LAMBDA_RUNTIME_API. This is the
contract; `socket_sandboxes` is the same over a socket pair, for forks.
SOURCE: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (read 2026-11-23).
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from emulator.kernel.ports import Command, Mount, Outcome, Process, SandboxSpec, Spawner

TASK_ROOT = "/var/task"


@dataclass
class _Invocation:
    request_id: str
    payload: bytes
    deadline_ms: int
    answered: threading.Event = field(default_factory=threading.Event)
    outcome: Outcome | None = None

    def answer(self, outcome: Outcome) -> None:
        if self.outcome is None:
            self.outcome = outcome
        self.answered.set()


class ProcessSandboxes:
    """Makes sandboxes as child processes of the environment for Python functions."""

    def __init__(self, spawner: Spawner, python: Path) -> None:
        self._spawner = spawner
        self._python = python

    def start(self, spec: SandboxSpec) -> ProcessSandbox:
        return ProcessSandbox(self._spawner, self._python, spec)


class ProcessSandbox:
    """One environment: its process, and the Runtime API that the process polls."""

    def __init__(self, spawner: Spawner, python: Path, spec: SandboxSpec) -> None:
        self._spec = spec
        self._waiting: queue.SimpleQueue[_Invocation | None] = queue.SimpleQueue()
        self._current: _Invocation | None = None
        self._init_error: Outcome | None = None
        self._closed = False
        self._api = _RuntimeApi(self)
        self._process = self._spawn(spawner, python)
        threading.Thread(target=self._watch, name="sandbox-watch", daemon=True).start()

    def invoke(self, request_id: str, payload: bytes, timeout_s: float) -> Outcome:
        if self._init_error:
            return self._init_error
        invocation = _Invocation(request_id, payload, int((time.time() + timeout_s) * 1000))
        self._current = invocation
        self._waiting.put(invocation)
        if self._process.wait(0) is not None:
            self._lost()
        if not invocation.answered.wait(timeout_s):
            self.close()
            return timed_out(request_id, timeout_s)
        assert invocation.outcome is not None
        return invocation.outcome

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._process.kill()
            self._waiting.put(None)
            self._api.close()

    def take(self) -> _Invocation | None:
        """The next invocation, for the runtime; waits for one. None: there will be no more."""
        return self._waiting.get()

    def answered(self, request_id: str, outcome: Outcome) -> bool:
        current = self._current
        if current is None or current.request_id != request_id:
            return False
        current.answer(outcome)
        return True

    def failed_to_start(self, body: bytes) -> None:
        """The runtime could not load the handler; every invocation gets its error."""
        self._init_error = Outcome(body, "Unhandled", is_environment_lost=True)
        if self._current:
            self._current.answer(self._init_error)

    def _spawn(self, spawner: Spawner, python: Path) -> Process:
        address = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}"}
        return spawner.spawn(runtime_command(python, self._spec, address))

    def _watch(self) -> None:
        self._process.wait()
        self._lost()

    def _lost(self) -> None:
        current = self._current
        if current and self._init_error:
            current.answer(self._init_error)
        elif current and not self._closed:
            current.answer(exited(current.request_id, self._process.wait(0)))


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, sandbox: ProcessSandbox) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.sandbox = sandbox
        self.arn = sandbox._spec.function_arn
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
        if not self.path.endswith("/runtime/invocation/next"):
            self._reply(404, b"")
            return
        invocation = self.server.sandbox.take()
        if invocation is None:
            self.close_connection = True
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self.server.arn,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }
        self._reply(200, invocation.payload, headers)

    def do_POST(self) -> None:
        body = self._body()
        if self.path.endswith("/runtime/init/error"):
            self.server.sandbox.failed_to_start(body)
            self._reply(202, b'{"status":"OK"}')
            return
        request_id, verb = self.path.rsplit("/", 2)[1:]
        error = self.headers.get("Lambda-Runtime-Function-Error-Type", "Unhandled") if verb == "error" else None
        is_known = self.server.sandbox.answered(request_id, Outcome(body, error))
        self._reply(202 if is_known else 400, b'{"status":"OK"}')

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


def runtime_command(python: Path, spec: SandboxSpec, more_env: Mapping[str, str]) -> Command:
    """What runs a function's runtime: AWS's interface client in the function's own directory."""
    own = {"_HANDLER": spec.handler, "LAMBDA_TASK_ROOT": TASK_ROOT, "PYTHONPATH": TASK_ROOT}
    return Command(
        argv=(str(python), "-m", "awslambdaric", spec.handler),
        env={**spec.env, **more_env, **own},
        on_line=spec.on_line,
        cwd=TASK_ROOT,
        mounts=(Mount(spec.code_dir, TASK_ROOT, is_read_only=True),),
    )


def timed_out(request_id: str, timeout_s: float) -> Outcome:
    """The function ran longer than it may."""
    message = f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    return Outcome(_error("Sandbox.Timedout", message), "Unhandled", is_environment_lost=True)


def exited(request_id: str, code: int | None) -> Outcome:
    """The runtime's process ended instead of answering."""
    how = f"signal: {-code}" if code is not None and code < 0 else f"exit status {code}"
    message = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
    return Outcome(_error("Runtime.ExitError", message), "Unhandled", is_environment_lost=True)


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
