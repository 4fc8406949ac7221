"""Work that happens by itself, ordered by (due time, sequence)."""

from __future__ import annotations

import heapq
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from emulator.kernel.clock import Clock
from emulator.kernel.journal import Journal

log = logging.getLogger(__name__)
Work = Callable[[], None]


class Dispatcher:
    """Runs posted work on a pool of threads, and long-lived tasks on threads of their own.

    A failure of one piece of work is logged and journaled and touches nothing else.
    """

    def __init__(self, clock: Clock, journal: Journal, workers: int = 16) -> None:
        self._clock = clock
        self._journal = journal
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="work")
        self._due: list[tuple[datetime, int, str, Work]] = []
        self._sequence = 0
        self._changed = threading.Condition()
        self.stopping = threading.Event()
        threading.Thread(target=self._release_due, name="dispatcher", daemon=True).start()

    def post(self, name: str, work: Work, delay_s: float = 0) -> None:
        """Run `work` once, `delay_s` seconds from now; `name` is what the journal calls it when it fails."""
        if delay_s <= 0:
            self._submit(name, work)
            return
        with self._changed:
            self._sequence += 1
            heapq.heappush(self._due, (self._clock.now() + timedelta(seconds=delay_s), self._sequence, name, work))
            self._changed.notify()

    def start(self, name: str, task: Work) -> None:
        """Run a task that waits or loops (until `stopping` is set) on a thread of its own."""
        threading.Thread(target=self._guarded, args=(name, task), name=name, daemon=True).start()

    def stop(self) -> None:
        """Release nothing more. Running work is left to end."""
        self.stopping.set()
        with self._changed:
            self._changed.notify()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _submit(self, name: str, work: Work) -> None:
        if not self.stopping.is_set():
            self._pool.submit(self._guarded, name, work)

    def _guarded(self, name: str, work: Work) -> None:
        try:
            work()
        except Exception as error:
            if self.stopping.is_set():
                return
            log.exception("dispatcher.work.failed", extra={"work": name})
            self._journal.append("dispatcher.work.failed", name, error=f"{type(error).__name__}: {error}")

    def _release_due(self) -> None:
        while not self.stopping.is_set():
            with self._changed:
                now = self._clock.now()
                while self._due and self._due[0][0] <= now:
                    _, _, name, work = heapq.heappop(self._due)
                    self._submit(name, work)
                self._changed.wait((self._due[0][0] - now).total_seconds() if self._due else None)
