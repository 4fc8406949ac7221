"""The kernel's time. It starts at the machine's now and only runs ahead of it: faster, or by leaps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Aware UTC now, and how long the machine has to wait for a span of it."""

    def now(self) -> datetime: ...

    def real_s(self, seconds: float) -> float:
        """How many seconds of the machine's time pass while `seconds` of the kernel's do."""
        ...


@dataclass(frozen=True)
class _Course:
    """The kernel's time as a line over the machine's: at `began_s` it was `began_at`, and since then it runs."""

    began_at: datetime
    began_s: float
    scale: float

    def at(self, machine_s: float) -> datetime:
        return self.began_at + timedelta(seconds=(machine_s - self.began_s) * self.scale)


class KernelClock:
    """Runs `scale` times as fast as the machine's clock, and leaps when it is told to; never back, never behind."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._course = _Course(datetime.now(UTC), monotonic(), 1.0)
        self._start = self._course

    def now(self) -> datetime:
        return self._course.at(self._monotonic())

    def real_s(self, seconds: float) -> float:
        return seconds / self._course.scale

    @property
    def scale(self) -> float:
        return self._course.scale

    @property
    def ahead_s(self) -> float:
        """By how many seconds the kernel's time is ahead of the machine's."""
        machine_s = self._monotonic()
        return (self._course.at(machine_s) - self._start.at(machine_s)).total_seconds()

    def run(self, scale: float) -> None:
        """From now on run `scale` times as fast as the machine's clock.

        Raises:
            ValueError: slower than the machine's clock, and so one day behind it.
        """
        if not scale >= 1:
            raise ValueError(f"scale {scale}: the kernel's time only runs ahead; expected 1 or more")
        machine_s = self._monotonic()
        self._course = _Course(self._course.at(machine_s), machine_s, scale)

    def leap(self, to: datetime) -> None:
        """Be at `to` at once. A moment that has passed changes nothing."""
        machine_s = self._monotonic()
        if to > self._course.at(machine_s):
            self._course = _Course(to, machine_s, self._course.scale)
