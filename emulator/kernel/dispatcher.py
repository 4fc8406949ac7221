"""Work that happens by itself, ordered by (due time, sequence), and who is at it: time must not overtake real work."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from emulator.kernel.clock import Clock
from emulator.kernel.journal import Journal

log = logging.getLogger(__name__)
Work = Callable[[], None]
Probe = Callable[[], datetime | None]
_PROBED_EVERY_S = 0.005


@dataclass(order=True)
class _Due:
    """Something to be released at a time, with what `post_at` says of it."""

    at: datetime
    sequence: int
    release: Work = field(compare=False)
    recurs: bool = field(compare=False)
    rests: Probe | None = field(default=None, compare=False)
    is_cancelled: bool = field(default=False, compare=False)

    def matters_at(self) -> datetime:
        """When it is needed, should nothing else happen before."""
        until = self.rests() if self.rests else None
        return max(self.at, until) if until else self.at


class _Waiter:
    """A thread that waits; while it does, the work that it is part of counts as idle."""

    def __init__(self, names: list[str]) -> None:
        self.names = names
        self.event = threading.Event()


class _Current(threading.local):
    """The work that this thread is at, by name; the innermost is last."""

    def __init__(self) -> None:
        self.names: list[str] = []


class Gate:
    """Something that others wait for, such as the end of a job. Once open it stays open."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self.waiters: list[_Waiter] = []
        self.is_open = False

    def open(self) -> None:
        """Let everybody through; they are at work again before this returns."""
        self._dispatcher.open(self)

    def wait(self) -> None:
        """Until it is open. Waiting does not hold time up."""
        self._dispatcher.pause(None, self)


