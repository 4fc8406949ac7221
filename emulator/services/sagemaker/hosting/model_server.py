"""The program inside a serving container: loads the user's script and answers /ping, /invocations and /models.

AWS_NAME: SageMaker Inference Toolkit
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html (paths, status codes);
    github.com/aws/sagemaker-inference-toolkit 1.10, src/sagemaker_inference/{transformer,default_inference_handler,
    decoder,encoder,errors}.py (handler functions, their defaults, errors with a status_code); mms-container-apis.html
    (loading, listing, unloading and invoking models; 404, 409, 507), read 2026-11
DIFFERS: one process of many threads instead of workers; a ValueError of input_fn is the client's mistake (400). The
    memory of an instance is not emulated: a model beyond EMULATOR_MODELS_MAX (50) is answered with 507.

Runs in a runner's environment, so it imports the standard library only (numpy for the defaults, when they are used).
"""

from __future__ import annotations

import gc
import importlib.util
import io
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from http import HTTPStatus
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

MODEL_DIR = os.environ.get("SM_MODEL_DIR", "/opt/ml/model")
ANY = "*/*"
MODELS_MAX = int(os.environ.get("EMULATOR_MODELS_MAX", "50"))
DEFAULT_ACCEPT = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or "application/json"
_DRAIN_S = 10
_LINE_MAX = 65536
_KNOWN_STATUSES = frozenset(HTTPStatus)


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
    """The user's handler functions; the image's or the toolkit's defaults where the script has none."""

    def __init__(self, module: Any, defaults: Any, model_dir: str) -> None:
        own, given = vars(module), vars(defaults) if defaults else {}
        self._transform: Callable[..., Any] | None = own.get("transform_fn")
        self._input: Callable[..., Any] = own.get("input_fn") or given.get("input_fn") or decode
        self._predict: Callable[..., Any] = own.get("predict_fn") or given.get("predict_fn") or predict
        self._output: Callable[..., Any] = own.get("output_fn", encode)
        if module is not defaults and self._transform and {"input_fn", "predict_fn", "output_fn"} & own.keys():
            raise TypeError("Cannot use transform_fn in combination with input_fn, predict_fn, and/or output_fn.")
        self._model = own["model_fn"](model_dir)

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


Answer = tuple[int, bytes, str]
"""Status, body, content type."""


