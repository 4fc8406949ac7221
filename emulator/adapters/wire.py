"""botocore's wire formats, served: a request becomes (operation, params), a result or an error becomes a response.

moto's model-driven parser and serializer do the work; they are the one well-kept server side of botocore's models.
"""

from __future__ import annotations

import gzip
import io
import json
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.utils import parse_timestamp
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import NotFound, get_service_router
from moto.core.serialize import SERIALIZERS, SerializationContext, get_serializer_class
from moto.core.utils import get_service_model

from emulator.adapters import cbor, json_results
from emulator.adapters.blobs import Body
from emulator.kernel.errors import AwsError

# Our own codes (NotEmulated) and AWS's common ones are in no service's model; moto serializes them all the same.
warnings.filterwarnings("ignore", message=".*does not match an error shape.*")


INFLATED_LIMIT_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True)
class HttpRequest:
    """What came over HTTP. `target` is the raw path with its query string; header names are as sent.

    Only uploads to S3 come with a body in a file.
    """

    method: str
    target: str
    headers: dict[str, str]
    body: Body
    host: str

    @property
    def path(self) -> str:
        """The raw path. The target is no URL: a path may start with two slashes, and urlsplit would take a host."""
        return self.target.partition("?")[0] or "/"

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str:
        """The header's value, whatever its case; empty when absent."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")

    def operation(self) -> str:
        """The operation that a JSON or query request names; empty when its path says it."""
        if target := self.header("x-amz-target"):
            return target.rsplit(".", 1)[-1]
        body = self.body if isinstance(self.body, bytes) else b""
        fields = body.split(b"&") if b"Action=" in body[:4096] else []
        return next((part[7:].decode("ascii", "replace") for part in fields if part.startswith(b"Action=")), "")


@dataclass(frozen=True)
class HttpResponse:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: Body = b""


class _WireError(ServiceException):  # type: ignore[misc]
    """Defined outside the moto package: moto derives a service model from an exception's module when inside it."""


@dataclass(frozen=True)
class ParsedRequest:
    """A request matched to an operation of a service, with its parameters in AWS's casing."""

    service: str
    operation: Any
    protocol: str
    params: dict[str, Any]


def werkzeug_request(request: HttpRequest) -> Request:
    path = "/" + request.path.lstrip("/")  # werkzeug takes what follows two slashes for a host
    full = f"http://{request.host}{path}" + (f"?{request.query}" if request.query else "")
    body = request.body if isinstance(request.body, bytes) else b""  # a large one does not go through WSGI
    return Request.from_primitives(request.method, full, request.headers, body)


def parse(service: str, request: HttpRequest) -> ParsedRequest:
    """Match and parse a request to `service`.

    Raises:
        AwsError: UnknownOperationException when no operation of the service's model matches;
            SerializationException when the request does not have the shape of the operation's input.
    """
    request = _inflated(request)
    if cbor.is_spoken(request.header("smithy-protocol")):
        return _parse_cbor(service, request)
    model = _model(service)
    wire = werkzeug_request(request)
    protocol = _protocol(model, wire)
    headers = wire.headers
    if protocol.startswith("rest-"):  # there the type is the payload's own affair, and moto would read a form
        wire = werkzeug_request(replace(request, headers=_with_type(request.headers, "application/json")))
    try:
        operation, uri = get_service_router(service).match(wire)
    except (NotFound, NotImplementedError, ValueError) as error:  # the router also reads the body, and its protocol
        raise AwsError(
            "UnknownOperationException", f"{request.method} {request.target} is no operation of {service}", 404
        ) from error
    values = {
        "method": wire.method,
        "values": wire.values,
        "headers": headers,
        "body": wire.data,
        "url_path": wire.path,
        "url_params": uri,
    }
    return ParsedRequest(service, operation, protocol, _params(protocol, operation, values))


def _with_type(headers: Mapping[str, str], content_type: str) -> dict[str, str]:
    others = {name: text for name, text in headers.items() if name.lower() != "content-type"}
    return {**others, "Content-Type": content_type}


def _protocol(model: ServiceModel, wire: Request) -> str:
    """The protocol that the request speaks; one of the service's own when it speaks none that can be answered."""
    try:
        spoken = str(determine_request_protocol(model, wire.content_type))
    except NotImplementedError:
        spoken = ""
    own: list[str] = [spoken, *model.metadata.get("protocols", []), model.metadata["protocol"]]
    return next(protocol for protocol in own if protocol in SERIALIZERS)


def _params(protocol: str, operation: OperationModel, values: dict[str, Any]) -> dict[str, Any]:
    parser = PROTOCOL_PARSERS[protocol](operation, timestamp_parser=parse_timestamp, map_type=dict)
    try:
        if protocol == "json" and values["body"]:
            json.loads(values["body"])  # moto takes what is no JSON for an empty request
        return dict(parser.parse(values))
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        message = f"{operation.name}: the request does not have the shape of its input: {error}"
        raise AwsError("SerializationException", message) from error


