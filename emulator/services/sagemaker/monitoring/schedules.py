"""Monitoring schedules: their records, and what makes them run.

AWS_NAME: CreateMonitoringSchedule, UpdateMonitoringSchedule, StartMonitoringSchedule, StopMonitoringSchedule,
    DeleteMonitoringSchedule, DescribeMonitoringSchedule
SOURCE: the API reference pages of these operations, read 2026-11-24
DIFFERS: whether an endpoint with schedules can be deleted is not documented; here it can, and its executions fail.
    Updating a schedule while it is Pending is refused in the words known of deleting one.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from emulator.kernel import timers
from emulator.kernel.errors import AwsError, EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.kernel.timers import Timer
from emulator.semantics.monitoring import definitions as semantics
from emulator.semantics.monitoring import expressions, statuses, windows
from emulator.semantics.monitoring.definitions import Definition
from emulator.services.sagemaker import names, tags
from emulator.services.sagemaker.hosting import endpoint_records
from emulator.services.sagemaker.monitoring import alerts, definitions, executions
from emulator.services.sagemaker.monitoring.executions import KIND, existing


def create_monitoring_schedule(params: Params, ctx: Context) -> Params:
    kernel, name, config = ctx.kernel, params["MonitoringScheduleName"], params["MonitoringScheduleConfig"]
    definition, expression = _checked(kernel, config, "CreateMonitoringSchedule")
    arn, now = names.lower_arn(kernel, "monitoring-schedule", name), kernel.clock.now()
    row = {
        "MonitoringScheduleName": name,
        "MonitoringScheduleArn": arn,
        "MonitoringScheduleStatus": "Pending",
        "CreationTime": now,
        "LastModifiedTime": now,
        **_about(config, definition, expression),
    }
    with kernel.store.transaction():
        if kernel.store.get(KIND, name):
            raise AwsError("ResourceInUse", f"Monitoring Schedule {arn} already exists.")
        kernel.store.put(KIND, name, row)
        tags.put(kernel, arn, params.get("Tags"))
        alerts.make(kernel, name)
    kernel.dispatcher.post(f"monitoring schedule {name}", partial(_apply, kernel, name, runs_now=True))
    return {"MonitoringScheduleArn": arn}


def update_monitoring_schedule(params: Params, ctx: Context) -> Params:
    """Replace the whole config; a schedule that was stopped starts again."""
    kernel, name, config = ctx.kernel, params["MonitoringScheduleName"], params["MonitoringScheduleConfig"]
    existing(kernel, name)
    definition, expression = _checked(kernel, config, "UpdateMonitoringSchedule")
    row = _move(kernel, name, "Pending", **_about(config, definition, expression))
    kernel.dispatcher.post(f"monitoring schedule {name}", partial(_apply, kernel, name, runs_now=True))
    return {"MonitoringScheduleArn": row["MonitoringScheduleArn"]}


def start_monitoring_schedule(params: Params, ctx: Context) -> Params:
    _move(ctx.kernel, params["MonitoringScheduleName"], "Scheduled")
    _follow(ctx.kernel, params["MonitoringScheduleName"])
    return {}


def stop_monitoring_schedule(params: Params, ctx: Context) -> Params:
    """No new executions begin; what runs goes on."""
    row = _move(ctx.kernel, params["MonitoringScheduleName"], "Stopped")
    timers.of(ctx.kernel).stop(row["MonitoringScheduleArn"])
    return {}


def delete_monitoring_schedule(params: Params, ctx: Context) -> Params:
    """Its executions stay on record."""
    kernel, name = ctx.kernel, params["MonitoringScheduleName"]
    with kernel.store.transaction():
        row = existing(kernel, name)
        try:
            statuses.check_deletable(row["MonitoringScheduleStatus"])
        except statuses.IllegalMove as error:
            raise validation(str(error)) from error
        kernel.store.delete(KIND, name)
        tags.forget(kernel, row["MonitoringScheduleArn"])
        alerts.forget(kernel, name)
    timers.of(kernel).stop(row["MonitoringScheduleArn"])
    return {}


def describe_monitoring_schedule(params: Params, ctx: Context) -> Params:
    row = existing(ctx.kernel, params["MonitoringScheduleName"])
    latest = executions.latest(ctx.kernel, row["MonitoringScheduleName"])
    return {**names.public(row), **({"LastMonitoringExecutionSummary": names.public(latest[0])} if latest else {})}


def resume(kernel: Kernel) -> None:
    """After a start of the emulator: schedules that were made before it go on, and what ran then has failed."""
    executions.give_up_unended(kernel)
    for row in kernel.store.rows(KIND):
        match row["MonitoringScheduleStatus"]:
            case "Pending":
                _apply(kernel, row["MonitoringScheduleName"], runs_now=True)
            case "Scheduled":
                _follow(kernel, row["MonitoringScheduleName"])


def _apply(kernel: Kernel, name: str, runs_now: bool) -> None:
    """What was created or changed takes effect."""
    row = _move(kernel, name, "Scheduled")
    if row["_Expression"] == expressions.NOW and runs_now:
        executions.begin(kernel, name, kernel.clock.now())
    _follow(kernel, name)


def _follow(kernel: Kernel, name: str) -> None:
    """(Re)start the schedule's timer."""
    row = existing(kernel, name)
    expression = expressions.parse(row["_Expression"])
    timer = Timer(partial(expressions.next_due, expression), partial(_due, kernel, name))
    timers.of(kernel).start(row["MonitoringScheduleArn"], timer, kernel.clock.now())


