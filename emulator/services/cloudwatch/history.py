"""DescribeAlarmHistory, and the items that it shows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.semantics.cloudwatch.alarm_events import State
from emulator.services.cloudwatch.records import HISTORY, Row, page, utc

COUNT = "cloudwatch.history_count"
"""How many items an alarm's name has had, so that those of one instant keep their order."""

KEPT = timedelta(days=30)
"""SOURCE: API_DescribeAlarmHistory: CloudWatch keeps the history of an alarm for 30 days (read 2026-11-23)."""


def state_update(kernel: Kernel, alarm: Row, before: State, after: State) -> None:
    data = {"version": "1.0", "oldState": _state(before), "newState": _state(after)}
    add(kernel, alarm, "StateUpdate", f"Alarm updated from {before.value} to {after.value}", data, after.at)


def configuration_update(kernel: Kernel, alarm: Row, kind: str, at: datetime) -> None:
    """`kind`: Create, Update or Delete."""
    told = {"Create": "created", "Update": "updated", "Delete": "deleted"}[kind]
    data = {"version": "1.0", "type": kind, f"{told}Alarm": {"alarmName": alarm["AlarmName"]}}
    add(kernel, alarm, "ConfigurationUpdate", f'Alarm "{alarm["AlarmName"]}" {told}', data, at)


def action(kernel: Kernel, alarm: Row, arn: str, state: str, error: str | None = None) -> None:
    """An action was run, or (with `error`) could not be."""
    summary = f"Failed to execute action {arn}. Reason: {error}" if error else f"Successfully executed action {arn}"
    data = {
        "actionState": "Failed" if error else "Succeeded",
        "stateUpdateTimestamp": int(alarm["StateUpdatedTimestamp"].timestamp() * 1000),
        "notificationResource": arn,
        "alarmState": state,
        **({"error": error} if error else {}),
    }
    add(kernel, alarm, "Action", summary, data, kernel.clock.now())


def add(kernel: Kernel, alarm: Row, kind: str, summary: str, data: dict[str, Any], at: datetime) -> None:
    """Keep an item."""
    name = alarm["AlarmName"]
    item = {
        "AlarmName": name,
        "AlarmType": "CompositeAlarm" if "AlarmRule" in alarm else "MetricAlarm",
        "Timestamp": at,
        "HistoryItemType": kind,
        "HistorySummary": summary[:255],
        "HistoryData": json.dumps(data, separators=(",", ":"))[:4095],
    }
    with kernel.store.transaction():
        number = (kernel.store.get(COUNT, name) or {"Next": 1})["Next"]
        kernel.store.put(COUNT, name, {"Next": number + 1})
        key = f"{name}\n{number:012d}"
        kernel.store.put(HISTORY, key, {**item, "Key": key})


def prune(kernel: Kernel, now: datetime) -> None:
    """Drop what has become too old."""
    with kernel.store.transaction():
        for item in kernel.store.rows(HISTORY):
            if item["Timestamp"] < now - KEPT:
                kernel.store.delete(HISTORY, item["Key"])


def describe_alarm_history(params: Params, ctx: Context) -> Params:
    """History items, newest first unless ScanBy says otherwise."""
    prefix = f"{params['AlarmName']}\n" if params.get("AlarmName") else ""
    types = params.get("AlarmTypes") or ["MetricAlarm"]
    if params.get("AlarmName"):
        types = params.get("AlarmTypes") or ["MetricAlarm", "CompositeAlarm"]
    found = [item for item in ctx.kernel.store.rows(HISTORY, prefix) if item["AlarmType"] in types]
    if params.get("HistoryItemType"):
        found = [item for item in found if item["HistoryItemType"] == params["HistoryItemType"]]
    if params.get("StartDate"):
        found = [item for item in found if item["Timestamp"] >= utc(params["StartDate"])]
    if params.get("EndDate"):
        found = [item for item in found if item["Timestamp"] <= utc(params["EndDate"])]
    is_ascending = params.get("ScanBy") == "TimestampAscending"
    found.sort(key=lambda item: (item["Timestamp"], item["Key"]), reverse=not is_ascending)
    shown, more = page(found, params, 100)
    return {"AlarmHistoryItems": [{k: v for k, v in item.items() if k != "Key"} for item in shown], **more}


def _state(state: State) -> dict[str, Any]:
    data = {} if state.reason_data is None else {"stateReasonData": _json(state.reason_data)}
    return {"stateValue": state.value, "stateReason": state.reason, **data}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


OPERATIONS: dict[str, Operation] = {"DescribeAlarmHistory": describe_alarm_history}
