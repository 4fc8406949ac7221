"""What is due again and again: one timer a key, driven by the kernel's clock through the dispatcher.

Timers live in memory: they end with the process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from emulator.kernel.errands import Posts
from emulator.kernel.ports import Kernel


@dataclass(frozen=True)
class Timer:
    """`next_after` answers the next due time after one (None: never again); `fire` is told the time that was due.

    `ended`, when given, is called once there is no next time.
    """

    next_after: Callable[[datetime], datetime | None]
    fire: Callable[[datetime], None]
    ended: Callable[[], None] | None = None


class Timers:
    """Starts, replaces and stops timers. A due time fires once; a replaced timer never fires again."""

    def __init__(self, dispatcher: Posts) -> None:
        self._dispatcher = dispatcher
        self._lock = threading.Lock()
        self._turns: dict[str, int] = {}
        self._last_turn = 0

    def start(self, key: str, timer: Timer, after: datetime) -> None:
        """Replace the timer of `key`; its first due time is the next after `after`."""
        with self._lock:
            self._last_turn += 1
            turn = self._turns[key] = self._last_turn
        self._await(key, turn, timer, after)

    def stop(self, key: str) -> None:
        with self._lock:
            self._turns.pop(key, None)

    def _await(self, key: str, turn: int, timer: Timer, after: datetime) -> None:
        due = timer.next_after(after)
        if due is None:
            if timer.ended:
                timer.ended()
            return
        self._dispatcher.post_at(f"timer {key}", partial(self._due, key, turn, timer, due), due, recurs=True)

    def _due(self, key: str, turn: int, timer: Timer, due: datetime) -> None:
        with self._lock:
            is_current = self._turns.get(key) == turn
        if not is_current:
            return
        try:
            timer.fire(due)
        finally:
            self._await(key, turn, timer, due)


def of(kernel: Kernel) -> Timers:
    """The timers of this emulator, shared by every service."""
    timers: Timers = kernel.engines.setdefault("timers", Timers(kernel.dispatcher))
    return timers
