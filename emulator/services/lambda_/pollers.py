"""The pollers of all mappings: one loop each, woken when its source gets something, and cheap when it does not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.lambda_ import source_settings
from emulator.services.lambda_.records import MAPPING

LOOK_AGAIN_S = 0.2
"""Of the machine's time: what reaches a queue or stream without a request of its own is found by then."""
BREATH_S = 0.005
"""Of the machine's time, between two turns of which the first left something to do."""
PAUSE_FIRST_S, PAUSE_MAX_S = 0.2, 5.0
"""Between polls that the source refuses."""


class Poller(Protocol):
    """Reads one source. Neither method is called while the mapping is disabled."""

    def turn(self, mapping: dict[str, Any]) -> datetime | None:
        """Do what is due; answers when something is due by itself, None when only news can make a difference.

        Raises:
            AwsError: the source cannot be read now.
        """
        ...

    def due_at(self, mapping: dict[str, Any]) -> datetime | None:
        """When there is something to do next; in the past when there is now."""
        ...

    def rest(self) -> None:
        """The mapping is disabled: keep nothing that a later turn would take for current."""
        ...


Make = Callable[[Kernel, str, Callable[[], None]], Poller]


@dataclass
class _Running:
    """A poller in its loop; `problem` is why its source cannot be read, while it cannot."""

    poller: Poller
    woken: threading.Event
    service: str
    problem: str = ""
    pause_s: float = PAUSE_FIRST_S


class Pollers:
    """Starts and wakes the pollers, and knows when the next of them has something to do."""

    def __init__(self, kernel: Kernel, of_queues: Make, of_streams: Make) -> None:
        self._kernel = kernel
        self._of_queues, self._of_streams = of_queues, of_streams
        self._running: dict[str, _Running] = {}
        self._lock = threading.Lock()
        kernel.dispatcher.watch(self.next_due, self.wake)

    @staticmethod
    def of(kernel: Kernel) -> Pollers:
        found: Pollers = kernel.engines["lambda.pollers"]
        return found

    def resume(self) -> None:
        """Start the pollers of the mappings that the store knows from an earlier run."""
        for row in self._kernel.store.rows(MAPPING):
            self.start(row["UUID"])

    def start(self, uuid: str) -> None:
        """Start the poller of a new mapping."""
        arn = self._mapping(uuid)["EventSourceArn"]
        make = self._of_streams if source_settings.kind_of(arn).is_stream else self._of_queues
        woken = threading.Event()
        running = _Running(make(self._kernel, uuid, woken.set), woken, arn.split(":")[2])
        with self._lock:
            self._running[uuid] = running
        self._kernel.dispatcher.serve(f"event source {uuid}", partial(self._run, uuid, running))

    def wake(self, service: str = "") -> None:
        """Something reached a queue or a stream of a service: its pollers look now."""
        for running in self._all():
            if service in ("", running.service):
                running.woken.set()

    def wake_mapping(self, uuid: str) -> None:
        """The mapping has changed."""
        with self._lock:
            running = self._running.get(uuid)
        if running:
            running.woken.set()

    def running(self) -> list[str]:
        """The mappings whose pollers are at work."""
        with self._lock:
            return sorted(self._running)

    def next_due(self) -> datetime | None:
        """The next moment at which a poller has something to do; sources that cannot be read have nothing."""
        with self._lock:
            running = list(self._running.items())
        found = [self._due_at(uuid, one) for uuid, one in running if not one.problem]
        return min((at for at in found if at is not None), default=None)

    def _due_at(self, uuid: str, running: _Running) -> datetime | None:
        mapping = self._mapping(uuid)
        try:
            return running.poller.due_at(mapping) if mapping.get("State") == "Enabled" else None
        except AwsError:
            return None  # its loop tells of it

    def _all(self) -> list[_Running]:
        with self._lock:
            return list(self._running.values())

    def _mapping(self, uuid: str) -> dict[str, Any]:
        return self._kernel.store.get(MAPPING, uuid) or {}

    def _run(self, uuid: str, running: _Running) -> None:
        """Until the mapping is deleted or the emulator stops."""
        while not self._kernel.dispatcher.stopping.is_set():
            running.woken.clear()
            mapping = self._mapping(uuid)
            if not mapping:
                break
            self._wait(running, self._try_turn(running, mapping))
        with self._lock:
            self._running.pop(uuid, None)

    def _wait(self, running: _Running, until: datetime | None) -> None:
        wait_s = LOOK_AGAIN_S
        if until is not None:
            left_s = (until - self._kernel.clock.now()).total_seconds()
            wait_s = min(wait_s, self._kernel.clock.real_s(left_s))
        running.woken.wait(max(wait_s, BREATH_S))

    def _try_turn(self, running: _Running, mapping: dict[str, Any]) -> datetime | None:
        """A source that is gone or refuses is asked again, ever more seldom: the mapping outlives it, as on AWS."""
        try:
            if mapping["State"] != "Enabled":
                running.poller.rest()
                return None
            due = running.poller.turn(mapping)
        except AwsError as error:
            if str(error) != running.problem:
                self._kernel.journal.append("lambda.poll.failed", mapping["EventSourceArn"], error=str(error))
            running.problem = str(error)
            pause_s, running.pause_s = running.pause_s, min(running.pause_s * 2, PAUSE_MAX_S)
            running.woken.wait(self._kernel.clock.real_s(pause_s))
            return self._kernel.clock.now() + timedelta(seconds=LOOK_AGAIN_S)
        running.problem, running.pause_s = "", PAUSE_FIRST_S
        return due
