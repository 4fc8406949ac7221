"""Replays: an archive's events come to their bus again, each with the replay's name in it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.events import archives, archiving, paging, records
from emulator.services.events.archiving import REPLAY_NAME
from emulator.services.events.delivery import Bus, Event

AWS_NAME = "StartReplay, DescribeReplay, ListReplays, CancelReplay"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html (read 2026-11-23)"
DIFFERS = "events come in the order of their times; AWS keeps that order to the minute only"

REPLAY = "events.replay"
RUNNING_MAX = 10
_ALIVE = ("STARTING", "RUNNING")


def start_replay(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["ReplayName"]
    _check(params, kernel)
    with kernel.store.transaction():
        if kernel.store.get(REPLAY, name):
            raise AwsError("ResourceAlreadyExistsException", f"Replay {name} already exists.")
        if sum(row["State"] in _ALIVE for row in kernel.store.rows(REPLAY)) >= RUNNING_MAX:
            raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        fields = ("ReplayName", "Description", "EventSourceArn", "Destination", "EventStartTime", "EventEndTime")
        row = {
            **{key: params[key] for key in fields if params.get(key) is not None},
            "ReplayArn": kernel.arn("events", f"replay/{name}"),
            "State": "STARTING",
            "ReplayStartTime": kernel.clock.now(),
        }
        kernel.store.put(REPLAY, name, row)
    kernel.dispatcher.post(f"replay {name}", partial(_run, kernel, name))
    return {key: row[key] for key in ("ReplayArn", "State", "ReplayStartTime")}


def describe_replay(params: Params, ctx: Context) -> Params:
    return _replay(ctx.kernel, params["ReplayName"])


def list_replays(params: Params, ctx: Context) -> Params:
    wanted = {"EventSourceArn": params.get("EventSourceArn"), "State": params.get("State")}
    hidden = ("ReplayArn", "Description", "Destination")
    found = [
        {key: value for key, value in row.items() if key not in hidden}
        for row in ctx.kernel.store.rows(REPLAY, params.get("NamePrefix") or "")
        if all(value in (None, row[key]) for key, value in wanted.items())
    ]
    return paging.answer(found, params, "Replays", "ReplayName")


def cancel_replay(params: Params, ctx: Context) -> Params:
    kernel = ctx.kernel
    with kernel.store.transaction():
        row = _replay(kernel, params["ReplayName"])
        if row["State"] not in _ALIVE:
            message = f"Replay {row['ReplayName']} is not in a valid state for this operation."
            raise AwsError("IllegalStatusException", message)
        kernel.store.put(REPLAY, row["ReplayName"], {**row, "State": "CANCELLING"})
    return {"ReplayArn": row["ReplayArn"], "State": "CANCELLING"}


def _check(params: Params, kernel: Kernel) -> None:
    source = params["EventSourceArn"]
    archive = archives.archive(kernel, source.rsplit("/", 1)[1])
    if archive["ArchiveArn"] != source:
        raise AwsError("ResourceNotFoundException", f"Archive {source} does not exist.")
    if params["Destination"]["Arn"] != archive["EventSourceArn"]:
        message = "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted."
        raise AwsError("ValidationException", message)
    if params["EventEndTime"] <= params["EventStartTime"]:
        message = "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."
        raise AwsError("ValidationException", message)


def _run(kernel: Kernel, name: str) -> None:
    row = _move(kernel, name, "RUNNING", "STARTING")
    bus, only = records.bus_name(row["Destination"], "Arn"), tuple(row["Destination"].get("FilterArns", []))
    for event in _events(kernel, row):
        if _replay(kernel, name)["State"] != "RUNNING":
            break
        Bus(kernel).send({**event, REPLAY_NAME: name}, bus, only)
        _note(kernel, name, EventLastReplayedTime=_time(event))
    _move(kernel, name, "COMPLETED", "RUNNING")
    _move(kernel, name, "CANCELLED", "CANCELLING")
    _note(kernel, name, ReplayEndTime=kernel.clock.now())


def _events(kernel: Kernel, row: dict[str, Any]) -> list[Event]:
    """What the archive holds of the replay's time."""
    archive = archives.archive(kernel, row["EventSourceArn"].rsplit("/", 1)[1])
    found = [one["Event"] for one in archiving.kept(kernel, archive)]
    return [event for event in found if row["EventStartTime"] <= _time(event) < row["EventEndTime"]]


def _time(event: Event) -> datetime:
    return datetime.fromisoformat(event["time"])


def _move(kernel: Kernel, name: str, state: str, only_from: str) -> dict[str, Any]:
    with kernel.store.transaction():
        row = _replay(kernel, name)
        return _note(kernel, name, State=state) if row["State"] == only_from else row


def _note(kernel: Kernel, name: str, **facts: Any) -> dict[str, Any]:
    with kernel.store.transaction():
        row = {**_replay(kernel, name), **facts}
        kernel.store.put(REPLAY, name, row)
    return row


def _replay(kernel: Kernel, name: str) -> dict[str, Any]:
    found = kernel.store.get(REPLAY, name)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Replay {name} does not exist.")
    return found


OPERATIONS: dict[str, Operation] = {
    "StartReplay": start_replay,
    "DescribeReplay": describe_replay,
    "ListReplays": list_replays,
    "CancelReplay": cancel_replay,
}
