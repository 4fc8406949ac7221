"""Composite alarms: their rules over the states of other alarms, children first."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from emulator.kernel.ports import Kernel
from emulator.semantics.cloudwatch import alarm_reasons, composite_rules
from emulator.semantics.cloudwatch.alarm_events import State
from emulator.services.cloudwatch import transitions
from emulator.services.cloudwatch.records import ALARM, Row, alarm_name


def evaluate_all(kernel: Kernel, now: datetime) -> datetime | None:
    """Bring every composite alarm up to date; answers when a held action is due next.

    Alarms on a cycle stay as they are, as on AWS.
    """
    alarms = {row["AlarmName"]: row for row in kernel.store.rows(ALARM)}
    due: list[datetime] = []
    for name in _children_first(alarms):
        _evaluate(kernel, name, now)
        again = transitions.look_at_suppressor(kernel, name, now)
        due += [again] if again else []
    return min(due, default=None)


def children(alarm: Row) -> list[str]:
    """Names of the alarms that a composite alarm's rule mentions."""
    return [alarm_name(child) for child in composite_rules.children(composite_rules.parse(alarm["AlarmRule"]))]


def parents(kernel: Kernel, name: str) -> list[str]:
    """Names of the composite alarms whose rule mentions the alarm."""
    rows = kernel.store.rows(ALARM)
    return [row["AlarmName"] for row in rows if "AlarmRule" in row and name in children(row)]


def _children_first(alarms: dict[str, Row]) -> list[str]:
    waiting = {name: set(children(row)) for name, row in alarms.items() if "AlarmRule" in row}
    order: list[str] = []
    while ready := [name for name, needed in waiting.items() if not needed & waiting.keys()]:
        order += ready
        for name in ready:
            del waiting[name]
    return order


def _evaluate(kernel: Kernel, name: str, now: datetime) -> None:
    row = kernel.store.get(ALARM, name)
    if row is None:
        return
    rule = composite_rules.parse(row["AlarmRule"])
    held = {child: kernel.store.get(ALARM, alarm_name(child)) for child in composite_rules.children(rule)}
    found = {child: alarm for child, alarm in held.items() if alarm is not None}
    holds = composite_rules.evaluate(rule, {child: alarm["StateValue"] for child, alarm in found.items()})
    value = "ALARM" if holds else "OK"
    if value != row["StateValue"]:
        after = _state(row, value, list(found.values()), now)
        transitions.change(kernel, name, after, row["AlarmConfigurationUpdatedTimestamp"])


def _state(row: Row, value: str, found: list[Row], now: datetime) -> State:
    if row["StateValue"] == "INSUFFICIENT_DATA" or not found:
        told, triggering = f"{row['AlarmArn']} was created and its alarm rule evaluates to {value}", found
    else:
        latest = max(found, key=lambda child: child["StateTransitionedTimestamp"])
        at = latest["StateTransitionedTimestamp"].astimezone(UTC)
        when = f"{at:%A %d %B, %Y %H:%M:%S} UTC"
        told, triggering = f"{latest['AlarmArn']} transitioned to {latest['StateValue']} at {when}", [latest]
    data = {"triggeringAlarms": [_triggering(child) for child in triggering]}
    return State(value, told[:1023], now, json.dumps(data, separators=(",", ":"))[:4000])


def _triggering(child: Row) -> dict[str, object]:
    at = alarm_reasons.stamp(child["StateTransitionedTimestamp"])
    return {"arn": child["AlarmArn"], "state": {"value": child["StateValue"], "timestamp": at}}
