"""Function URLs: the event that a web request becomes, the answer that a function's payload becomes, and CORS."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

AWS_NAME = "Lambda function URLs"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html, urls-configuration.html and urls-auth.html "
    "(read 2026-11-23); that a string is answered without its quotes and an unknown URL with 403: localstack's "
    "urlrouter.py, written against AWS (read 2026-11-23)"
)
DIFFERS = (
    "a URL is http://localhost:<port>/_url/<id>/, which needs no DNS, and <id>.lambda-url.<region>.localhost:<port> "
    "serves the same; TLS headers are absent. A web page of another origin is let in only when the URL's own "
    "AllowOrigins names it, and * means this machine's pages. AuthType AWS_IAM wants a signed request; neither the "
    "signature nor the policies are checked yet, nor the permission that AuthType NONE wants. The documentation's own "
    "example shows a string answered with its quotes. RESPONSE_STREAM is refused"
)

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class WebRequest:
    """What came over HTTP, without what only says which URL is meant. Header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    source_ip: str

    @property
    def origin(self) -> str:
        return self.headers.get("origin", "")

    @property
    def is_preflight(self) -> bool:
        return self.method == "OPTIONS" and "access-control-request-method" in self.headers


@dataclass(frozen=True)
class WebAnswer:
    """What goes back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()


@dataclass(frozen=True)
class Arrival:
    """Where and when a request came in; `caller` is the principal of a signed request: ARN, account, access key."""

    url_id: str
    region: str
    request_id: str
    at: datetime
    caller: tuple[str, str, str] | None = None


FORBIDDEN = WebAnswer(
    403, b'{"Message":"Forbidden"}', {"content-type": "application/json", "x-amzn-errortype": "AccessDeniedException"}
)
UNKNOWN = replace(FORBIDDEN, body=b'{"Message":null}')
THROTTLED = WebAnswer(
    429, b'{"Message":"Rate Exceeded."}', {"content-type": "application/json", "x-amzn-errortype": "TooManyRequests"}
)
TOO_LARGE = WebAnswer(413, b'{"Message":"Request Too Long"}', {"content-type": "application/json"})
BROKEN = WebAnswer(502, b"Internal Server Error", {"content-type": "application/json"})


def event(request: WebRequest, arrival: Arrival) -> dict[str, Any]:
    """The event in payload format 2.0."""
    found: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": dict(request.headers),
        "requestContext": _context(request, arrival),
        "isBase64Encoded": False,
    }
    if cookies := request.headers.get("cookie"):
        found["cookies"] = cookies.split("; ")
    if parameters := _parameters(request.query):
        found["queryStringParameters"] = parameters
    if request.body:
        found["body"], found["isBase64Encoded"] = _body(request)
    return found


def _context(request: WebRequest, arrival: Arrival) -> dict[str, Any]:
    account, authorizer = "anonymous", {}
    if arrival.caller:
        arn, account, access_key = arrival.caller
        caller_id = arn.rsplit("/", 1)[-1]
        iam = {"accessKey": access_key, "accountId": account, "callerId": caller_id, "cognitoIdentity": None}
        authorizer = {"authorizer": {"iam": {**iam, "principalOrgId": None, "userArn": arn, "userId": caller_id}}}
    return {
        "accountId": account,
        "apiId": arrival.url_id,
        **authorizer,
        "domainName": f"{arrival.url_id}.lambda-url.{arrival.region}.localhost",
        "domainPrefix": arrival.url_id,
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": arrival.request_id,
        "routeKey": "$default",
        "stage": "$default",
        "time": f"{arrival.at:%d/%b/%Y:%H:%M:%S} +0000",
        "timeEpoch": int(arrival.at.timestamp() * 1000),
    }


def _parameters(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found[name] = f"{found[name]},{value}" if name in found else value
    return found


def _body(request: WebRequest) -> tuple[str, bool]:
    """Text as it is, everything else in base64."""
    kind = request.headers.get("content-type", "").lower()
    try:
        if any(kind.startswith(text) for text in _TEXT) or kind.partition(";")[0].endswith(("+json", "+xml")):
            return request.body.decode(), False
    except UnicodeDecodeError:
        pass
    return base64.b64encode(request.body).decode(), True


def answer(payload: bytes) -> WebAnswer:
    """The answer that a function's payload means: a response of its own when it has a statusCode, else 200 and JSON."""
    try:
        found = json.loads(payload)
    except ValueError:
        return BROKEN
    headers = {"content-type": "application/json"}
    if isinstance(found, str):
        return WebAnswer(200, found.encode(), headers)
    if not isinstance(found, dict) or "statusCode" not in found:
        return WebAnswer(200, payload, headers)
    own = found.get("headers") or {}
    try:
        status, body = int(found["statusCode"]), _answered(found)
        return WebAnswer(status, body, {**headers, **_lowered(own)}, tuple(map(str, found.get("cookies") or ())))
    except (AttributeError, TypeError, ValueError, binascii.Error):
        return BROKEN


def _answered(found: Mapping[str, Any]) -> bytes:
    body = found.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        return json.dumps(body).encode()
    return base64.b64decode(body, validate=True) if found.get("isBase64Encoded") else body.encode()


def _lowered(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


def preflight(cors: Mapping[str, Any], request: WebRequest) -> WebAnswer:
    """What Lambda itself answers to a browser that asks before it sends."""
    found = _origin_headers(cors, request.origin)
    if found:
        lists = {"allow-methods": "AllowMethods", "allow-headers": "AllowHeaders"}
        found |= {f"access-control-{name}": ",".join(cors[key]) for name, key in lists.items() if cors.get(key)}
        found |= {"access-control-max-age": str(cors["MaxAge"])} if cors.get("MaxAge") is not None else {}
    return WebAnswer(200, b"", found)


def with_cors(cors: Mapping[str, Any], request: WebRequest, answered: WebAnswer) -> WebAnswer:
    """An answer with the headers that let a page of another origin read it."""
    found = _origin_headers(cors, request.origin)
    if found and cors.get("ExposeHeaders"):
        found["access-control-expose-headers"] = ",".join(cors["ExposeHeaders"])
    return replace(answered, headers={**answered.headers, **found})


def _origin_headers(cors: Mapping[str, Any], origin: str) -> dict[str, str]:
    allowed = cors.get("AllowOrigins") or ()
    if not origin or not (origin in allowed or "*" in allowed):
        return {}
    credentials = {"access-control-allow-credentials": "true"} if cors.get("AllowCredentials") else {}
    shown = origin if credentials or "*" not in allowed else "*"
    return {"access-control-allow-origin": shown, "vary": "Origin", **credentials}


def welcomes(cors: Mapping[str, Any], origin: str) -> bool:
    """Whether a page of another origin may send requests: only by name, since here a URL is on somebody's machine."""
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return origin in (cors.get("AllowOrigins") or ()) or host in _LOOPBACK or host.endswith(".localhost")
