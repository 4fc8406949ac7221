"""Schedules: their records and what makes them fire."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.events import delivery
from emulator.semantics.events import schedules as expressions
from emulator.services.scheduler import records, targets
from emulator.services.scheduler.engine import Engine
from emulator.services.scheduler.records import DEFAULT_GROUP, SCHEDULE

AWS_NAME = "CreateSchedule, UpdateSchedule, GetSchedule, ListSchedules, DeleteSchedule"
SOURCE = "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html (read 2026-11-23)"
DIFFERS = "KmsKeyArn is refused; StartDate and EndDate may lie in the past; a one-time schedule of the past never fires"
_FIELDS = (
    "Name",
    "ScheduleExpression",
    "StartDate",
    "EndDate",
    "Description",
    "FlexibleTimeWindow",
)
_HIDDEN = ("ClientToken", "Version")


def create_schedule(params: Params, ctx: Context) -> Params:
    """Make a schedule; the same ClientToken again answers the schedule that it made."""
    kernel, group, name = ctx.kernel, params.get("GroupName") or DEFAULT_GROUP, params["Name"]
    _check(params, "CreateSchedule")
    with kernel.store.transaction():
        records.group(kernel, group)
        found = kernel.store.get(SCHEDULE, records.key(group, name))
        if found and found["ClientToken"] == params.get("ClientToken") is not None:
            return {"ScheduleArn": found["Arn"]}
        if found:
            raise AwsError("ConflictException", f"Schedule {name} already exists.", 409)
        row = _row(params, group, ctx)
        kernel.store.put(SCHEDULE, records.key(group, name), row)
    Engine(kernel).follow(row)
    return {"ScheduleArn": row["Arn"]}


def update_schedule(params: Params, ctx: Context) -> Params:
    """Replace a schedule as a whole: what is not given goes back to its default, as on AWS."""
    kernel, group = ctx.kernel, params.get("GroupName") or DEFAULT_GROUP
    _check(params, "UpdateSchedule")
    with kernel.store.transaction():
        before = records.schedule(kernel, group, params["Name"])
        row = {**_row(params, group, ctx), "CreationDate": before["CreationDate"]}
        kernel.store.put(SCHEDULE, records.key(group, row["Name"]), row)
    Engine(kernel).follow(row)
    return {"ScheduleArn": row["Arn"]}


def get_schedule(params: Params, ctx: Context) -> Params:
    row = records.schedule(ctx.kernel, params.get("GroupName") or DEFAULT_GROUP, params["Name"])
    return {key: value for key, value in row.items() if key not in _HIDDEN}


def list_schedules(params: Params, ctx: Context) -> Params:
    group, prefix, state = params.get("GroupName"), params.get("NamePrefix") or "", params.get("State")
    if group:
        records.group(ctx.kernel, group)
    rows = ctx.kernel.store.rows(SCHEDULE, f"{group}/" if group else "")
    fields = ("Arn", "Name", "GroupName", "State", "CreationDate", "LastModificationDate")
    found = [
        {**{key: row[key] for key in fields}, "Target": {"Arn": row["Target"]["Arn"]}}
        for row in rows
        if row["Name"].startswith(prefix) and state in (None, row["State"])
    ]
    return records.page(found, params, "Schedules", "Arn")


def delete_schedule(params: Params, ctx: Context) -> Params:
    group = params.get("GroupName") or DEFAULT_GROUP
    Engine(ctx.kernel).forget(records.schedule(ctx.kernel, group, params["Name"]))
    return {}


def _row(params: Params, group: str, ctx: Context) -> dict[str, Any]:
    now = ctx.kernel.clock.now()
    return {
        "Arn": ctx.kernel.arn("scheduler", f"schedule/{group}/{params['Name']}"),
        "GroupName": group,
        "State": params.get("State") or "ENABLED",
        "ScheduleExpressionTimezone": params.get("ScheduleExpressionTimezone") or "UTC",
        "ActionAfterCompletion": params.get("ActionAfterCompletion") or "NONE",
        "CreationDate": now,
        "LastModificationDate": now,
        "Target": _with_defaults(params["Target"]),
        "ClientToken": params.get("ClientToken"),
        "Version": ctx.kernel.ids.uuid(),
        **{key: params[key] for key in _FIELDS if params.get(key) is not None},
    }


def _with_defaults(target: dict[str, Any]) -> dict[str, Any]:
    bounds = {"MaximumEventAgeInSeconds": delivery.MAX_AGE_S, "MaximumRetryAttempts": delivery.MAX_ATTEMPTS}
    return {**target, "RetryPolicy": {**bounds, **(target.get("RetryPolicy") or {})}}


def _check(params: Params, operation: str) -> None:
    if params.get("KmsKeyArn"):
        raise EmulatorError(f"scheduler: {operation}: KmsKeyArn is not emulated yet; nothing was done")
    _check_times(params)
    _check_window(params["FlexibleTimeWindow"])
    targets.check(params["Target"])


def _check_times(params: Params) -> None:
    try:
        expressions.parse(params["ScheduleExpression"])
    except expressions.InvalidSchedule as error:
        message = f"Invalid Schedule Expression {params['ScheduleExpression']}. {error}"
        raise AwsError("ValidationException", message) from error
    try:
        ZoneInfo(params.get("ScheduleExpressionTimezone") or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        message = f"The ScheduleExpressionTimezone {params['ScheduleExpressionTimezone']} is not valid."
        raise AwsError("ValidationException", message) from error
    start, end = params.get("StartDate"), params.get("EndDate")
    if start and end and end - start <= timedelta(0):
        raise AwsError("ValidationException", "The EndDate must be after the StartDate.")


def _check_window(window: dict[str, Any]) -> None:
    minutes = window.get("MaximumWindowInMinutes")
    if window["Mode"] == "OFF" and minutes is not None:
        raise AwsError("ValidationException", "MaximumWindowInMinutes must not be set when Mode is OFF.")
    if window["Mode"] == "FLEXIBLE" and minutes is None:
        raise AwsError("ValidationException", "MaximumWindowInMinutes is required when Mode is FLEXIBLE.")


OPERATIONS: dict[str, Operation] = {
    "CreateSchedule": create_schedule,
    "UpdateSchedule": update_schedule,
    "GetSchedule": get_schedule,
    "ListSchedules": list_schedules,
    "DeleteSchedule": delete_schedule,
}
