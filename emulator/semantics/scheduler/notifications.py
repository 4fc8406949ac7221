"""What a schedule sends: its input with the context attributes put in, or Scheduler's own notification."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.semantics.events.envelope import time_text

AWS_NAME = "Inputs and context attributes of EventBridge Scheduler"
SOURCE = (
    "https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html (read 2026-11-23)"
)
DIFFERS = "AWS shows the default notification in examples only"


@dataclass(frozen=True)
class Invocation:
    """One try to invoke a schedule's target."""

    schedule_arn: str
    scheduled_at: datetime
    execution_id: str
    attempt: int


def fill(text: str, invocation: Invocation) -> str:
    """The input with each context attribute replaced."""
    values = {
        "<aws.scheduler.schedule-arn>": invocation.schedule_arn,
        "<aws.scheduler.scheduled-time>": time_text(invocation.scheduled_at),
        "<aws.scheduler.execution-id>": invocation.execution_id,
        "<aws.scheduler.attempt-number>": str(invocation.attempt),
    }
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def default(schedule_arn: str, at: datetime, event_id: str, account: str, region: str) -> dict[str, Any]:
    """What a target without Input receives."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": account,
        "time": time_text(at),
        "region": region,
        "resources": [schedule_arn],
        "detail": "{}",
    }


def text(given: str | None, notification: dict[str, Any], invocation: Invocation) -> str:
    return fill(given, invocation) if given else json.dumps(notification, separators=(",", ":"))
