"""PutEvents: the caller's own events. A bad entry fails alone; the answer says which and why."""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.errors import EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.events import envelope
from emulator.services.events import records
from emulator.services.events.delivery import Bus


def put_events(params: Params, ctx: Context) -> Params:
    if params.get("EndpointId"):
        raise EmulatorError("events: PutEvents: EndpointId is not emulated yet; nothing was done")
    answers = [_put(entry, ctx) for entry in params["Entries"]]
    return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


def _put(entry: dict[str, Any], ctx: Context) -> dict[str, Any]:
    for name in ("Source", "DetailType", "Detail"):
        if not entry.get(name):
            return _failed("InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument.")
    if entry["Source"].startswith("aws."):
        return _failed("NotAuthorizedForSourceException", "Not authorized for the source.")
    if envelope.entry_size_bytes(entry) > envelope.ENTRY_LIMIT_BYTES:
        return _failed("InvalidArgument", "Total size of the entry is over 1 MB.")
    try:
        detail = json.loads(entry["Detail"])
    except ValueError:
        return _failed("MalformedDetail", "Detail is malformed.")
    if not isinstance(detail, dict):
        return _failed("MalformedDetail", "Detail is malformed.")
    return {"EventId": _hand_over(entry, detail, ctx)}


def _hand_over(entry: dict[str, Any], detail: dict[str, Any], ctx: Context) -> str:
    """A bus that is not there takes the event and nobody gets it, as on AWS; the journal says so."""
    kernel, bus = ctx.kernel, records.bus_name(entry)
    at = entry.get("Time") or kernel.clock.now()
    event_id = Bus(kernel).put(entry["Source"], entry["DetailType"], detail, entry.get("Resources", []), at, bus)
    if records.find_bus(kernel, bus) is None:
        kernel.journal.append("events.dropped", bus, correlation=event_id, error=f"event bus {bus} does not exist")
    return event_id


def _failed(code: str, message: str) -> dict[str, Any]:
    return {"ErrorCode": code, "ErrorMessage": message}


OPERATIONS: dict[str, Operation] = {"PutEvents": put_events}
