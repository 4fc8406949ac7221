"""How the asynchronous events of a function, a version or an alias are retried, and who is told how they ended."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.lambda_ import destinations
from emulator.semantics.lambda_.qualifiers import LATEST, Reference
from emulator.services.lambda_ import records
from emulator.services.lambda_.records import EVENT_CONFIG, invalid

_SETTINGS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


def put_function_event_invoke_config(params: Params, ctx: Context) -> Params:
    """Replace the configuration whole."""
    return _put(params, ctx, {})


def update_function_event_invoke_config(params: Params, ctx: Context) -> Params:
    """Change what is named."""
    return _put(params, ctx, _found(params, ctx))


def _put(params: Params, ctx: Context, before: dict[str, Any]) -> Params:
    asked = _asked(params, ctx)
    chosen = {name: params[name] for name in _SETTINGS if params.get(name) is not None}
    if not chosen:
        raise invalid("You must specify at least one of error handling or destination setting.")
    row = {
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
        **before,
        **chosen,
        "FunctionArn": records.qualified_arn(ctx.kernel, asked),
        "LastModified": ctx.kernel.clock.now(),
        "Qualifier": asked.qualifier,
    }
    _check(row)
    ctx.kernel.store.put(EVENT_CONFIG, f"{asked.name}:{asked.qualifier}", row)
    return _shown(row)


def _check(row: dict[str, Any]) -> None:
    for end, is_success in (("OnSuccess", True), ("OnFailure", False)):
        arn = row["DestinationConfig"].get(end, {}).get("Destination")
        if arn and not destinations.is_destination(arn, is_success):
            raise invalid(f"The destination ARN {arn} is invalid.")
        if arn and row["FunctionArn"].rsplit(":", 1)[0] in (arn, arn.rsplit(":", 1)[0]):
            raise invalid("You can't specify the function as a destination for itself.")


def get_function_event_invoke_config(params: Params, ctx: Context) -> Params:
    return _shown(_found(params, ctx))


def delete_function_event_invoke_config(params: Params, ctx: Context) -> Params:
    row, asked = _found(params, ctx), _asked(params, ctx)
    ctx.kernel.store.delete(EVENT_CONFIG, f"{asked.name}:{row['Qualifier']}")
    return {}


def list_function_event_invoke_configs(params: Params, ctx: Context) -> Params:
    row = records.function(ctx.kernel, params["FunctionName"])
    rows = [_shown(found) for found in ctx.kernel.store.rows(EVENT_CONFIG, f"{row['FunctionName']}:")]
    found, more = records.page(rows, params)
    return {"FunctionEventInvokeConfigs": found, **more}


def _asked(params: Params, ctx: Context) -> Reference:
    """What the configuration is for: $LATEST when nothing is said."""
    found = records.reference(params)
    records.check(ctx.kernel, found)
    return Reference(found.name, found.qualifier or LATEST)


def _found(params: Params, ctx: Context) -> dict[str, Any]:
    asked = _asked(params, ctx)
    row = ctx.kernel.store.get(EVENT_CONFIG, f"{asked.name}:{asked.qualifier}")
    if row is None:
        arn = records.qualified_arn(ctx.kernel, asked)
        raise AwsError("ResourceNotFoundException", f"The function {arn} doesn't have an EventInvokeConfig", 404)
    return row


def _shown(row: dict[str, Any]) -> Params:
    return {key: value for key, value in row.items() if key != "Qualifier"}


OPERATIONS: dict[str, Operation] = {
    "PutFunctionEventInvokeConfig": put_function_event_invoke_config,
    "UpdateFunctionEventInvokeConfig": update_function_event_invoke_config,
    "GetFunctionEventInvokeConfig": get_function_event_invoke_config,
    "DeleteFunctionEventInvokeConfig": delete_function_event_invoke_config,
    "ListFunctionEventInvokeConfigs": list_function_event_invoke_configs,
}
