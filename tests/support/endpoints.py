"""SageMaker's runtime on loopback, before a real model: what the step scripts ask as callers of an endpoint do."""

import http.client
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.scripts import ROOT, XGBOOST, python

PAYLOAD_MAX_BYTES = 6 * 1024 * 1024


@dataclass(frozen=True)
class Ask:
    """A request to an endpoint.

    Attributes:
        access_key: whose signature it has.
    """

    body: bytes
    content_type: str
    access_key: str = ""


@dataclass(frozen=True)
class Reply:
    """What a container answers."""

    status: int
    content_type: str
    body: bytes

    def predictions(self) -> list[float]:
        """The numbers in it."""
        if self.content_type == "text/csv":
            return [float(line) for line in self.body.split()]
        return list(json.loads(self.body)["predictions"])

    def with_predictions(self, values: list[float]) -> "Reply":
        """The same answer with other numbers."""
        is_csv = self.content_type == "text/csv"
        text = "".join(f"{value}\n" for value in values) if is_csv else json.dumps({"predictions": values})
        return Reply(self.status, self.content_type, text.encode())


Container = Callable[[Ask], Reply]
Fault = Callable[[Ask, Container], Reply]


def sound(ask: Ask, container: Container) -> Reply:
    """Nothing is wrong."""
    return container(ask)


@contextmanager
def container(model_dir: Path) -> Iterator[Container]:
    """The archive's own code in its image, in a process of its own."""
    words = [str(python(XGBOOST)), str(ROOT / "tests/support/model_server.py"), str(model_dir)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())

        def ask(request: Ask) -> Reply:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            connection.request("POST", "/invocations", request.body, {"Content-Type": request.content_type})
            response = connection.getresponse()
            reply = Reply(response.status, response.headers["Content-Type"], response.read())
            connection.close()
            return reply

        yield ask
        process.stdin.close()


@contextmanager
def runtime(container: Container, fault: Fault = sound, variant: str = "champion") -> Iterator[str]:
    """InvokeEndpoint, with AWS's limit and its wrapping of a container's errors; yields its URL."""

    class Runtime(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # headers and body in one packet: two wait for each other

        def do_POST(self) -> None:
            """Answer as SageMaker does."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if len(body) > PAYLOAD_MAX_BYTES:
                return self._refuse(413, "ValidationError", {"Message": f"Request body of {len(body)} bytes"})
            signer = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
            reply = fault(Ask(body, self.headers["Content-Type"], signer), container)
            if reply.status >= 400:
                fields = {"OriginalStatusCode": reply.status, "OriginalMessage": reply.body.decode()}
                return self._refuse(424, "ModelError", {"Message": "Received an error from primary", **fields})
            headers = {"Content-Type": reply.content_type, "x-Amzn-Invoked-Production-Variant": variant}
            return self._send(200, headers, reply.body)

        def _refuse(self, status: int, code: str, fields: dict[str, object]) -> None:
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
            self._send(status, headers, json.dumps(fields).encode())

        def _send(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class's name
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Runtime)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