class Dispatcher:
    """Runs posted work on a pool of threads, and long-lived tasks on threads of their own.

    A failure of one piece of work is logged and journaled and touches nothing else.
    """

    def __init__(self, clock: Clock, journal: Journal, workers: int = 16) -> None:
        self._clock = clock
        self._journal = journal
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="work")
        self._due: list[_Due] = []
        self._sequence = 0
        self._changed = threading.Condition()
        self._working: Counter[str] = Counter()
        self._begun = 0
        self._probes: list[tuple[Probe, Work]] = []
        self._current = _Current()
        self.stopping = threading.Event()
        threading.Thread(target=self._release_due, name="dispatcher", daemon=True).start()

    def post(self, name: str, work: Work, delay_s: float = 0) -> None:
        """Run `work` once, `delay_s` seconds from now; `name` is what the journal calls it when it fails."""
        if delay_s > 0:
            self.post_at(name, work, self._clock.now() + timedelta(seconds=delay_s))
        else:
            with self._changed:
                self._submit(name, work)

    def post_at(self, name: str, work: Work, at: datetime, recurs: bool = False, rests: Probe | None = None) -> None:
        """Run `work` once at a time of the kernel; what `recurs` comes again and again, and nobody waits for it.

        `rests`, asked when all is quiet and time is about to leap, says until when the work would find nothing to do if
        nothing happens before; None: look when it is due. Time may leap over such a due time; it then runs at once.
        """
        with self._changed:
            self._add(at, lambda: self._submit(name, work), recurs, rests)

    def start(self, name: str, task: Work) -> None:
        """Run a task that comes to an end on a thread of its own. Time does not leap while it works."""
        with self._changed:
            self._begin([name])
        threading.Thread(target=self._counted, args=(name, task), name=name, daemon=True).start()

    def serve(self, name: str, loop: Work) -> None:
        """Run a loop that ends with the emulator (when `stopping` is set). It does not hold time up: see `watch`."""
        threading.Thread(target=self._guarded, args=(name, loop), name=name, daemon=True).start()

    def watch(self, probe: Probe, wake: Work = lambda: None) -> None:
        """Ask `probe` for the next moment at which a loop has something to do (None: nothing) before time leaps.

        `wake` is called when that moment has come, so that the loop looks at once.
        """
        with self._changed:
            self._probes.append((probe, wake))

    @contextmanager
    def busy(self, name: str) -> Iterator[None]:
        """Real work that time must not overtake, on whatever thread it is done."""
        with self._changed:
            self._begin([name])
        self._current.names.append(name)
        try:
            yield
        finally:
            self._current.names.pop()
            with self._changed:
                self._end([name])

    def gate(self) -> Gate:
        """Something to wait for without holding time up."""
        return Gate(self)

    def pause(self, seconds: float | None, until: Gate | None = None) -> bool:
        """Wait `seconds` of the kernel's time without holding it up, or until the gate opens; true when it is open.

        For tasks on threads of their own: a pool has few threads to lose.
        """
        waiter = _Waiter(list(self._current.names))
        with self._changed:
            if (until and until.is_open) or (seconds is not None and seconds <= 0):
                return bool(until and until.is_open)
            due = None
            if seconds is not None:
                due = self._add(self._clock.now() + timedelta(seconds=seconds), lambda: self._wake(waiter), False)
            if until:
                until.waiters.append(waiter)
            self._end(waiter.names)
        waiter.event.wait()
        with self._changed:
            if due:
                due.is_cancelled = True
            if until and waiter in until.waiters:
                until.waiters.remove(waiter)
            return bool(until and until.is_open)

    def open(self, gate: Gate) -> None:
        """What `Gate.open` does."""
        with self._changed:
            gate.is_open = True
            waiters, gate.waiters = gate.waiters, []
            for waiter in waiters:
                self._wake(waiter)

    def look(self) -> None:
        """The clock has changed: look at it again."""
        with self._changed:
            self._changed.notify_all()

    def working(self) -> list[str]:
        """The names of the work that is going on now."""
        with self._changed:
            return sorted(self._working)

    def settle(self, timeout_s: float) -> bool:
        """Wait until nothing works and nothing is due now; false when `timeout_s` of the machine's time is over."""
        deadline = time.monotonic() + timeout_s
        while not self.stopping.is_set():
            with self._changed:
                self._changed.notify_all()
                if not self._changed.wait_for(self._is_idle, max(deadline - time.monotonic(), 0)):
                    return False
                begun = self._begun
            late = self._late_loops()
            with self._changed:
                if not late and begun == self._begun and self._is_idle():
                    return True
                if time.monotonic() > deadline:
                    return False
            for wake in late:
                wake()
            with self._changed:
                self._changed.wait(_PROBED_EVERY_S)
        return False

    def next_due(self) -> datetime | None:
        """The next moment at which something happens; None when nothing is to come."""
        with self._changed:
            due = [one for one in self._due if not one.is_cancelled]
        return min([*(one.matters_at() for one in due), *self._probed()], default=None)

    def awaits(self) -> bool:
        """Whether anything is to come for which somebody waits, other than what recurs."""
        with self._changed:
            if any(not due.recurs and not due.is_cancelled for due in self._due):
                return True
        return bool(self._probed())

    def stop(self) -> None:
        """Release nothing more. Running work is left to end."""
        self.stopping.set()
        self.look()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _add(self, at: datetime, release: Work, recurs: bool, rests: Probe | None = None) -> _Due:
        self._sequence += 1
        due = _Due(at, self._sequence, release, recurs, rests)
        heapq.heappush(self._due, due)
        self._changed.notify_all()
        return due

    def _submit(self, name: str, work: Work) -> None:
        if not self.stopping.is_set():
            self._begin([name])
            self._pool.submit(self._counted, name, work)

    def _begin(self, names: list[str]) -> None:
        self._working.update(names)
        self._begun += 1

    def _end(self, names: list[str]) -> None:
        self._working.subtract(names)
        for name in names:
            if self._working[name] <= 0:
                del self._working[name]
        if not self._working:
            self._changed.notify_all()

    def _wake(self, waiter: _Waiter) -> None:
        if not waiter.event.is_set():
            self._begin(waiter.names)
            waiter.event.set()

    def _counted(self, name: str, work: Work) -> None:
        self._current.names.append(name)
        try:
            self._guarded(name, work)
        finally:
            self._current.names.pop()
            with self._changed:
                self._end([name])

    def _guarded(self, name: str, work: Work) -> None:
        try:
            work()
        except Exception as error:
            if self.stopping.is_set():
                return
            log.exception("dispatcher.work.failed", extra={"work": name})
            self._journal.append("dispatcher.work.failed", name, error=f"{type(error).__name__}: {error}")

    def _is_idle(self) -> bool:
        self._drop_cancelled()
        return not self._working and not (self._due and self._due[0].at <= self._clock.now())

    def _drop_cancelled(self) -> None:
        while self._due and self._due[0].is_cancelled:
            heapq.heappop(self._due)

    def _probed(self) -> list[datetime]:
        """Asked without the lock: a probe may want the lock of a service that is posting work."""
        return [at for probe, _ in list(self._probes) if (at := probe()) is not None]

    def _late_loops(self) -> list[Work]:
        asked = [(wake, probe()) for probe, wake in list(self._probes)]
        now = self._clock.now()  # after the probes: one may answer with the time at which it was asked
        return [wake for wake, at in asked if at is not None and at <= now]

    def _release_due(self) -> None:
        with self._changed:
            while not self.stopping.is_set():
                now = self._clock.now()
                while self._due and self._due[0].at <= now:
                    due = heapq.heappop(self._due)
                    if not due.is_cancelled:
                        due.release()
                wait_s = (self._due[0].at - now).total_seconds() if self._due else None
                self._changed.wait(None if wait_s is None else self._clock.real_s(wait_s))
