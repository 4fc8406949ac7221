"""What the scheduler does by itself: fires schedules when they are due, and invokes their targets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from emulator.kernel import timers
from emulator.kernel.errands import Errand, Errands
from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Principal
from emulator.kernel.timers import Timer
from emulator.semantics.events import dead_letters, delivery, schedules
from emulator.semantics.events.envelope import time_text
from emulator.semantics.events.target_calls import Message
from emulator.semantics.scheduler import notifications
from emulator.semantics.scheduler.notifications import Invocation
from emulator.services.scheduler import records, targets
from emulator.services.scheduler.records import SCHEDULE

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True)
class _Due:
    """One due time of a schedule; its ids stay the same over all tries."""

    row: dict[str, Any]
    at: datetime
    delivery_id: str
    execution_id: str


class Engine:
    """Follows schedules. Timers live in memory: they end with the process."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def follow(self, row: dict[str, Any]) -> None:
        """Start, restart or stop the schedule's timer, as its state says."""
        if row["State"] == "DISABLED":
            timers.of(self._kernel).stop(row["Arn"])
            return
        schedule, now = schedules.parse(row["ScheduleExpression"]), self._kernel.clock.now()
        start = row.get("StartDate") or now
        begins_now = isinstance(schedule, schedules.Rate) and start == now
        waits = start > now and not isinstance(schedule, schedules.At)
        after = start - _INSTANT if waits or begins_now else now
        timer = Timer(partial(_next, row, schedule, start), partial(self._fire, row), partial(self._complete, row))
        timers.of(self._kernel).start(row["Arn"], timer, after)

    def forget(self, row: dict[str, Any]) -> None:
        """Delete the schedule; what is on its way to a target goes on."""
        timers.of(self._kernel).stop(row["Arn"])
        self._kernel.store.delete(SCHEDULE, records.key(row["GroupName"], row["Name"]))

    def _fire(self, row: dict[str, Any], at: datetime) -> None:
        """Within the flexible window: at a moment of its own, drawn anew each time."""
        window_s = _window_s(row)
        delay_s = window_s * self._kernel.ids.unit() if window_s else 0
        due = _Due(row, at, self._kernel.ids.uuid(), self._kernel.ids.alnum(16))
        self._kernel.dispatcher.post(f"schedule {row['Name']}", partial(self._invoke, due), delay_s)

    def _invoke(self, due: _Due) -> None:
        row = due.row
        self._kernel.journal.append("scheduler.fired", row["Name"], correlation=due.delivery_id, due=due.at)
        errand = Errand(f"schedule {row['Name']}", partial(self._send, due), partial(self._after_failure, due))
        Errands(self._kernel.clock, self._kernel.dispatcher).run(errand)

    def _send(self, due: _Due, tries: int) -> None:
        target = due.row["Target"]
        principal = Principal(target["RoleArn"], self._kernel.account_id)
        for call in targets.calls(target, self._message(due, tries)):
            answer = self._kernel.calls(call.service, call.operation, call.params, principal)
            if error := targets.refused(call, answer):
                raise error
        facts = {"correlation": due.delivery_id, "target": target["Arn"]}
        self._kernel.journal.append("scheduler.delivered", due.row["Name"], **facts)

    def _message(self, due: _Due, tries: int) -> Message:
        kernel, arn = self._kernel, due.row["Arn"]
        event = notifications.default(arn, due.at, due.delivery_id, kernel.account_id, kernel.region)
        invocation = Invocation(arn, due.at, due.execution_id, tries)
        text = notifications.text(due.row["Target"].get("Input"), event, invocation)
        return Message(text, event, due.delivery_id, int(due.at.timestamp() * 1000), has_paths=False)

    def _after_failure(self, due: _Due, error: AwsError, tries: int, age_s: float) -> float | None:
        target = due.row["Target"]
        facts = {"correlation": due.delivery_id, "target": target["Arn"], "error": str(error), "attempt": tries}
        self._kernel.journal.append("scheduler.delivery.failed", due.row["Name"], **facts)
        match delivery.after_failure(delivery.policy_of(target), error.code, tries, age_s):
            case delivery.Retry(delay_s):
                return delay_s
            case delivery.GiveUp() as verdict:
                self._give_up(due, error, verdict, tries)
                return None

    def _give_up(self, due: _Due, error: AwsError, verdict: delivery.GiveUp, tries: int) -> None:
        target = due.row["Target"]
        queue_arn = (target.get("DeadLetterConfig") or {}).get("Arn")
        kind = "scheduler.dead_lettered" if queue_arn else "scheduler.dropped"
        facts = {"correlation": due.delivery_id, "target": target["Arn"], "error": str(error)}
        self._kernel.journal.append(kind, due.row["Name"], **facts)
        if not queue_arn:
            return
        why = {
            "SCHEDULE_ARN": due.row["Arn"],
            "TARGET_ARN": target["Arn"],
            "SCHEDULED_TIME": time_text(due.at),
            "EXECUTION_ID": due.execution_id,
            "IS_PAYLOAD_TRUNCATED": "false",
            **dead_letters.attributes(verdict, error.message, tries - 1),
        }
        call = dead_letters.call(queue_arn, self._message(due, tries).text, why)
        self._kernel.calls(
            call.service, call.operation, call.params, Principal(target["RoleArn"], self._kernel.account_id)
        )

    def _complete(self, row: dict[str, Any]) -> None:
        """After the last due time, and the window that it opened."""
        self._kernel.journal.append("scheduler.completed", row["Name"])
        if row["ActionAfterCompletion"] == "DELETE":
            self._kernel.dispatcher.post(f"delete schedule {row['Name']}", partial(self._delete, row), _window_s(row))

    def _delete(self, row: dict[str, Any]) -> None:
        key = records.key(row["GroupName"], row["Name"])
        with self._kernel.store.transaction():
            found = self._kernel.store.get(SCHEDULE, key)
            if found and found["Version"] == row["Version"]:
                self.forget(row)


def _next(row: dict[str, Any], schedule: schedules.Schedule, start: datetime, after: datetime) -> datetime | None:
    at = schedules.next_fire(schedule, after, start, ZoneInfo(row["ScheduleExpressionTimezone"]))
    end = row.get("EndDate")
    is_over = at is not None and end is not None and at > end and not isinstance(schedule, schedules.At)
    return None if is_over else at


def _window_s(row: dict[str, Any]) -> float:
    window = row["FlexibleTimeWindow"]
    return float(window["MaximumWindowInMinutes"] * 60) if window["Mode"] == "FLEXIBLE" else 0