class Server(ThreadingTCPServer):
    """Holds models by name (the only one has none), and counts requests in flight, so that SIGTERM lets them end."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, transformer_of: Callable[[str], Transformer]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._idle = threading.Condition()
        self._in_flight = 0
        self._transformer_of = transformer_of
        self.models: dict[str, tuple[str, Transformer]] = {}

    def load(self, name: str, model_dir: str) -> None:
        self.models[name] = (model_dir, self._transformer_of(model_dir))
        gc.collect()
        gc.freeze()

    def load_more(self, request: bytes) -> Answer:
        """POST /models"""
        asked = json.loads(request)
        name = asked["model_name"]
        if name in self.models:
            return 409, f"Model {name} is already loaded.".encode(), "text/plain"
        if len(self.models) >= MODELS_MAX:
            return 507, b"Insufficient memory to load another model.", "text/plain"
        try:
            self.load(name, asked["url"])
        except MemoryError:
            return 507, b"Insufficient memory to load another model.", "text/plain"
        except Exception as error:
            return self._told(error)
        return 200, json.dumps({"status": f"Model {name} loaded."}).encode(), "application/json"

    def listed(self, name: str | None = None) -> Answer:
        """GET /models and GET /models/{name}"""
        found = {key: model for key, model in self.models.items() if name in (None, key)}
        if name is not None and not found:
            return missing(name)
        rows = [{"modelName": key, "modelUrl": url} for key, (url, _) in found.items()]
        return 200, json.dumps(rows[0] if name else {"models": rows}).encode(), "application/json"

    def unload(self, name: str) -> Answer:
        """DELETE /models/{name}"""
        return (200, b"{}", "application/json") if self.models.pop(name, None) else missing(name)

    def answer(self, name: str, body: bytes, content_type: str, accept: str) -> Answer:
        model = self.models.get(name)
        if model is None:
            return missing(name)
        with self._idle:
            self._in_flight += 1
        try:
            return 200, *model[1].answer(body, content_type, accept)
        except Exception as error:
            return self._told(error)
        finally:
            with self._idle:
                self._in_flight -= 1
                self._idle.notify_all()

    def _told(self, error: Exception) -> Answer:
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


class Handler(StreamRequestHandler):
    """HTTP/1.1 with kept connections, as far as SageMaker speaks it to containers; an answer leaves in one segment.

    http.server would spend as long on the headers of a request as a model on its row.
    """

    server: Server
    disable_nagle_algorithm = True

    def handle(self) -> None:
        try:
            while self._serve_one():
                pass
        except (ConnectionError, ValueError):
            return  # the client has gone, or speaks no HTTP

    def _serve_one(self) -> bool:
        """Whether the connection stays."""
        words = self.rfile.readline(_LINE_MAX).split()
        if len(words) != 3:
            return False
        method, path = words[0].decode("latin-1"), words[1].decode("latin-1")
        headers = self._headers()
        body = self.rfile.read(int(headers.get(b"content-length", b"0")))
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            self._send(headers, 411, b"a Content-Length is needed", "text/plain")
            return False
        self._send(headers, *self._answer(method, path, headers, body))
        return headers.get(b"connection", b"").lower() != b"close"

    def _headers(self) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        while line := self.rfile.readline(_LINE_MAX).rstrip(b"\r\n"):
            name, _, value = line.partition(b":")
            found[name.lower()] = value.strip()
        return found

    def _answer(self, method: str, path: str, headers: dict[bytes, bytes], body: bytes) -> Answer:
        name = "" if path == "/invocations" else _model_in(path, "models", "invoke")
        match method:
            case "POST" if path == "/models":
                return self.server.load_more(body)
            case "POST" if name is not None:
                accept = headers.get(b"accept", b"").decode("latin-1") or ANY
                if accept == ANY:
                    accept = DEFAULT_ACCEPT
                kind = headers.get(b"content-type", b"").decode("latin-1") or "application/json"
                return self.server.answer(name, body, kind, accept)
            case "GET" if path == "/ping":
                return 200, b"", "text/plain"
            case "GET" if path == "/models":
                return self.server.listed()
            case "GET" if (asked := _model_in(path, "models")) is not None:
                return self.server.listed(asked)
            case "DELETE" if (asked := _model_in(path, "models")) is not None:
                return self.server.unload(asked)
        return 404, b"", "text/plain"

    def _send(self, headers: dict[bytes, bytes], status: int, body: bytes, kind: str) -> None:
        attributes = headers.get(b"x-amzn-sagemaker-custom-attributes")
        more = b"X-Amzn-SageMaker-Custom-Attributes: %s\r\n" % attributes if attributes else b""
        reason = HTTPStatus(status).phrase if status in _KNOWN_STATUSES else ""
        head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        self.request.sendall(b"".join((head.encode("latin-1", "replace"), more, b"\r\n", body)))


def _model_in(path: str, *around: str) -> str | None:
    """The name in /models/{name} or /models/{name}/invoke; None when the path is another."""
    parts = path.strip("/").split("/")
    is_it = len(parts) == len(around) + 1 and (parts[0], *parts[2:]) == around
    return parts[1] if is_it else None


def missing(name: str) -> Answer:
    return 404, f"Model {name} is not loaded.".encode(), "text/plain"


def predict(data: Any, model: Any) -> Any:
    """The toolkit's default predict_fn."""
    return model.predict(data)


def load_module(model_dir: str, defaults: Any) -> Any:
    """The user's script, with its own directory first on the path; the image's own handlers when there is none."""
    directory = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY") or os.path.join(model_dir, "code")
    program = os.environ.get("SAGEMAKER_PROGRAM")
    path = os.path.join(directory, program or "inference.py")
    if not os.path.isfile(path):
        if defaults and not program:
            return defaults
        raise FileNotFoundError(f"no inference script {path}; name it in SAGEMAKER_PROGRAM")
    if os.path.exists(os.path.join(directory, "requirements.txt")):
        raise RuntimeError(f"{directory}/requirements.txt: installing packages is not emulated yet")
    sys.path.insert(0, directory)
    return module_at(path, os.path.splitext(os.path.basename(path))[0])


def module_at(path: str, name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Bind, say where, load, serve. Who connects meanwhile waits in the queue of the socket.

    Arguments: the marker of the line that says the port, and the image's own handlers where it has any.
    """
    handlers = sys.argv[2:3]
    defaults = module_at(handlers[0], "image_handlers") if handlers else None
    server = Server(lambda model_dir: Transformer(load_module(model_dir, defaults), defaults, model_dir))
    print(f"{sys.argv[1]} {server.server_address[1]}", flush=True)
    if os.environ.get("SAGEMAKER_MULTI_MODEL") != "true":
        server.load("", MODEL_DIR)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.drain).start())
    server.serve_forever(poll_interval=3600)


if __name__ == "__main__":
    main()
