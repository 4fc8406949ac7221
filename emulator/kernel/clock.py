"""The kernel's time. Everything that asks the time asks here, so that later it may run ahead."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Aware UTC now, and waiting that a virtual clock may shorten."""

    def now(self) -> datetime: ...

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        """Wait for `stop` at most `seconds` of the kernel's time; true when stopped."""
        ...


class RealClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, stop: threading.Event, seconds: float) -> bool:
        return stop.wait(seconds)
