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
_QUEUE = re.compile(rb'"QueueUrl"\s*:\s*"[^"]*/([^"/]+)"')


@dataclass(frozen=True)
class QueueDepth:
    """How many messages a queue holds: to be received, in flight, delayed."""

    name: str
    visible: int
    not_visible: int
    delayed: int


QueueDepths = Callable[[], list[tuple[str, int, int, int]]]
"""(name, visible, in flight, delayed) of every queue."""


class QueueMetrics:
    """AWS/SQS. NumberOfMessagesReceived and the ages are not published."""

    def __init__(self, depths: QueueDepths) -> None:
        self._depths = depths
        self._used_at: dict[str, float] = {}
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
        """The depths at the end of the minute that has just passed, stamped with its beginning."""
        at = now.timestamp() // 60 * 60 - 60
        for depth in (QueueDepth(*row) for row in self._depths()):
            with self._lock:
                if depth.visible + depth.not_visible + depth.delayed:
                    self._used_at[depth.name] = now.timestamp()
                is_active = now.timestamp() - self._used_at.get(depth.name, float("-inf")) < ACTIVE_S
            if is_active:
                yield _point(depth.name, "ApproximateNumberOfMessagesVisible", depth.visible, at)
                yield _point(depth.name, "ApproximateNumberOfMessagesNotVisible", depth.not_visible, at)
                yield _point(depth.name, "ApproximateNumberOfMessagesDelayed", depth.delayed, at)


def _counted(operation: str, body: bytes) -> tuple[str, int] | None:
    names = {"SendMessage": "NumberOfMessagesSent", "DeleteMessage": "NumberOfMessagesDeleted"}
    name = names.get(operation.removesuffix("Batch"))
    if name is None:
        return None
    return name, len(json.loads(body).get("Entries", ())) if operation.endswith("Batch") else 1


def _point(queue: str, name: str, value: float, at: float) -> Datapoint:
    return Datapoint(metric("AWS/SQS", name, {"QueueName": queue}), at, statistics.single(float(value)), "Count")
