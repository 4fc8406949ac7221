"""The alert of each schedule: its limits, its state, and when that changed."""

from __future__ import annotations

from emulator.kernel.errors import AwsError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.kernel.store import Row
from emulator.semantics.monitoring import alerts, statuses
from emulator.services.sagemaker import listing, names

KIND = names.MONITORING_ALERT
_CHANGE = names.ALERT_CHANGE
_PAGE = 100
_ACTIONS = {"ModelDashboardIndicator": {"Enabled": True}}


def make(kernel: Kernel, schedule: str) -> None:
    """A new schedule's alert."""
    now = kernel.clock.now()
    row = {
        "MonitoringAlertName": schedule,
        "CreationTime": now,
        "LastModifiedTime": now,
        "AlertStatus": alerts.OK,
        "DatapointsToAlert": alerts.DEFAULT_DATAPOINTS,
        "EvaluationPeriod": alerts.DEFAULT_PERIOD,
        "Actions": _ACTIONS,
    }
    kernel.store.put(KIND, schedule, row)


def forget(kernel: Kernel, schedule: str) -> None:
    """The schedule's alert and its history go with it."""
    kernel.store.delete(KIND, schedule)
    for row in kernel.store.rows(_CHANGE, f"{schedule}/"):
        kernel.store.delete(_CHANGE, row["_Key"])


def evaluate(kernel: Kernel, schedule: str, executions: list[Row]) -> None:
    """After an execution: `executions` are the schedule's, the latest first."""
    ended = [row["MonitoringExecutionStatus"] for row in executions]
    ended = [status for status in ended if status in statuses.ENDED and status != "Stopped"]
    with kernel.store.transaction():
        row = kernel.store.get(KIND, schedule)
        if row is not None:
            _settle(kernel, schedule, row, alerts.status(ended, row["DatapointsToAlert"], row["EvaluationPeriod"]))


def list_monitoring_alerts(params: Params, ctx: Context) -> Params:
    row = _existing(ctx.kernel, params["MonitoringScheduleName"])
    page = listing.page([row], {"MaxResults": _PAGE, **params}, lambda item: (item["MonitoringAlertName"],))
    return listing.answer("MonitoringAlertSummaries", page)


def update_monitoring_alert(params: Params, ctx: Context) -> Params:
    kernel, schedule = ctx.kernel, params["MonitoringScheduleName"]
    limits = {name: params[name] for name in ("DatapointsToAlert", "EvaluationPeriod")}
    if reason := alerts.refusal(*limits.values()):
        raise validation(reason)
    with kernel.store.transaction():
        row = _existing(kernel, schedule, params["MonitoringAlertName"])
        kernel.store.put(KIND, schedule, {**row, **limits, "LastModifiedTime": kernel.clock.now()})
    return {
        "MonitoringScheduleArn": names.lower_arn(kernel, "monitoring-schedule", schedule),
        "MonitoringAlertName": row["MonitoringAlertName"],
    }


def list_monitoring_alert_history(params: Params, ctx: Context) -> Params:
    schedule = params.get("MonitoringScheduleName")
    if schedule:
        _existing(ctx.kernel, schedule, params.get("MonitoringAlertName"))
    rows = ctx.kernel.store.rows(_CHANGE, f"{schedule}/" if schedule else "")
    found = [names.public(row) for row in rows if _passes(row, params)]
    field = "AlertStatus" if params.get("SortBy") == "Status" else "CreationTime"
    page = listing.page(
        found,
        {"MaxResults": _PAGE, **params},
        lambda item: (item[field], item["CreationTime"], item["MonitoringScheduleName"]),
        is_descending=True,
    )
    return listing.answer("MonitoringAlertHistory", page)


def _settle(kernel: Kernel, schedule: str, row: Row, status: str) -> None:
    if status == row["AlertStatus"]:
        return
    now = kernel.clock.now()
    kernel.store.put(KIND, schedule, {**row, "AlertStatus": status})
    change = {
        "MonitoringScheduleName": schedule,
        "MonitoringAlertName": row["MonitoringAlertName"],
        "CreationTime": now,
        "AlertStatus": status,
        "_Key": f"{schedule}/{now.isoformat()}",
    }
    kernel.store.put(_CHANGE, change["_Key"], change)
    kernel.journal.append("monitoring.alert", schedule, status=status)


def _passes(row: Row, params: Params) -> bool:
    """Times are included, as the page says."""
    at, before, after = row["CreationTime"], params.get("CreationTimeBefore"), params.get("CreationTimeAfter")
    return (
        params.get("MonitoringAlertName") in (None, row["MonitoringAlertName"])
        and params.get("StatusEquals") in (None, row["AlertStatus"])
        and (before is None or at <= before)
        and (after is None or at >= after)
    )


def _existing(kernel: Kernel, schedule: str, name: str | None = None) -> Row:
    row = kernel.store.get(KIND, schedule)
    if row is None:
        arn = names.lower_arn(kernel, "monitoring-schedule", schedule)
        raise AwsError("ResourceNotFound", f"Could not find monitoring schedule {arn}.")
    if name not in (None, row["MonitoringAlertName"]):
        raise AwsError("ResourceNotFound", f"Could not find monitoring alert {name} of monitoring schedule {schedule}.")
    return row


OPERATIONS: dict[str, Operation] = {
    "ListMonitoringAlerts": list_monitoring_alerts,
    "UpdateMonitoringAlert": update_monitoring_alert,
    "ListMonitoringAlertHistory": list_monitoring_alert_history,
}
