"""`python model_server.py MODEL_DIR`: serve an unpacked model archive with its own code, as a container would.

Runs in the image's own environment, prints its port, and ends when its standard input does.
"""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(sys.argv[1]) / "code"))
import inference

MODEL: Any = inference.model_fn(sys.argv[1])


class Container(BaseHTTPRequestHandler):
    """POST /invocations."""

    def do_POST(self) -> None:
        """Answer with the handlers' text, or with the status of their error."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = self.headers["Content-Type"]
        try:
            answer, kind = inference.output_fn(inference.predict_fn(inference.input_fn(body, kind), MODEL), "*/*")
            status = 200
        except Exception as exc:
            status, answer, kind = getattr(exc, "status_code", 500), str(exc), "text/plain"
        content = answer.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class's name
        """Say nothing."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Container)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
    os._exit(0)
