"""The front door: finds the service of a request, answers it from ours or hands it to moto.

The same `handle` serves HTTP and calls in process, so both are parsed, validated and refused alike.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from emulator.adapters import validation, wire
from emulator.adapters.blobs import BlobStore
from emulator.adapters.moto_services import KEPT, MotoServices, S3Change, take_s3_changes
from emulator.adapters.wire import HttpRequest, HttpResponse
from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params, Principal
from emulator.semantics.s3 import object_events

if TYPE_CHECKING:
    from emulator.adapters.function_urls import FunctionUrls

log = logging.getLogger(__name__)
_SCOPE = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_SAGEMAKER_PATHS = (
    ("/endpoints/", "sagemaker-runtime"),
    ("/FeatureGroup/", "sagemaker-featurestore-runtime"),
    ("/BatchGetRecord", "sagemaker-featurestore-runtime"),
    ("/BatchWriteRecord", "sagemaker-featurestore-runtime"),
    ("/BatchGetMetrics", "sagemaker-metrics"),
    ("/BatchPutMetrics", "sagemaker-metrics"),
)
"""The services that sign as `sagemaker` and speak rest-json, by the start of their paths."""
_SIGNING_NAMES = {"monitoring": "cloudwatch", "states": "stepfunctions", "eventbridge": "events"}
ACTING: ContextVar[Principal | None] = ContextVar("acting", default=None)
"""For whom an in-process call reaches moto; None when it is a request from outside."""


@dataclass(frozen=True)
class Signature:
    """The credential scope of a request: who signed it and for which service."""

    access_key: str
    region: str
    service: str


class Gateway:
    """Serves every AWS service of the emulator."""

    def __init__(
        self,
        kernel: Kernel,
        moto: MotoServices,
        owned: Mapping[str, Mapping[str, Operation]],
        principal_of: Callable[[str], Principal],
    ) -> None:
        self._kernel = kernel
        self.moto = moto
        self._owned = owned
        self._principal_of = principal_of
        self.on_served: list[Callable[[str, HttpRequest], None]] = []
        self.function_urls: FunctionUrls | None = None

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer any AWS request; refusals come back in the service's own error shape."""
        signature = signature_of(request)
        service = service_of(signature.service, request)
        request_id = self._kernel.ids.uuid()
        if service in self._owned:
            return self._serve(service, request, self._principal_of(signature.access_key), request_id)
        if service in KEPT:
            return self._forward(service, request, request_id)
        return _unknown_service(service, request, request_id)

    def call(self, service: str, operation: str, params: Params, principal: Principal) -> Params:
        """Call one of our own services in process."""
        model = wire.operation_model(service, operation)
        validation.check(model.input_shape, params, _validation_code(service))
        return self._run(service, operation, params, Context(self._kernel, principal, self._kernel.ids.uuid()))

    @property
    def blobs(self) -> BlobStore:
        """Where large bodies are kept."""
        return self.moto.blobs

    def refuse(self, request: HttpRequest, error: AwsError) -> HttpResponse:
        """The answer to an upload that could not be received."""
        return wire.render_error("s3", request, error, self._kernel.ids.uuid())

    def owns(self, service: str) -> bool:
        return service in self._owned

    def _serve(self, service: str, request: HttpRequest, principal: Principal, request_id: str) -> HttpResponse:
        try:
            parsed = wire.parse(service, request)
        except AwsError as error:
            return wire.render_error(service, request, error, request_id)
        try:
            validation.check(parsed.operation.input_shape, parsed.params, _validation_code(service))
            result: Params | AwsError = self._run(
                service, parsed.operation.name, parsed.params, Context(self._kernel, principal, request_id)
            )
        except AwsError as error:
            result = error
        return wire.render(parsed, result, request_id)

    def _run(self, service: str, operation: str, params: Params, ctx: Context) -> Params:
        found = self._owned[service].get(operation)
        if found is None:
            raise EmulatorError(f"{service}: {operation} is not emulated yet; nothing was done")
        try:
            return found(params, ctx)
        except AwsError:
            raise
        except Exception as error:
            log.exception("gateway.operation.broken", extra={"service": service, "operation": operation})
            self._kernel.journal.append("gateway.operation.broken", f"{service}:{operation}", error=repr(error))
            raise AwsError(
                "InternalFailure", f"{service}: {operation} broke in the emulator: {error!r}", 500
            ) from error

    def _forward(self, service: str, request: HttpRequest, request_id: str) -> HttpResponse:
        take_s3_changes()
        try:
            response = self.moto.handle(service, request)
        except EmulatorError as error:
            return wire.render_error(service, request, error, request_id)
        if service == "s3" and response.status < 300:
            self._announce(request, take_s3_changes(), request_id)
        if response.status < 300:
            self.was_served(service, request)
        return response

    def was_served(self, service: str, request: HttpRequest) -> None:
        """Tell who listens that moto has done what a request asked for."""
        for listener in self.on_served:
            listener(service, request)

    def _announce(self, request: HttpRequest, changes: list[S3Change], request_id: str) -> None:
        query = parse_qs(request.query, keep_blank_values=True)
        why = object_events.reason(request.method, bool(request.header("x-amz-copy-source")), "uploadId" in query)
        acting = ACTING.get()
        requester = object_events.S3 if acting and acting.arn == object_events.S3 else self._kernel.account_id
        for change in _once_each(changes):
            sequencer = f"{self._kernel.clock.now().timestamp() * 1_000_000:016.0f}"
            detail_type, detail = object_events.render(change, why, sequencer, request_id, requester)
            self._kernel.publish("aws.s3", detail_type, detail, [f"arn:aws:s3:::{change.bucket}"])


