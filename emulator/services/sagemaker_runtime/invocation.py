"""A request to an endpoint, as AWS's API has it.

AWS_NAME: InvokeEndpoint
SOURCE: docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html (errors, header names, 60 s
    for the container, 6 MB for the payload), read 2026-11
DIFFERS: direct invocation of one container, sessions, explanations and inference components are refused by name. AWS's
    words for TargetModel where it does not belong, or is missing, are not known.
"""

from __future__ import annotations

from emulator.kernel import traffic
from emulator.kernel.errors import EmulatorError
from emulator.kernel.ports import Context, Kernel, Params
from emulator.semantics.endpoints import routes
from emulator.services.sagemaker_runtime import engine, errors
from emulator.services.sagemaker_runtime.conversation import ANY_TYPE, Served
from emulator.services.sagemaker_runtime.turns import Request

_PAYLOAD_MAX = 6 * 1024 * 1024
_NOT_EMULATED = (
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
    "TargetModel": "X-Amzn-SageMaker-Target-Model",
}


def invoke_endpoint(params: Params, ctx: Context) -> Params:
    return answer_of(engine.of(ctx.kernel).serve(request_of(params)))


class Direct:
    """InvokeEndpoint for an event loop, where nothing may have to wait for more than model servers."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def takes(self, params: Params) -> bool:
        route = traffic.of(self._kernel.engines).route(params["EndpointName"])
        return isinstance(route, routes.Route) and not routes.needs_loading(route)

    async def serve(self, params: Params) -> Params:
        """Raises:
        AwsError: in AWS's words.
        """
        return answer_of(await engine.of(self._kernel).serve_soon(request_of(params)))


def request_of(params: Params) -> Request:
    """The request as routing takes it.

    Raises:
        AwsError: too large.
        EmulatorError: it asks for something that is not emulated.
    """
    for field in _NOT_EMULATED:
        if params.get(field):
            raise EmulatorError(f"sagemaker-runtime: InvokeEndpoint: {field} is not emulated yet")
    body = params.get("Body") or b""
    raw: bytes = body.encode() if isinstance(body, str) else body
    if len(raw) > _PAYLOAD_MAX:
        raise errors.too_large(len(raw), _PAYLOAD_MAX)
    headers = {header: params[field] for field, header in _PASSED_ON.items() if params.get(field)}
    headers.setdefault("Content-Type", ANY_TYPE)
    return Request(
        params["EndpointName"],
        headers,
        raw,
        params.get("TargetVariant"),
        params.get("TargetModel"),
        inference_id=params.get("InferenceId") or "",
        custom_attributes=params.get("CustomAttributes") or "",
    )


def answer_of(served: Served) -> Params:
    """The answer as the API has it."""
    headers = served.answer.headers
    attributes = headers.get("x-amzn-sagemaker-custom-attributes")
    return {
        "Body": served.answer.body,
        "ContentType": headers.get("content-type", ANY_TYPE),
        "InvokedProductionVariant": served.variant,
        **({"CustomAttributes": attributes} if attributes else {}),
    }
