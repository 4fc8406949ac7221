"""Ticks while something waits: one schedule a wait, made when it opens and gone when it is answered.

Source: EventBridge Scheduler API reference, CreateSchedule (names to 64 characters, ConflictException for one that
exists), and its user guide on context attributes (`<aws.scheduler.scheduled-time>`), read 2026-11.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from lambdas.shared.events import render_tick

_NAME_MAX: Final = 64
_SLACK: Final = timedelta(hours=1)
"""How long ticks go on after the deadline, should answering fail; at least two more of them."""


@dataclass(frozen=True)
class Schedules:
    """The ticks of one model, sent to its queue of waits."""

    scheduler: Any
    model: str
    prefix: str
    queue_arn: str
    role_arn: str

    def open(self, token: str, deadline_at: datetime) -> None:
        """Tick every minute, unless it ticks already."""
        with _may_raise("ConflictException"):
            self.scheduler.create_schedule(**self._request(token, 60, deadline_at))

    def slow_down(self, token: str, every_s: int, deadline_at: datetime) -> None:
        """Tick at longer intervals from now on."""
        with _may_raise("ResourceNotFoundException"):
            self.scheduler.update_schedule(**self._request(token, every_s, deadline_at))

    def close(self, token: str) -> None:
        """No ticks any more."""
        with _may_raise("ResourceNotFoundException"):
            self.scheduler.delete_schedule(Name=self._name(token))

    def _request(self, token: str, every_s: int, deadline_at: datetime) -> dict[str, Any]:
        minutes = max(1, every_s // 60)
        return {
            "Name": self._name(token),
            "ScheduleExpression": f"rate({minutes} minute{'s' if minutes > 1 else ''})",
            "EndDate": deadline_at + _SLACK + timedelta(minutes=2 * minutes),
            "ActionAfterCompletion": "DELETE",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": self.queue_arn, "RoleArn": self.role_arn, "Input": render_tick(self.model, token)},
        }

    def _name(self, token: str) -> str:
        """The token tells waits apart, so a long model name gives way."""
        suffix = f"-{token}"
        return self.prefix[: _NAME_MAX - len(suffix)] + suffix


@contextmanager
def _may_raise(code: str) -> Iterator[None]:
    try:
        yield
    except ClientError as exc:
        if exc.response["Error"]["Code"] != code:
            raise