def _once_each(changes: list[S3Change]) -> list[object_events.ObjectChange]:
    """The created and deleted objects of one request, each once: moto reports multipart uploads twice, and tags."""
    found: dict[tuple[str, str, str], object_events.ObjectChange] = {}
    for change in changes:
        kind = {"ObjectCreated": "created", "ObjectRemoved": "deleted"}.get(change.moto_event.split(":")[1])
        if kind:
            found[(kind, change.bucket, change.key)] = object_events.ObjectChange(
                kind,
                change.bucket,
                change.key,
                change.size_bytes,
                change.etag,
                change.version_id,
                change.moto_event.endswith("DeleteMarkerCreated"),
            )
    return list(found.values())


def signature_of(request: HttpRequest) -> Signature:
    """Who signed the request, in its header or its query; S3 and nobody when unsigned."""
    found = _SCOPE.search(request.header("authorization"))
    if not found:
        credential = parse_qs(request.query).get("X-Amz-Credential", [""])[0]
        found = _SCOPE.search(f"Credential={unquote(credential)}")
    return Signature(*found.groups()) if found else Signature("", "us-east-1", "s3")


def service_of(signing_name: str, request: HttpRequest) -> str:
    """botocore's name of the service that a request is for: several share a signing name."""
    path = request.path
    target = request.header("x-amz-target")
    if signing_name == "sagemaker" and not target:
        return next((service for prefix, service in _SAGEMAKER_PATHS if path.startswith(prefix)), f"sagemaker ({path})")
    if signing_name == "dynamodb" and target.startswith("DynamoDBStreams"):
        return "dynamodbstreams"
    return _SIGNING_NAMES.get(signing_name, signing_name)


def _validation_code(service: str) -> str:
    return (
        "ValidationError" if service in ("cloudformation", "cloudwatch", "sagemaker-runtime") else "ValidationException"
    )


def _unknown_service(service: str, request: HttpRequest, request_id: str) -> HttpResponse:
    error = EmulatorError(f"the service '{service}' is not emulated; nothing was done")
    if wire.is_modeled(service):
        return wire.render_error(service, request, error, request_id)
    body = json.dumps({"__type": error.code, "message": error.message})
    headers = {
        "Content-Type": "application/x-amz-json-1.1",
        "x-amzn-RequestId": request_id,
        "x-amzn-ErrorType": "NotEmulated",
    }
    return HttpResponse(501, headers, body.encode())
