"""API destinations as targets: an HTTP request to an endpoint on loopback."""

from __future__ import annotations

import http.client
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.events.delivery import INVOCATION_REFUSED
from emulator.semantics.events.target_calls import Message
from emulator.services.events import connections

AWS_NAME = "API destinations as targets"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html (read 2026-11-23)"
DIFFERS = "only endpoints on loopback, which may be http; the rate limit is recorded and not kept"

TIMEOUT_S = 5
RETRIED = frozenset({401, 407, 409, 429})


def invoke(kernel: Kernel, target: dict[str, Any], message: Message) -> None:
    """Send the message.

    Raises:
        AwsError: the endpoint cannot be reached, or answered with an error; InvocationRefused is not tried again.
    """
    destination = connections.destination_of_arn(kernel, target["Arn"])
    connection = connections.connection_of_arn(kernel, destination["ConnectionArn"])
    parameters = target.get("HttpParameters", {})
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Amazon/EventBridge/ApiDestinations",
        **connections.headers(connection),
        **parameters.get("HeaderParameters", {}),
    }
    query = {**parameters.get("QueryStringParameters", {}), **connections.query(connection)}
    url = _address(destination["InvocationEndpoint"], parameters.get("PathParameterValues", []), query)
    status = _request(destination["HttpMethod"], url, headers, message.text.encode())
    if status >= 500 or status in RETRIED:
        raise AwsError("ApiDestinationFailed", f"{url} answered {status}", status)
    if status >= 300:
        raise AwsError(INVOCATION_REFUSED, f"{url} answered {status}", status)


def _address(endpoint: str, path_values: list[str], query: dict[str, str]) -> str:
    """The endpoint with a value for each `*` of its path, and the query."""
    for value in path_values:
        endpoint = endpoint.replace("*", quote(value, safe=""), 1)
    if not query:
        return endpoint
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def _request(method: str, url: str, headers: dict[str, str], body: bytes) -> int:
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        return connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise AwsError("ApiDestinationFailed", f"{url} cannot be reached: {error}", 503) from error
    finally:
        connection.close()
