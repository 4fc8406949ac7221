"""What botocore puts on the wire for a call, and what it reads from an answer."""

import json
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from emulator.adapters.calls import _payload, _Raw, _text
from emulator.adapters.wire import HttpRequest, HttpResponse

_CONFIG = Config(
    retries={"total_max_attempts": 1},
    s3={"addressing_style": "path"},
    inject_host_prefix=False,
    parameter_validation=False,
)


def client(service: str) -> Any:
    """A client of no server at all."""
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url="http://localhost:1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=_CONFIG,
    )


def sent(service: str, operation: str, params: dict[str, Any] | None = None) -> HttpRequest:
    """The request that botocore would send."""
    caller, found = client(service), []

    def keep(request: Any, **kwargs: Any) -> AWSResponse:
        found.append(_request(request))
        return _response(request.url, HttpResponse(500, {}, b""))

    caller.meta.events.register("before-send", keep)
    try:
        caller._make_api_call(operation, params or {})
    except Exception:
        if not found:
            raise
    return found[0]


def received(service: str, operation: str, answer: HttpResponse, params: dict[str, Any] | None = None) -> Any:
    """What botocore makes of an answer; raises ClientError for a refusal."""
    caller = client(service)
    caller.meta.events.register("before-send", lambda request, **kwargs: _response(request.url, answer))
    return caller._make_api_call(operation, params or {})


def _request(request: Any) -> HttpRequest:
    url = urlsplit(request.url)
    headers = {name: _text(value) for name, value in request.headers.items()}
    target = url.path + (f"?{url.query}" if url.query else "")
    return HttpRequest(request.method, target, headers, _payload(request.body), url.netloc)


def _response(url: str, answer: HttpResponse) -> AWSResponse:
    return AWSResponse(url, answer.status, HTTPHeaders.from_dict(answer.headers), _Raw(answer.body))


def request(target: str = "/", method: str = "POST", body: Any = b"", **headers: str) -> HttpRequest:
    """A request made by hand."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest(
        method, target, {name.replace("_", "-"): text for name, text in headers.items()}, raw, "localhost"
    )
