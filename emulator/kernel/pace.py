"""How the kernel's time passes: as the machine's, faster, or leaping over every wait; and `advance` by hand.

A leap goes from one due time to the next, and the next leap waits until all that was due has been done: schedules fire
each time, alarms see each period, retries come in their order. Jobs, functions and requests are real work on real
clocks: time waits for them.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from emulator.kernel.clock import KernelClock
from emulator.kernel.dispatcher import Dispatcher

_IDLE_LOOK_S = 0.02


@dataclass(frozen=True)
class Pace:
    """`scale` times the machine's clock; `leaps` over whatever is only waited for, such as the rest of a retry."""

    scale: float = 1.0
    leaps: bool = False

    def __str__(self) -> str:
        return "leap" if self.leaps else "real" if self.scale == 1 else f"{self.scale:g}x"


REAL = Pace()
"""As the machine's clock."""


def parse(text: str) -> Pace:
    """A pace as people write it: `real`, `60x`, `leap`.

    Raises:
        ValueError: anything else, with what was expected.
    """
    if text in ("real", "leap"):
        return Pace(leaps=text == "leap")
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)x", text):
        scale = float(match[1])
        if scale >= 1:
            return Pace(scale)
    raise ValueError(f"pace '{text}': expected real, leap, or how many times as fast as the machine's clock, as in 60x")


@dataclass(frozen=True)
class Progress:
    """How far `advance` has come; `waits_for` names the work that time is waiting for."""

    now: datetime
    is_there: bool
    waits_for: list[str]


class Timekeeper:
    """The one who moves the clock."""

    def __init__(self, clock: KernelClock, dispatcher: Dispatcher) -> None:
        self._clock = clock
        self._dispatcher = dispatcher
        self._moving = threading.Lock()
        self._leaping = threading.Event()

    @property
    def pace(self) -> Pace:
        return Pace(self._clock.scale, self._leaping.is_set())

    def set_pace(self, pace: Pace) -> None:
        """From now on."""
        self._clock.run(pace.scale)
        if pace.leaps and not self._leaping.is_set():
            self._leaping.set()
            self._dispatcher.serve("leaping", self._leap)
        elif not pace.leaps:
            self._leaping.clear()
        self._dispatcher.look()

    def advance(self, until: datetime, budget_s: float) -> Progress:
        """Go ahead to `until`, doing on the way all that is due, in at most about `budget_s` of the machine's time.

        Call it again while it is not there.
        """
        deadline = time.monotonic() + budget_s
        with self._moving:
            while self._dispatcher.settle(deadline - time.monotonic()):
                if self._clock.now() >= until:
                    return Progress(self._clock.now(), True, [])
                self._step(until)
        return Progress(self._clock.now(), False, self._dispatcher.working())

    def _step(self, until: datetime | None) -> None:
        due = self._dispatcher.next_due()
        at = min([moment for moment in (due, until) if moment is not None], default=None)
        if at is not None:
            self._clock.leap(at)
            self._dispatcher.look()

    def _leap(self) -> None:
        """Whenever nothing works but somebody waits: to the next due time."""
        while self._leaping.is_set() and not self._dispatcher.stopping.wait(_IDLE_LOOK_S):
            with self._moving:
                while self._leaping.is_set() and self._dispatcher.awaits() and self._dispatcher.settle(_IDLE_LOOK_S):
                    if self._dispatcher.awaits():
                        self._step(None)