def _due(kernel: Kernel, name: str, at: datetime) -> None:
    """A job starts some minutes later than it is due, each time others."""
    delay_s = expressions.START_DELAY_MAX_S * kernel.ids.unit()
    kernel.dispatcher.post(f"monitoring schedule {name}", partial(executions.begin, kernel, name, at), delay_s)


def _move(kernel: Kernel, name: str, status: str, **changes: Any) -> Row:
    with kernel.store.transaction():
        row = existing(kernel, name)
        try:
            row["MonitoringScheduleStatus"] = statuses.move(row["MonitoringScheduleStatus"], status)
        except statuses.IllegalMove as error:
            raise validation(str(error)) from error
        row.update(changes, LastModifiedTime=kernel.clock.now())
        kernel.store.put(KIND, name, row)
    kernel.journal.append("monitoring.schedule", row["MonitoringScheduleArn"], status=status)
    return row


def _about(config: Params, definition: Definition, expression: str) -> Row:
    return {
        "MonitoringScheduleConfig": config,
        "MonitoringType": definition.kind,
        "EndpointName": definition.endpoint,
        "_Expression": expression,
    }


def _checked(kernel: Kernel, config: Params, operation: str) -> tuple[Definition, str]:
    """What is to run and when; everything that AWS or we cannot take is refused before anything has happened."""
    definition = definitions.of_schedule(kernel, config)
    schedule = config.get("ScheduleConfig") or {}
    text = schedule.get("ScheduleExpression") or expressions.at_hour(int(24 * kernel.ids.unit()))
    try:
        expression = expressions.parse(text)
    except expressions.InvalidExpression as error:
        raise validation(str(error)) from error
    reason = (
        semantics.refusal(definition)
        or windows.refusal(expression, schedule, definition.source)
        or semantics.runtime_refusal(definition, expression)
    )
    if reason:
        raise validation(reason)
    if lacking := semantics.not_emulated(definition):
        raise EmulatorError(f"sagemaker: {operation}: {lacking}")
    _check_endpoint(kernel, str(definition.endpoint))
    return definition, text


def _check_endpoint(kernel: Kernel, name: str) -> None:
    """It must exist and capture what it is asked."""
    endpoint = endpoint_records.existing(kernel, name)
    if not executions.capture_of(kernel, endpoint):
        raise validation(f"Endpoint {endpoint['EndpointArn']} has no DataCaptureConfig.")


OPERATIONS: dict[str, Operation] = {
    "CreateMonitoringSchedule": create_monitoring_schedule,
    "UpdateMonitoringSchedule": update_monitoring_schedule,
    "StartMonitoringSchedule": start_monitoring_schedule,
    "StopMonitoringSchedule": stop_monitoring_schedule,
    "DeleteMonitoringSchedule": delete_monitoring_schedule,
    "DescribeMonitoringSchedule": describe_monitoring_schedule,
}