def _inflated(request: HttpRequest) -> HttpRequest:
    """SDKs compress what their model lets them, such as PutMetricData's body."""
    if request.header("content-encoding").lower() != "gzip":
        return request
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(bytes(request.body))) as packed:
            body = packed.read(INFLATED_LIMIT_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise AwsError("SerializationException", f"the request's body is not gzip: {error}") from error
    if len(body) > INFLATED_LIMIT_BYTES:
        raise AwsError("RequestEntityTooLargeException", "the request's body is too large", 413)
    kept = {name: value for name, value in request.headers.items() if name.lower() != "content-encoding"}
    return replace(request, body=body, headers=kept)


def _parse_cbor(service: str, request: HttpRequest) -> ParsedRequest:
    model, name = _model(service), request.path.rstrip("/").rsplit("/", 1)[-1]
    if name not in model.operation_names:
        raise AwsError("UnknownOperationException", f"{request.target} is no operation of {service}", 404)
    operation = model.operation_model(name)
    try:
        params = cbor.decode(operation.input_shape, bytes(request.body))
    except cbor.CborError as error:
        raise AwsError("SerializationException", str(error)) from error
    return ParsedRequest(service, operation, cbor.PROTOCOL, params)


def render(parsed: ParsedRequest, result: dict[str, Any] | AwsError, request_id: str) -> HttpResponse:
    """The response for a parsed request: the operation's result, or its refusal in the service's error shape."""
    return _serialize(parsed.service, parsed.protocol, parsed.operation, result, request_id)


def render_error(service: str, request: HttpRequest, error: AwsError, request_id: str) -> HttpResponse:
    """A refusal of a request that was not (or could not be) parsed."""
    model = _model(service)
    if cbor.is_spoken(request.header("smithy-protocol")):
        protocol = cbor.PROTOCOL
    else:
        protocol = _protocol(model, werkzeug_request(request))
    operation = model.operation_model(model.operation_names[0])
    return _serialize(service, protocol, operation, error, request_id)


def _serialize(
    service: str, protocol: str, operation: OperationModel, result: dict[str, Any] | AwsError, request_id: str
) -> HttpResponse:
    if protocol == cbor.PROTOCOL:
        return _cbor_response(service, operation, result, request_id)
    context = SerializationContext(request_id)
    serializer = _serializer_class(service, protocol)(operation_model=operation, context=context)
    answer: Any = result
    if isinstance(result, AwsError):
        answer = _WireError(result.code, result.message)
        for name, value in getattr(result, "fields", {}).items():
            setattr(answer, name, value)
    out = serializer.serialize(answer)
    headers = {**out["headers"], "x-amzn-RequestId": request_id}
    status = out["status_code"]
    if isinstance(result, AwsError):
        status = result.status if result.status != 400 else status
    elif protocol == "rest-json" and isinstance(result.get("ContentType"), str):
        headers["Content-Type"] = result["ContentType"]  # moto's REST serializer overwrites a modeled Content-Type
    body = out["body"]
    return HttpResponse(status, headers, body if isinstance(body, bytes) else str(body).encode())


def _cbor_response(
    service: str, operation: OperationModel, result: dict[str, Any] | AwsError, request_id: str
) -> HttpResponse:
    headers = {"Content-Type": cbor.CONTENT_TYPE, "smithy-protocol": cbor.HEADER, "x-amzn-RequestId": request_id}
    if isinstance(result, AwsError):
        name, status, fault = _error_shape(service, result)
        headers["x-amzn-query-error"] = f"{result.code};{fault}"
        return HttpResponse(status, headers, cbor.encode_error(name, result.message))
    return HttpResponse(200, headers, cbor.encode(operation.output_shape, result))


def _error_shape(service: str, error: AwsError) -> tuple[str, int, str]:
    """The name of an error's shape, its status and whose fault it is; a code of no shape is a shape of its own."""
    for shape in _model(service).error_shapes:
        facts = shape.metadata.get("error", {})
        if error.code in (shape.name, facts.get("code")):
            status = error.status if error.status != 400 else facts.get("httpStatusCode", 400)
            return shape.name, status, "Sender" if facts.get("senderFault", True) else "Receiver"
    return error.code, error.status, "Receiver" if error.status >= 500 else "Sender"


def is_modeled(service: str) -> bool:
    """Whether botocore has a service of this name."""
    try:
        _model(service)
    except UnknownServiceError:
        return False
    return True


@lru_cache(maxsize=64)
def _serializer_class(service: str, protocol: str) -> Any:
    base = get_serializer_class(service, protocol)
    return type("ResultSerializer", (_JsonResults, base), {}) if protocol == "json" else base


class _JsonResults:
    """moto's serializer but for the layout of results."""

    def _serialize_result(self, response: Any, result: Any) -> Any:
        serializer: Any = self
        shape = serializer.operation_model.output_shape
        laid_out = {} if shape is None else json_results.lay_out(serializer, shape, result)
        return serializer._serialized_result_to_response(response, result, shape, laid_out)


@lru_cache(maxsize=64)
def _model(service: str) -> ServiceModel:
    return get_service_model(service)


def operation_model(service: str, operation: str) -> OperationModel:
    """The model of one operation, for calls that did not come over the wire."""
    return _model(service).operation_model(operation)
