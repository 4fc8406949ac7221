"""The WSGI environ of a request for moto, made directly: werkzeug's builder costs a tenth of a PutObject.

Raw path and query are those of the request; what WSGI wants decoded is decoded as werkzeug does it.
"""

from __future__ import annotations

import io
import sys
from typing import Any
from urllib.parse import unquote_to_bytes

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)

from emulator.adapters.wire import HttpRequest

_FIXED: dict[str, Any] = {
    "SCRIPT_NAME": "",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.multiprocess": False,
    "wsgi.multithread": False,
    "wsgi.run_once": False,
    "wsgi.url_scheme": "http",
    "wsgi.version": (1, 0),
}


def of(request: HttpRequest) -> dict[str, Any]:
    """The environ. A body that is a blob goes another way: here it is empty."""
    body = request.body if isinstance(request.body, bytes) else b""
    name, _, port = request.host.partition(":")
    headers = {key: text for key, text in request.headers.items() if key.lower() != "transfer-encoding"}
    environ = {
        **_FIXED,
        **{environ_key_for_header(key): text for key, text in headers.items()},
        PRESERVED_HEADER_NAMES_ENVIRON_KEY: {
            environ_key_for_header(key): key for key in headers if should_preserve_original_header_name(key)
        },
        "REQUEST_METHOD": request.method,
        "PATH_INFO": unquote_to_bytes("/" + request.path.lstrip("/")).decode("latin-1"),
        "QUERY_STRING": request.query,
        "RAW_URI": request.target,
        "REQUEST_URI": request.target,
        "SERVER_NAME": name,
        "SERVER_PORT": port or "80",
        "wsgi.errors": sys.stderr,
        "wsgi.input": io.BytesIO(body),
    }
    environ["HTTP_HOST"] = request.host
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ
