"""Lists of schedules and of their executions."""

from __future__ import annotations

from emulator.kernel.ports import Context, Operation, Params
from emulator.kernel.store import Row
from emulator.services.sagemaker import listing, names

_SHOWN = (
    "MonitoringScheduleName",
    "MonitoringScheduleArn",
    "CreationTime",
    "LastModifiedTime",
    "MonitoringScheduleStatus",
    "EndpointName",
    "MonitoringType",
)
_BY = {"CreationTime": "CreationTime", "ScheduledTime": "ScheduledTime", "Status": "MonitoringExecutionStatus"}


def list_monitoring_schedules(params: Params, ctx: Context) -> Params:
    name, status = "MonitoringScheduleName", "MonitoringScheduleStatus"
    rows = [_summary(row) for row in ctx.kernel.store.rows(names.MONITORING_SCHEDULE)]
    found = [row for row in listing.keep(rows, params, name, status) if _is_asked(row, params)]
    page = listing.page(found, params, listing.by(params, name, status), is_descending=True)
    return listing.answer("MonitoringScheduleSummaries", page)


def list_monitoring_executions(params: Params, ctx: Context) -> Params:
    schedule = params.get("MonitoringScheduleName")
    rows = ctx.kernel.store.rows(names.MONITORING_EXECUTION, f"{schedule}/" if schedule else "")
    field = _BY[params.get("SortBy") or "CreationTime"]
    kept = listing.keep(rows, params, "MonitoringScheduleName", "MonitoringExecutionStatus")
    found = [row for row in kept if _is_asked(row, params) and _is_due_between(row, params)]
    page = listing.page(found, params, lambda row: (row[field], row["_Key"]), is_descending=True)
    return listing.answer("MonitoringExecutionSummaries", listing.Page(list(map(names.public, page.items)), page.token))


def _summary(row: Row) -> Row:
    definition = row["MonitoringScheduleConfig"].get("MonitoringJobDefinitionName")
    shown = {field: row[field] for field in _SHOWN}
    return {**shown, **({"MonitoringJobDefinitionName": definition} if definition else {})}


def _is_asked(row: Row, params: Params) -> bool:
    wanted = {
        "EndpointName": params.get("EndpointName"),
        "MonitoringJobDefinitionName": params.get("MonitoringJobDefinitionName"),
        "MonitoringType": params.get("MonitoringTypeEquals"),
    }
    return all(value in (None, row.get(field)) for field, value in wanted.items())


def _is_due_between(row: Row, params: Params) -> bool:
    before, after = params.get("ScheduledTimeBefore"), params.get("ScheduledTimeAfter")
    return (before is None or row["ScheduledTime"] < before) and (after is None or row["ScheduledTime"] > after)


OPERATIONS: dict[str, Operation] = {
    "ListMonitoringSchedules": list_monitoring_schedules,
    "ListMonitoringExecutions": list_monitoring_executions,
}
