"""Invoke: synchronous, asynchronous and DryRun."""

from __future__ import annotations

import base64
import json
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.lambda_ import limits
from emulator.semantics.lambda_.qualifiers import LATEST
from emulator.services.lambda_ import async_events, records
from emulator.services.lambda_.engine import Caller, Engine

LOG_TAIL_BYTES = 4096


def invoke(params: Params, ctx: Context) -> Params:
    """Run a function, a version or what an alias draws.

    Raises:
        AwsError: ResourceNotFoundException; InvalidRequestContentException when the payload is not JSON;
            RequestEntityTooLargeException; TooManyRequestsException.
    """
    asked, kind = records.reference(params), params.get("InvocationType") or "RequestResponse"
    payload = _payload(params, kind)
    if kind == "Event":
        records.check(ctx.kernel, asked)
        async_events.accept(ctx.kernel, asked, payload, ctx.request_id)
        return {"StatusCode": 202, "Payload": b""}
    target = records.target(ctx.kernel, asked)
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    caller = Caller(target.arn, _client_context(params), target.qualifier)
    outcome, lines = Engine.of(ctx.kernel).invoke(target.row, payload, ctx.request_id, caller)
    version = target.row.get("Version", LATEST)
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": version, "Payload": outcome.payload}
    if outcome.error:
        answer["FunctionError"] = "Unhandled"
    if params.get("LogType") == "Tail":
        answer["LogResult"] = base64.b64encode("\n".join(lines).encode()[-LOG_TAIL_BYTES:]).decode()
    return answer


def _payload(params: Params, kind: str) -> bytes:
    payload = bytes(params.get("Payload") or b"{}")
    problem = limits.payload_problem(len(payload), kind)
    if problem:
        raise AwsError("RequestEntityTooLargeException", problem, 413)
    try:
        json.loads(payload)
    except ValueError as error:
        message = f"Could not parse request body into json: {error}"
        raise AwsError("InvalidRequestContentException", message) from error
    return payload


def _client_context(params: Params) -> str:
    """The base64 of the request, decoded; AWS refuses what is none or no JSON."""
    try:
        found = base64.b64decode(params.get("ClientContext") or "", validate=True).decode()
        json.loads(found or "{}")
    except ValueError as error:
        raise AwsError(
            "InvalidRequestContentException", "Client context must be a valid Base64-encoded JSON object."
        ) from error
    return found


OPERATIONS: dict[str, Operation] = {"Invoke": invoke}
