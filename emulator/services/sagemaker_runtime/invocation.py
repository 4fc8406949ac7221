"""A request to an endpoint: choose the variant, ask its server, answer as AWS does.

AWS_NAME: InvokeEndpoint
SOURCE: docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html (errors, header names, 60 s
    for the container, 6 MB for the payload), read 2026-11
DIFFERS: multi-model, multi-container, sessions, explanations and inference components are refused by name.
"""

from __future__ import annotations

import time
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Params
from emulator.kernel.store import Row
from emulator.semantics.endpoints import variants
from emulator.services.sagemaker_runtime import connection
from emulator.services.sagemaker_runtime.connection import Answer

ENDPOINT = "sagemaker.endpoint"
_PAYLOAD_MAX = 6 * 1024 * 1024
_TIMEOUT_S = 60.0
_TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
_NOT_EMULATED = (
    "TargetModel",
    "TargetContainerHostname",
    "EnableExplanations",
    "InferenceComponentName",
    "SessionId",
    "PrefixAwareId",
)
_PASSED_ON = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
}


class ModelError(AwsError):
    """The container answered with an error, or not in time."""

    def __init__(self, status: int, message: str, log_stream_arn: str, text: str) -> None:
        super().__init__("ModelError", text, 424)
        self.fields = {"OriginalStatusCode": status, "OriginalMessage": message, "LogStreamArn": log_stream_arn}


def invoke_endpoint(params: Params, ctx: Context) -> Params:
    for field in _NOT_EMULATED:
        if params.get(field):
            raise EmulatorError(f"sagemaker-runtime: InvokeEndpoint: {field} is not emulated yet")
    body = _payload(params)
    headers = {header: params[field] for field, header in _PASSED_ON.items() if params.get(field)}
    headers.setdefault("Content-Type", "application/octet-stream")
    row = _endpoint(ctx.kernel, params["EndpointName"])
    variant = _variant(row, params.get("TargetVariant"), ctx.kernel)
    began = time.perf_counter()
    answer = _ask(ctx.kernel, row, variant, headers, body)
    _measure(ctx.kernel, row["EndpointName"], variant, answer.status, time.perf_counter() - began)
    if answer.status >= 400:
        raise _model_error(ctx.kernel, row, variant, answer.status, answer.body.decode("utf-8", "replace"))
    attributes = answer.headers.get("x-amzn-sagemaker-custom-attributes")
    return {
        "Body": answer.body,
        "ContentType": answer.headers.get("content-type", "application/octet-stream"),
        "InvokedProductionVariant": variant,
        **({"CustomAttributes": attributes} if attributes else {}),
    }


def _measure(kernel: Kernel, endpoint: str, variant: str, status: int, seconds: float) -> None:
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    for name, value, unit in (
        ("Invocations", 1, "Count"),
        ("Invocation4XXErrors", int(400 <= status < 500), "Count"),
        ("Invocation5XXErrors", int(status >= 500), "Count"),
        ("ModelLatency", seconds * 1_000_000, "Microseconds"),
    ):
        kernel.measure("AWS/SageMaker", name, dimensions, value, unit)


def _payload(params: Params) -> bytes:
    body = params.get("Body") or b""
    raw: bytes = body.encode() if isinstance(body, str) else body
    if len(raw) > _PAYLOAD_MAX:
        raise AwsError("ValidationError", f"Request body of {len(raw)} bytes exceeds the limit of {_PAYLOAD_MAX}.", 413)
    return raw


def _endpoint(kernel: Kernel, name: str) -> Row:
    row = kernel.store.get(ENDPOINT, name)
    if row is None or not row.get("_Servers") or row["EndpointStatus"] == "Deleting":
        raise AwsError("ValidationError", f"Endpoint {name} of account {kernel.account_id} not found.")
    return row


def _variant(row: Row, target: str | None, kernel: Kernel) -> str:
    if target is not None:
        if target not in row["_Servers"]:
            raise AwsError("ValidationError", f"Variant {target} not found for endpoint {row['EndpointName']}.")
        return target
    chosen = variants.choose(row["ProductionVariants"], kernel.ids.unit())
    if chosen is None:
        raise AwsError("ValidationError", f"Endpoint {row['EndpointName']} has no variant with a weight above zero.")
    return chosen


def _ask(kernel: Kernel, row: Row, variant: str, headers: dict[str, str], body: bytes) -> Answer:
    """Ask the variant's server. A server that was replaced after we read the row is looked up once more."""
    try:
        return _post(kernel, row, variant, headers, body)
    except connection.Unreachable:
        again = _endpoint(kernel, row["EndpointName"])
        if _port(again, variant) in (None, _port(row, variant)):
            raise _unavailable(variant) from None
    try:
        return _post(kernel, again, variant, headers, body)
    except connection.Unreachable as error:
        raise _unavailable(variant) from error


def _post(kernel: Kernel, row: Row, variant: str, headers: dict[str, str], body: bytes) -> Answer:
    port = _port(row, variant)
    if port is None:
        raise connection.Unreachable("the server is being restarted")
    try:
        return connection.post(port, "/invocations", headers, body, _TIMEOUT_S)
    except TimeoutError as error:
        raise _model_error(kernel, row, variant, 0, _TIMED_OUT) from error
    except ConnectionError as error:
        raise _model_error(kernel, row, variant, 0, f"the container broke off: {error}") from error


def _port(row: Row, variant: str) -> Any:
    return (row["_Servers"].get(variant) or {}).get("Port")


def _unavailable(variant: str) -> AwsError:
    return AwsError("ServiceUnavailable", f"The model server of variant {variant} is not available.", 503)


def _model_error(kernel: Kernel, row: Row, variant: str, status: int, message: str) -> ModelError:
    """AWS's own words, with where to read on."""
    group = row["_Servers"][variant]["LogGroup"]
    side = "client" if 400 <= status < 500 else "server"
    console = f"https://{kernel.region}.console.aws.amazon.com/cloudwatch/home?region={kernel.region}"
    text = (
        f'Received {side} error ({status}) from primary with message "{message}". See '
        f"{console}#logEventViewer:group={group} in account {kernel.account_id} for more information."
    )
    return ModelError(status, message, kernel.arn("logs", f"log-group:{group}"), text)
