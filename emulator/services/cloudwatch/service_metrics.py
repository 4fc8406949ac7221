"""Metrics that AWS services publish about themselves: the queues' depths, and what requests show."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from emulator.semantics.cloudwatch import statistics
from emulator.services.cloudwatch.metric_store import Datapoint, metric

ACTIVE_S = 6 * 3600
"""A queue reports for six hours after its last use. SOURCE: sqs-available-cloudwatch-metrics.html (read 2026-11-23)."""
MINUTE_S = 60
_QUEUE = re.compile(rb'"QueueUrl"\s*:\s*"[^"]*/([^"/]+)"')


@dataclass(frozen=True)
class QueueDepth:
    """How many messages a queue holds: to be received, in flight, delayed."""

    name: str
    visible: int
    not_visible: int
    delayed: int


DEPTH = "ApproximateNumberOfMessages"
_KINDS = ("Visible", "NotVisible", "Delayed")

QueueDepths = Callable[[], list[tuple[str, int, int, int]]]
"""(name, visible, in flight, delayed) of every queue."""


@dataclass(frozen=True)
class Quiet:
    """Queues that have been empty and unused for a while: the gauges of these say zero until a time, or more does."""

    queues: frozenset[str]
    until_s: float


class QueueMetrics:
    """AWS/SQS. NumberOfMessagesReceived and the ages are not published."""

    def __init__(self, depths: QueueDepths) -> None:
        self._depths = depths
        self._used_at: dict[str, float] = {}
        self._asleep: dict[str, float] = {}
        self._gauged_at: int | None = None
        self._lock = threading.Lock()

    def saw(self, operation: str, body: bytes, now: datetime) -> list[Datapoint]:
        """A request to SQS was served; answers the counters that it moves."""
        found = _QUEUE.search(body)
        if not found:
            return []
        name = found[1].decode()
        with self._lock:
            self._used_at[name] = now.timestamp()
        counted = _counted(operation, body)
        return [_point(name, counted[0], counted[1], now.timestamp())] if counted else []

    def gauges(self, now: datetime) -> Iterator[Datapoint]:
        """The depths at the end of the minute that has just passed, stamped with its beginning.

        `now` is a whole minute.
        """
        at = int(now.timestamp() // MINUTE_S) * MINUTE_S - MINUTE_S
        yield from self.missed(at)
        self._gauged_at = at
        for depth in (QueueDepth(*row) for row in self._depths()):
            with self._lock:
                if depth.visible + depth.not_visible + depth.delayed:
                    self._used_at[depth.name] = now.timestamp()
                is_active = now.timestamp() - self._used_at.get(depth.name, float("-inf")) < ACTIVE_S
            if is_active:
                yield from _gauges(depth, at)

    def missed(self, until: int) -> Iterator[Datapoint]:
        """Zeros for the minutes that nobody looked at, since all was quiet: see `quiet`."""
        since, self._gauged_at = self._gauged_at, max(until - MINUTE_S, self._gauged_at or 0)
        for at in range(since + MINUTE_S, until, MINUTE_S) if since else ():
            for name, used_at in self._asleep.items():
                if at + MINUTE_S - used_at < ACTIVE_S:
                    yield from _gauges(QueueDepth(name, 0, 0, 0), at)
        self._asleep = {}

    def quiet(self, now: datetime, span_s: float) -> Quiet | None:
        """What the gauges will say if nothing happens; None while they may move, or did so in the last `span_s`."""
        with self._lock:
            active = {name: at for name, at in self._used_at.items() if now.timestamp() - at < ACTIVE_S}
            is_recent = any(now.timestamp() - at < span_s for at in active.values())
            if is_recent or any(sum(depths) for _, *depths in self._depths()):
                return None
            self._asleep = active
        return Quiet(frozenset(active), min((at + ACTIVE_S for at in active.values()), default=float("inf")))


def _gauges(depth: QueueDepth, at: float) -> Iterator[Datapoint]:
    for kind, count in zip(_KINDS, (depth.visible, depth.not_visible, depth.delayed), strict=True):
        yield _point(depth.name, f"{DEPTH}{kind}", count, at)


def _counted(operation: str, body: bytes) -> tuple[str, int] | None:
    names = {"SendMessage": "NumberOfMessagesSent", "DeleteMessage": "NumberOfMessagesDeleted"}
    name = names.get(operation.removesuffix("Batch"))
    if name is None:
        return None
    return name, len(json.loads(body).get("Entries", ())) if operation.endswith("Batch") else 1


def _point(queue: str, name: str, value: float, at: float) -> Datapoint:
    return Datapoint(metric("AWS/SQS", name, {"QueueName": queue}), at, statistics.single(float(value)), "Count")
