"""The program inside a serving container: loads the user's script and answers /ping and /invocations.

AWS_NAME: SageMaker Inference Toolkit
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html (paths, status codes);
    github.com/aws/sagemaker-inference-toolkit 1.10, src/sagemaker_inference/{transformer,default_inference_handler,
    decoder,encoder,errors}.py (handler functions, their defaults, errors with a status_code), read 2026-11
DIFFERS: one process of many threads instead of workers; a ValueError of input_fn is the client's mistake (400).

Runs in a runner's environment, so it imports the standard library only (numpy for the defaults, when they are used).
"""

from __future__ import annotations

import gc
import importlib.util
import io
import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MODEL_DIR = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")
CODE_DIR = os.path.join(MODEL_DIR, "code")
ANY = "*/*"
_DRAIN_S = 10


class Refused(Exception):  # noqa: N818
    """A request that the client has to change; `status_code` says how, as in the toolkit's own errors."""

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


def decode(body: bytes, content_type: str) -> Any:
    """The toolkit's default input_fn."""
    import numpy as np

    kind = content_type.partition(";")[0].strip()
    if kind == "application/json":
        return np.array(json.loads(body))
    if kind == "text/csv":
        return np.genfromtxt(io.StringIO(body.decode()), delimiter=",")
    if kind == "application/x-npy":
        return np.load(io.BytesIO(body), allow_pickle=False)
    raise Refused(415, f"Content type {content_type} is not supported by this model.")


def encode(prediction: Any, accept: str) -> tuple[bytes, str]:
    """The toolkit's default output_fn."""
    import numpy as np

    if accept in ("application/json", ANY):
        return json.dumps(np.asarray(prediction).tolist()).encode(), "application/json"
    packed = io.BytesIO()
    if accept == "text/csv":
        np.savetxt(packed, np.atleast_1d(np.asarray(prediction)), delimiter=",", fmt="%s")
    elif accept == "application/x-npy":
        np.save(packed, np.asarray(prediction), allow_pickle=False)
    else:
        raise Refused(406, f"Accept type {accept} is not supported by this model.")
    return packed.getvalue(), accept


class Transformer:
    """The user's handler functions, with the toolkit's defaults where the script has none."""

    def __init__(self, module: Any) -> None:
        own = vars(module)
        self._transform: Callable[..., Any] | None = own.get("transform_fn")
        self._input: Callable[..., Any] = own.get("input_fn", decode)
        self._predict: Callable[..., Any] = own.get("predict_fn", lambda data, model: model.predict(data))
        self._output: Callable[..., Any] = own.get("output_fn", encode)
        if self._transform and {"input_fn", "predict_fn", "output_fn"} & own.keys():
            raise TypeError("Cannot use transform_fn in combination with input_fn, predict_fn, and/or output_fn.")
        self._model = own["model_fn"](MODEL_DIR)

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[bytes, str]:
        if self._transform:
            result = self._transform(self._model, body, content_type, accept)
        else:
            result = self._output(self._predict(self._read(body, content_type), self._model), accept)
        payload, kind = result if isinstance(result, tuple) else (result, accept)
        return (payload.encode() if isinstance(payload, str) else bytes(payload)), kind

    def _read(self, body: bytes, content_type: str) -> Any:
        is_text = content_type.startswith(("text/", "application/json"))
        try:
            return self._input(body.decode() if is_text and self._input is not decode else body, content_type)
        except ValueError as error:
            raise Refused(getattr(error, "status_code", 400), str(error)) from error


class Server(ThreadingHTTPServer):
    """Counts requests in flight, so that SIGTERM lets them end."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, transformer_of: Callable[[], Transformer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._idle = threading.Condition()
        self._in_flight = 0
        self._transformer_of = transformer_of

    def load(self) -> None:
        self.transformer = self._transformer_of()
        gc.collect()
        gc.freeze()

    def answer(self, body: bytes, content_type: str, accept: str) -> tuple[int, bytes, str]:
        with self._idle:
            self._in_flight += 1
        try:
            return 200, *self.transformer.answer(body, content_type, accept)
        except Exception as error:
            return self._told(error)
        finally:
            with self._idle:
                self._in_flight -= 1
                self._idle.notify_all()

    def _told(self, error: Exception) -> tuple[int, bytes, str]:
        """The toolkit's own errors carry the status of the answer; any other is the server's fault."""
        status = getattr(error, "status_code", None)
        if isinstance(status, int):
            return status, str(error).encode(), "text/plain"
        traceback.print_exc()
        return 500, f"{type(error).__name__}: {error}".encode(), "text/plain"

    def drain(self) -> None:
        self.socket.close()
        with self._idle:
            self._idle.wait_for(lambda: self._in_flight == 0, _DRAIN_S)
        os._exit(0)


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with kept connections; each answer leaves in one segment."""

    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._send(200 if self.path == "/ping" else 404, b"", "text/plain")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/invocations":
            self._send(404, b"", "text/plain")
            return
        accept = self.headers.get("Accept") or ANY
        if accept == ANY:
            accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "application/json"
        self._send(*self.server.answer(body, self.headers.get("Content-Type") or "application/json", accept))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """No access log."""

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        attributes = self.headers.get("X-Amzn-SageMaker-Custom-Attributes")
        if attributes:
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", attributes)
        self.end_headers()
        self.wfile.write(body)


def load_module() -> Any:
    """The user's script, with its own directory first on the path."""
    directory = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or CODE_DIR
    program = os.environ.get("SAGEMAKER_PROGRAM") or "inference.py"
    path = os.path.join(directory, program)
    if not os.path.isfile(path):
        raise FileNotFoundError(
            f"no inference script {path}; name it in SAGEMAKER_PROGRAM. Built-in serving is not emulated yet"
        )
    if os.path.exists(os.path.join(directory, "requirements.txt")):
        raise RuntimeError(f"{directory}/requirements.txt: installing packages is not emulated yet")
    sys.path.insert(0, directory)
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Bind, say where, load, serve. Who connects meanwhile waits in the queue of the socket."""
    server = Server(lambda: Transformer(load_module()))
    print(f"{sys.argv[1]} {server.server_port}", flush=True)
    server.load()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.drain).start())
    server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.serve_forever(poll_interval=3600)


if __name__ == "__main__":
    main()
