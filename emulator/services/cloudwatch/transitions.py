"""An alarm's state changes: recorded, told to the default bus, acted on; once, however many ask for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from emulator.kernel.ports import Kernel
from emulator.semantics.cloudwatch import alarm_events, suppression
from emulator.semantics.cloudwatch.alarm_events import State
from emulator.services.cloudwatch import actions, history
from emulator.services.cloudwatch.records import ALARM, Row, alarm_name


def change(kernel: Kernel, name: str, after: State, configured_at: datetime | None = None) -> bool:
    """Move an alarm to a state; answers whether it was in another.

    Args:
        configured_at: evaluate nothing of an alarm that was reconfigured (or deleted) meanwhile.
    """
    with kernel.store.transaction():
        row = kernel.store.get(ALARM, name)
        if row is None or configured_at not in (None, row["AlarmConfigurationUpdatedTimestamp"]):
            return False
        before = alarm_events.state_of(row)
        if before.value == after.value:
            return False
        step = _suppressed(kernel, row, True, after.at)
        after = replace(after, suppressed_by=step.held.by if step.held else None)
        _write(row, after)
        _hold(row, step.held)
        kernel.store.put(ALARM, name, row)
        history.state_update(kernel, row, before, after)
    detail = alarm_events.state_change(row, before, after)
    kernel.journal.append("cloudwatch.alarm.changed", name, before=before.value, after=after.value, reason=after.reason)
    kernel.publish("aws.cloudwatch", alarm_events.STATE_CHANGE, detail, [row["AlarmArn"]])
    if step.acts:
        actions.run(kernel, row, before, after)
    return True


def look_at_suppressor(kernel: Kernel, name: str, now: datetime) -> datetime | None:
    """Go on holding a composite alarm's actions back, or run them now; answers when to look again."""
    with kernel.store.transaction():
        row = kernel.store.get(ALARM, name)
        if row is None or "Held" not in row:
            return None
        before = alarm_events.state_of(row)
        step = _suppressed(kernel, row, False, now)
        _hold(row, step.held)
        kernel.store.put(ALARM, name, row)
    if step.acts:
        actions.run(kernel, row, before, replace(before, suppressed_by=None, at=now))
    return step.held.until if step.held else None


def _write(row: Row, state: State) -> None:
    row |= {"StateValue": state.value, "StateReason": state.reason}
    row |= {"StateUpdatedTimestamp": state.at, "StateTransitionedTimestamp": state.at}
    row.pop("StateReasonData", None)
    if state.reason_data is not None:
        row["StateReasonData"] = state.reason_data


def _hold(row: Row, held: suppression.Held | None) -> None:
    for name in ("Held", "ActionsSuppressedBy", "ActionsSuppressedReason"):
        row.pop(name, None)
    if held is not None:
        row["Held"] = {"By": held.by, "Until": held.until}
        row |= {"ActionsSuppressedBy": held.by, "ActionsSuppressedReason": f"Actions suppressed by {held.by}"}


def _suppressed(kernel: Kernel, row: Row, has_changed: bool, now: datetime) -> suppression.Step:
    if "ActionsSuppressor" not in row:
        return suppression.Step(has_changed, None)
    suppressor = kernel.store.get(ALARM, alarm_name(row["ActionsSuppressor"]))
    is_suppressing = suppressor is not None and suppressor["StateValue"] == "ALARM"
    settings = suppression.Settings(row["ActionsSuppressorWaitPeriod"], row["ActionsSuppressorExtensionPeriod"])
    kept = row.get("Held")
    held = suppression.Held(kept["By"], kept["Until"]) if kept else None
    return suppression.step(settings, held, has_changed, is_suppressing, now)
