"""Rules with a schedule: each due time is a `Scheduled Event` for the rule's own targets."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from emulator.kernel import timers
from emulator.kernel.ports import Kernel
from emulator.kernel.timers import Timer
from emulator.semantics.events import envelope, schedules
from emulator.services.events import records
from emulator.services.events.delivery import Bus, Matched
from emulator.services.events.records import RULE

AWS_NAME = "Scheduled rules (legacy)"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html (read 2026-11-23)"
DIFFERS = "the countdown of a rate begins anew whenever the rule is put or enabled; timers end with the process"


def follow(kernel: Kernel, rule: dict[str, Any]) -> None:
    """Start, restart or stop the rule's timer, as its state and expression say."""
    if rule["State"] == "DISABLED" or "ScheduleExpression" not in rule:
        forget(kernel, rule)
        return
    schedule, now = schedules.parse(rule["ScheduleExpression"]), kernel.clock.now()
    timer = Timer(
        partial(_next, schedule, now), partial(_fire, kernel, records.rule_key(rule["EventBusName"], rule["Name"]))
    )
    timers.of(kernel).start(rule["Arn"], timer, now)


def forget(kernel: Kernel, rule: dict[str, Any]) -> None:
    timers.of(kernel).stop(rule["Arn"])


def _next(schedule: schedules.Schedule, anchor: datetime, after: datetime) -> datetime | None:
    return schedules.next_fire(schedule, after, anchor)


def _fire(kernel: Kernel, key: str, due: datetime) -> None:
    rule = kernel.store.get(RULE, key)
    if rule is None or rule["State"] == "DISABLED":
        return
    event = envelope.wrap(
        kernel.ids.uuid(), "aws.events", "Scheduled Event", {}, [rule["Arn"]], due, kernel.account_id, kernel.region
    )
    kernel.journal.append(
        "events.put", "Scheduled Event", correlation=event["id"], source="aws.events", rule=rule["Arn"]
    )
    Bus(kernel).deliver(Matched(rule, event, kernel.clock.now()))
