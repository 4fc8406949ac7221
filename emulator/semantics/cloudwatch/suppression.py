"""When a composite alarm acts: its suppressor, the time it waits for it, and the time it stays silent after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

AWS_NAME = "Composite alarm action suppression"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm_Suppression.html "
    "(read 2026-11-23); its six examples are tests"
)
DIFFERS = "while the suppressor is in ALARM a state change is suppressed and acted on only if its extension runs out"

WAIT, EXTENSION, BY_ALARM = "WaitPeriod", "ExtensionPeriod", "Alarm"


@dataclass(frozen=True)
class Settings:
    """The two periods of a composite alarm with a suppressor."""

    wait_s: float
    extension_s: float


@dataclass(frozen=True)
class Held:
    """Actions that are held back: by what, and until when (None: while the suppressor is in ALARM)."""

    by: str
    until: datetime | None = None


@dataclass(frozen=True)
class Step:
    """What one look at the two alarms asks for: whether to act now, and what is held back from now on."""

    acts: bool
    held: Held | None


def step(settings: Settings, held: Held | None, has_changed: bool, is_suppressing: bool, now: datetime) -> Step:
    """Look at the composite alarm and its suppressor.

    Args:
        has_changed: the composite alarm has just changed its state.
        is_suppressing: the suppressor is in ALARM.
    """
    if has_changed:
        fresh = Held(BY_ALARM) if is_suppressing else Held(WAIT, now + timedelta(seconds=settings.wait_s))
        return _after(fresh, now)
    if held is None:
        return Step(False, None)
    if is_suppressing:
        return Step(False, Held(BY_ALARM))
    if held.by == BY_ALARM:
        extended = Held(EXTENSION, now + timedelta(seconds=settings.extension_s))
        return _after(extended, now)
    return _after(replace(held), now)


def _after(held: Held, now: datetime) -> Step:
    if held.until is not None and held.until <= now:
        return Step(True, None)
    return Step(False, held)
