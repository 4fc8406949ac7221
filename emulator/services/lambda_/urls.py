"""Function URLs: their configuration, and what happens when one is asked."""

from __future__ import annotations

import json
import time
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.semantics.lambda_ import function_urls, limits
from emulator.semantics.lambda_.function_urls import Arrival, WebAnswer, WebRequest
from emulator.semantics.lambda_.qualifiers import Reference
from emulator.services.lambda_ import records
from emulator.services.lambda_.engine import Caller, Engine
from emulator.services.lambda_.records import URL

_ID_LENGTH = 32
_UNQUALIFIED = ""


def create_function_url_config(params: Params, ctx: Context) -> Params:
    """Give a function or an alias an address."""
    kernel, asked = ctx.kernel, _asked(params, ctx)
    _check(params)
    arn = records.qualified_arn(kernel, asked)
    if kernel.store.get(URL, _key(asked)):
        message = (
            f"Failed to create function url config for [functionArn = {arn}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function"
        )
        raise AwsError("ResourceConflictException", message, 409)
    url_id, now = kernel.ids.alnum(_ID_LENGTH), _now(kernel)
    row = {
        "FunctionName": asked.name,
        "Qualifier": asked.qualifier or _UNQUALIFIED,
        "UrlId": url_id,
        "FunctionUrl": f"{kernel.endpoint_url}/_url/{url_id}/",
        "FunctionArn": arn,
        "AuthType": params["AuthType"],
        "InvokeMode": "BUFFERED",
        "CreationTime": now,
        "LastModifiedTime": now,
        **({"Cors": params["Cors"]} if params.get("Cors") else {}),
    }
    kernel.store.put(URL, _key(asked), row)
    return _shown(row)


def update_function_url_config(params: Params, ctx: Context) -> Params:
    row = _found(params, ctx)
    _check(params)
    row |= {key: params[key] for key in ("AuthType", "Cors") if params.get(key) is not None}
    row["LastModifiedTime"] = _now(ctx.kernel)
    ctx.kernel.store.put(URL, f"{row['FunctionName']}:{row['Qualifier']}", row)
    return _shown(row)


def get_function_url_config(params: Params, ctx: Context) -> Params:
    return _shown(_found(params, ctx))


def delete_function_url_config(params: Params, ctx: Context) -> Params:
    row = _found(params, ctx)
    ctx.kernel.store.delete(URL, f"{row['FunctionName']}:{row['Qualifier']}")
    return {}


def list_function_url_configs(params: Params, ctx: Context) -> Params:
    row = records.function(ctx.kernel, params["FunctionName"])
    rows = [_shown(found) for found in ctx.kernel.store.rows(URL, f"{row['FunctionName']}:")]
    found, more = records.page(rows, params)
    return {"FunctionUrlConfigs": found, **more}


def serve(kernel: Kernel, url_id: str, request: WebRequest, caller: tuple[str, str, str] | None) -> WebAnswer:
    """Answer a web request to a function URL; `caller` is who signed it, None when nobody did."""
    row = find(kernel, url_id)
    if row is None:
        return function_urls.UNKNOWN
    began, cors = time.perf_counter(), row.get("Cors", {})
    if cors and request.is_preflight:
        return function_urls.preflight(cors, request)
    if row["AuthType"] == "AWS_IAM" and caller is None:
        answered = function_urls.FORBIDDEN
    else:
        answered = _invoked(kernel, row, request, caller if row["AuthType"] == "AWS_IAM" else None)
    _measure(kernel, row["FunctionName"], answered.status, (time.perf_counter() - began) * 1000)
    return function_urls.with_cors(cors, request, answered) if cors else answered


def find(kernel: Kernel, url_id: str) -> dict[str, Any] | None:
    """The configuration of an address; None when there is none."""
    return next((row for row in kernel.store.rows(URL) if row["UrlId"] == url_id.lower()), None)


def _invoked(
    kernel: Kernel, row: dict[str, Any], request: WebRequest, caller: tuple[str, str, str] | None
) -> WebAnswer:
    arrival = Arrival(row["UrlId"], kernel.region, kernel.ids.uuid(), kernel.clock.now(), caller)
    payload = json.dumps(function_urls.event(request, arrival)).encode()
    if limits.payload_problem(len(payload), "RequestResponse"):
        return function_urls.TOO_LARGE
    target = records.target(kernel, Reference(row["FunctionName"], row["Qualifier"] or None))
    how = Caller(target.arn, "", target.qualifier)
    try:
        outcome, _ = Engine.of(kernel).invoke(target.row, payload, arrival.request_id, how)
    except AwsError as error:
        return function_urls.THROTTLED if error.status == 429 else function_urls.BROKEN
    answered = function_urls.BROKEN if outcome.error else function_urls.answer(outcome.payload)
    return WebAnswer(
        answered.status,
        answered.body,
        {**answered.headers, "x-amzn-requestid": arrival.request_id},
        answered.cookies,
    )


def _measure(kernel: Kernel, name: str, status: int, latency_ms: float) -> None:
    dimensions = {"FunctionName": name}
    counts = {"UrlRequestCount": 1, "Url4xxCount": int(400 <= status < 500), "Url5xxCount": int(status >= 500)}
    for metric, value in counts.items():
        kernel.measure("AWS/Lambda", metric, dimensions, value, "Count")
    kernel.measure("AWS/Lambda", "UrlRequestLatency", dimensions, latency_ms, "Milliseconds")


def _check(params: Params) -> None:
    if params.get("InvokeMode") == "RESPONSE_STREAM":
        raise EmulatorError("lambda: FunctionUrlConfig: InvokeMode RESPONSE_STREAM is not emulated; nothing was done")


def _asked(params: Params, ctx: Context) -> Reference:
    found = records.reference(params)
    records.check(ctx.kernel, found)
    return found


def _found(params: Params, ctx: Context) -> dict[str, Any]:
    row = ctx.kernel.store.get(URL, _key(_asked(params, ctx)))
    if row is None:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return row


def _key(asked: Reference) -> str:
    return f"{asked.name}:{asked.qualifier or _UNQUALIFIED}"


def _now(kernel: Kernel) -> str:
    return kernel.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _shown(row: dict[str, Any]) -> Params:
    return {key: value for key, value in row.items() if key not in ("FunctionName", "Qualifier", "UrlId")}


OPERATIONS: dict[str, Operation] = {
    "CreateFunctionUrlConfig": create_function_url_config,
    "UpdateFunctionUrlConfig": update_function_url_config,
    "GetFunctionUrlConfig": get_function_url_config,
    "DeleteFunctionUrlConfig": delete_function_url_config,
    "ListFunctionUrlConfigs": list_function_url_configs,
}
