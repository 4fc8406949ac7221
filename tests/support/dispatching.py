"""A dispatcher without threads: work runs when a test lets time pass, ordered by (due time, sequence)."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta

from tests.support.clocks import FakeClock
from tests.support.emulator import World


class FakeDispatcher:
    """Moves its clock to each due time in turn. `ran` names the work that has run."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._due: list[tuple[datetime, int, str, Callable[[], None]]] = []
        self._sequence = 0
        self.stopping = threading.Event()
        self.ran: list[str] = []

    def post(self, name: str, work: Callable[[], None], delay_s: float = 0) -> None:
        self.post_at(name, work, self._clock.now() + timedelta(seconds=max(delay_s, 0)))

    def post_at(
        self, name: str, work: Callable[[], None], at: datetime, recurs: bool = False, rests: object = None
    ) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (max(at, self._clock.now()), self._sequence, name, work))

    def pass_time(self, seconds: float = 0) -> None:
        """Run all that is due within `seconds`, and what it posts for that time."""
        until = self._clock.now() + timedelta(seconds=seconds)
        while self._due and self._due[0][0] <= until:
            due, _, name, work = heapq.heappop(self._due)
            self._clock.advance((due - self._clock.now()).total_seconds())
            self.ran.append(name)
            work()
        self._clock.advance((until - self._clock.now()).total_seconds())

    def busy(self, name: str) -> AbstractContextManager[None]:
        """Time stands still anyway."""
        return nullcontext()

    def stop(self) -> None:
        self.stopping.set()


def stand_still(world: World, clock: FakeClock) -> FakeDispatcher:
    """Give a world a clock and a dispatcher that a test moves."""
    world.kernel.dispatcher.stop()
    dispatcher = FakeDispatcher(clock)
    world.kernel.clock = clock
    world.kernel.dispatcher = dispatcher  # type: ignore[assignment]
    return dispatcher
