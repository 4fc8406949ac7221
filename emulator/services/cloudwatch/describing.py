"""DescribeAlarms and DescribeAlarmsForMetric."""

from __future__ import annotations

from emulator.kernel.ports import Context, Operation, Params
from emulator.services.cloudwatch import composites, queries
from emulator.services.cloudwatch.records import ALARM, Row, alarm, invalid, page

_INTERNAL = frozenset({"Held"})


def describe_alarms(params: Params, ctx: Context) -> Params:
    """Alarms by name, prefix, type, state, action or relation; metric alarms only unless AlarmTypes says otherwise."""
    if params.get("AlarmNames") and params.get("AlarmNamePrefix"):
        raise invalid("AlarmNamePrefix and AlarmNames are mutually exclusive")
    shown, more = page(_found(params, ctx), params, 100)
    rows = [{name: value for name, value in row.items() if name not in _INTERNAL} for row in shown]
    return {
        "MetricAlarms": [row for row in rows if "AlarmRule" not in row],
        "CompositeAlarms": [row for row in rows if "AlarmRule" in row],
        **more,
    }


def _found(params: Params, ctx: Context) -> list[Row]:
    store = ctx.kernel.store
    if params.get("ChildrenOfAlarmName"):
        names = composites.children(_composite(params["ChildrenOfAlarmName"], ctx))
        return [row for name in names if (row := store.get(ALARM, name))]
    if params.get("ParentsOfAlarmName"):
        alarm(ctx.kernel, params["ParentsOfAlarmName"])
        return [alarm(ctx.kernel, name) for name in composites.parents(ctx.kernel, params["ParentsOfAlarmName"])]
    rows = store.rows(ALARM, params.get("AlarmNamePrefix") or "")
    types = params.get("AlarmTypes") or ["MetricAlarm"]
    return [row for row in rows if _type(row) in types and _fits(row, params)]


def _composite(name: str, ctx: Context) -> Row:
    row = alarm(ctx.kernel, name)
    if "AlarmRule" not in row:
        raise invalid(f"{name} is not a composite alarm")
    return row


def _type(row: Row) -> str:
    return "CompositeAlarm" if "AlarmRule" in row else "MetricAlarm"


def _fits(row: Row, params: Params) -> bool:
    names, state, action = params.get("AlarmNames"), params.get("StateValue"), params.get("ActionPrefix")
    held = [*row["OKActions"], *row["AlarmActions"], *row["InsufficientDataActions"]]
    return (
        (not names or row["AlarmName"] in names)
        and (not state or row["StateValue"] == state)
        and (not action or any(arn.startswith(action) for arn in held))
    )


def describe_alarms_for_metric(params: Params, ctx: Context) -> Params:
    """Alarms that watch exactly this metric, with the given statistic, period and unit if any."""
    wanted = queries.of(params)
    rows = [row for row in ctx.kernel.store.rows(ALARM) if "MetricName" in row and queries.of(row) == wanted]
    for name in ("Statistic", "ExtendedStatistic", "Period", "Unit"):
        if params.get(name) is not None:
            rows = [row for row in rows if row.get(name) == params[name]]
    return {"MetricAlarms": rows}


OPERATIONS: dict[str, Operation] = {
    "DescribeAlarms": describe_alarms,
    "DescribeAlarmsForMetric": describe_alarms_for_metric,
}
