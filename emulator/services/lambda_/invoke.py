"""Invoke: synchronous, asynchronous with AWS's two retries, and DryRun."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.lambda_.engine import Engine
from emulator.services.lambda_.records import function

ASYNC_RETRY_DELAYS_S = (60, 120)
"""SOURCE: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html (read 2026-11-23)."""
LOG_TAIL_BYTES = 4096


def invoke(params: Params, ctx: Context) -> Params:
    """Run a function.

    Raises:
        AwsError: ResourceNotFoundException; InvalidRequestContentException when the payload is not JSON.
    """
    row = function(ctx.kernel, params["FunctionName"])
    payload = bytes(params.get("Payload") or b"{}")
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise AwsError("InvalidRequestContentException", message) from error
    kind = params.get("InvocationType", "RequestResponse")
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    if kind == "Event":
        _later(ctx.kernel, row["FunctionName"], payload, ctx.request_id, attempt=0, delay_s=0)
        return {"StatusCode": 202, "Payload": b""}
    outcome, lines = Engine.of(ctx.kernel).invoke(row, payload, ctx.request_id)
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": outcome.payload}
    if outcome.error:
        answer["FunctionError"] = "Unhandled"
    if params.get("LogType") == "Tail":
        tail = "\n".join(lines).encode()[-LOG_TAIL_BYTES:]
        answer["LogResult"] = base64.b64encode(tail).decode()
    return answer


def _later(kernel: Kernel, name: str, payload: bytes, request_id: str, attempt: int, delay_s: float) -> None:
    kernel.dispatcher.post(f"lambda {name}", partial(_run, kernel, name, payload, request_id, attempt), delay_s)


def _run(kernel: Kernel, name: str, payload: bytes, request_id: str, attempt: int) -> None:
    outcome, _ = Engine.of(kernel).invoke(function(kernel, name), payload, request_id)
    if outcome.error and attempt < len(ASYNC_RETRY_DELAYS_S):
        _later(kernel, name, payload, request_id, attempt + 1, ASYNC_RETRY_DELAYS_S[attempt])
    elif outcome.error:
        kernel.journal.append("lambda.event.dropped", name, request_id=request_id, error=outcome.error)


OPERATIONS: dict[str, Operation] = {"Invoke": invoke}
