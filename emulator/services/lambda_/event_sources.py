"""Event source mappings: their operations. Who reads the sources is in `pollers.py` and the poller of each kind."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.semantics.lambda_ import qualifiers, source_settings
from emulator.semantics.lambda_.source_settings import InvalidMapping, Kind, NotEmulated
from emulator.services.lambda_ import checkpoints, records, sources
from emulator.services.lambda_.pollers import Pollers
from emulator.services.lambda_.records import MAPPING

PAGE = 100
_USER = {False: "USER_INITIATED", True: "User action"}
"""AWS words the reason of a state differently for queues and for streams."""
_HIDDEN = ("Enabled", "Tags")


def create_event_source_mapping(params: Params, ctx: Context) -> Params:
    """Start feeding a function from a queue or a stream.

    Raises:
        AwsError: InvalidParameterValueException; ResourceConflictException for a second mapping of the same two.
    """
    kernel, arn = ctx.kernel, params.get("EventSourceArn", "")
    kind, settings = _read("CreateEventSourceMapping", params, arn)
    row, function_arn = _target(kernel, params["FunctionName"])
    sources.check(kernel, kind, arn, row)
    uuid = kernel.ids.uuid()
    mapping = {
        "UUID": uuid,
        "EventSourceArn": arn,
        "FunctionArn": function_arn,
        "EventSourceMappingArn": kernel.arn("lambda", f"event-source-mapping:{uuid}"),
        "State": "Enabled" if params.get("Enabled", True) else "Disabled",
        "StateTransitionReason": _USER[kind.is_stream],
        "LastModified": kernel.clock.now(),
        "Tags": params.get("Tags") or {},
        **settings,
        **({"LastProcessingResult": "No records processed"} if kind.is_stream else {}),
    }
    start = checkpoints.start_of(kernel, mapping) if kind.is_stream else checkpoints.Start("", {})
    with kernel.store.transaction():
        _refuse_second(kernel, mapping)
        kernel.store.put(MAPPING, uuid, mapping)
        checkpoints.begin(kernel, mapping, start)
    Pollers.of(kernel).start(uuid)
    return _shown({**mapping, "State": "Creating"})


def get_event_source_mapping(params: Params, ctx: Context) -> Params:
    return _shown(_mapping(ctx.kernel, params["UUID"]))


def list_event_source_mappings(params: Params, ctx: Context) -> Params:
    rows = [row for row in ctx.kernel.store.rows(MAPPING) if row["UUID"] > params.get("Marker", "")]
    if params.get("EventSourceArn"):
        rows = [row for row in rows if row["EventSourceArn"] == params["EventSourceArn"]]
    if params.get("FunctionName"):
        asked = qualifiers.parse(params["FunctionName"])
        records.check(ctx.kernel, asked)
        arn = records.qualified_arn(ctx.kernel, asked)
        rows = [row for row in rows if row["FunctionArn"] == arn]
    page = rows[: min(params.get("MaxItems", PAGE), PAGE)]
    more = {"NextMarker": page[-1]["UUID"]} if len(rows) > len(page) else {}
    return {"EventSourceMappings": [_shown(row) for row in page], **more}


def update_event_source_mapping(params: Params, ctx: Context) -> Params:
    """Change a mapping; `Enabled` false stops the polling after the batch in hand."""
    kernel = ctx.kernel
    with kernel.store.transaction():
        row = _mapping(kernel, params["UUID"])
        settings = _changed(row, params)
        if params.get("FunctionName"):
            _, settings["FunctionArn"] = _target(kernel, params["FunctionName"])
            _refuse_second(kernel, settings)
        before = state = row["State"]
        if params.get("Enabled") is not None:
            state = "Enabled" if params["Enabled"] else "Disabled"
        row = {**settings, "State": state, "LastModified": kernel.clock.now()}
        kernel.store.put(MAPPING, row["UUID"], row)
    Pollers.of(kernel).wake_mapping(row["UUID"])
    on_the_way = "Updating" if state == before else state.removesuffix("ed") + "ing"
    return _shown({**row, "State": on_the_way})


def delete_event_source_mapping(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = _mapping(ctx.kernel, params["UUID"])
        ctx.kernel.store.delete(MAPPING, row["UUID"])
        checkpoints.forget(ctx.kernel, row["UUID"])
    Pollers.of(ctx.kernel).wake_mapping(row["UUID"])
    return _shown({**row, "State": "Deleting"})


def _read(operation: str, params: Params, arn: str) -> tuple[Kind, dict[str, Any]]:
    try:
        source_settings.refuse_unread(params)
        kind = source_settings.kind_of(arn)
        return kind, source_settings.created(kind, params)
    except NotEmulated as error:
        raise EmulatorError(f"lambda: {operation}: {error} is not emulated yet; nothing was done") from error
    except InvalidMapping as error:
        raise AwsError("InvalidParameterValueException", str(error)) from error


def _changed(row: dict[str, Any], params: Params) -> dict[str, Any]:
    try:
        source_settings.refuse_unread(params)
        return source_settings.updated(source_settings.kind_of(row["EventSourceArn"]), row, params)
    except NotEmulated as error:
        message = f"lambda: UpdateEventSourceMapping: {error} is not emulated yet; nothing was done"
        raise EmulatorError(message) from error
    except InvalidMapping as error:
        raise AwsError("InvalidParameterValueException", str(error)) from error


def _target(kernel: Kernel, reference: str) -> tuple[dict[str, Any], str]:
    """The row of the version that is meant now, and the ARN with the version or alias that the reference carries."""
    asked = qualifiers.parse(reference)
    try:
        return records.target(kernel, asked).row, records.qualified_arn(kernel, asked)
    except AwsError as error:
        raise AwsError("InvalidParameterValueException", "Function does not exist") from error


def _refuse_second(kernel: Kernel, mapping: dict[str, Any]) -> None:
    arn, function_arn = mapping["EventSourceArn"], mapping["FunctionArn"]
    kind = source_settings.kind_of(arn)
    for row in kernel.store.rows(MAPPING):
        is_another = row["UUID"] != mapping["UUID"]
        if is_another and (row["EventSourceArn"], row["FunctionArn"]) == (arn, function_arn):
            pair = f'arn (" {arn} ") and function (" {qualifiers.parse(function_arn).name} ")'
            both = (
                f"The event source {pair} provided mapping already exists."
                if kind.is_stream
                else f"An event source mapping with SQS {pair} already exists."
            )
            message = f"{both} Please update or delete the existing mapping with UUID {row['UUID']}"
            raise AwsError("ResourceConflictException", message, 409)


def _mapping(kernel: Kernel, uuid: str) -> dict[str, Any]:
    row = kernel.store.get(MAPPING, uuid)
    if row is None:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return row


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in _HIDDEN}


OPERATIONS: dict[str, Operation] = {
    "CreateEventSourceMapping": create_event_source_mapping,
    "GetEventSourceMapping": get_event_source_mapping,
    "ListEventSourceMappings": list_event_source_mappings,
    "UpdateEventSourceMapping": update_event_source_mapping,
    "DeleteEventSourceMapping": delete_event_source_mapping,
}
