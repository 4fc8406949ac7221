"""AWS's Python runtime client over a socket that the child inherits, instead of its native HTTP client.

Only `runtime_client` is ours, the four functions that awslambdaric keeps in C; what a function sees (errors, logs,
context) stays Amazon's. The native module reads its address when imported, so it cannot be loaded ahead of a fork.
A frame is two lengths, a JSON head, a body: down comes an invocation, up goes `ready` once, when the function is
loaded, then `response` or `error`; or `init_error`.

SOURCE: awslambdaric 4.2.2, lambda_runtime_client.py (what it asks of `runtime_client`), read 2026-11.
Run in the runner for Python functions: standard library and awslambdaric only.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import types
from collections.abc import Callable
from typing import Any

_DEADLINE = "Lambda-Runtime-Deadline-Ms"


class Runtime:
    """The child's end of the socket."""

    def __init__(self, stream: socket.socket, shared_bytes: int) -> None:
        self._file = stream.makefile("rwb")
        self._shared_bytes = shared_bytes
        self._is_ready = False

    def next(self) -> tuple[bytes, dict[str, Any]]:
        """The next invocation; the process ends when there will be none."""
        if not self._is_ready:
            self._is_ready = True
            self._send({"kind": "ready", "shared_bytes": self._shared_bytes}, b"")
        sizes = self._file.read(8)
        if len(sizes) < 8:
            os._exit(0)
        head_size, body_size = struct.unpack("!II", sizes)
        head = json.loads(self._file.read(head_size))
        head[_DEADLINE] = int(head[_DEADLINE])  # the native client's type
        return self._file.read(body_size), head

    def post_invocation_result(
        self, request_id: str, body: bytes, content_type: str = "", invocation: Any = None
    ) -> None:
        self._send({"kind": "response", "id": request_id}, body)

    def post_error(self, request_id: str, body: str | bytes, xray_fault: str = "", invocation: Any = None) -> None:
        raw = body.encode() if isinstance(body, str) else body
        self._send({"kind": "error", "id": request_id}, raw)

    def post_init_error(self, error: dict[str, Any]) -> None:
        from awslambdaric.lambda_runtime_marshaller import to_json

        self._send({"kind": "init_error"}, to_json(error).encode())

    def _send(self, head: dict[str, Any], body: bytes) -> None:
        raw = json.dumps(head).encode()
        self._file.write(struct.pack("!II", len(raw), len(body)) + raw + body)
        self._file.flush()


def install() -> types.ModuleType:
    """Put a stand-in where awslambdaric looks for its native module. To be done before awslambdaric is imported."""
    module = types.ModuleType("runtime_client")
    module.__dict__["initialize_client"] = lambda user_agent: None
    sys.modules["runtime_client"] = module
    return module


def serve(handler: str, stream: socket.socket, shared_bytes: int) -> None:
    """Be the function's runtime until it ends; `shared_bytes` are mapped already and not the function's."""
    from awslambdaric import bootstrap, lambda_runtime_client

    runtime = Runtime(stream, shared_bytes)
    module = sys.modules["runtime_client"]
    for name in ("next", "post_invocation_result", "post_error"):
        setattr(module, name, getattr(runtime, name))
    client = lambda_runtime_client.LambdaRuntimeClient("")
    report: Callable[..., None] = lambda error, kind=None: runtime.post_init_error(error)  # noqa: E731
    client.post_init_error = report
    bootstrap.run(handler, client)


def run(request: dict[str, Any], base: Any, fd: int) -> None:
    """In a fork: `python -m awslambdaric handler` in the function's directory, over our socket."""
    program: Any = sys.modules["_driftloop_forked_program"]
    directory, own = os.getcwd(), os.environ["PYTHONPATH"].split(os.pathsep)
    if any(map(base.shadowing, own)):  # the function brings its own boto3, say, or one of its layers
        os.set_inheritable(fd, True)
        argv = [request["argv"][0], "-P", os.path.abspath(__file__), str(fd), *request["words"]]
        program.run_fresh({**request, "argv": argv})
    sys.path[:] = [directory, *own, *base.path]  # -m and PYTHONPATH
    sys.argv[:] = ["awslambdaric", *request["words"]]
    program.new_main()
    program.end(lambda: serve(request["words"][0], socket.socket(fileno=fd), _mapped_bytes()), base)


def _mapped_bytes() -> int:
    """The resident memory that a fork begins with: its parent's pages."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """In a fresh process, for functions that bring their own copies of what a fork has loaded."""
    sys.path[:0] = [os.getcwd()]
    install()
    serve(sys.argv[2], socket.socket(fileno=int(sys.argv[1])), shared_bytes=0)


if __name__ == "__main__":
    main()
