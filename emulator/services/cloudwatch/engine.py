"""What CloudWatch does by itself: every minute it looks at the queues and at the alarms."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from datetime import UTC, datetime

from emulator.kernel.ports import Kernel
from emulator.semantics.cloudwatch import statistics
from emulator.services.cloudwatch import composites, evaluation, history, queries, transitions
from emulator.services.cloudwatch.log_metrics import LogMetrics
from emulator.services.cloudwatch.metric_store import Datapoint, MetricStore, metric
from emulator.services.cloudwatch.records import ALARM, Row
from emulator.services.cloudwatch.service_metrics import MINUTE_S, QueueDepths, QueueMetrics

FINE_S, _DAY_S = 10, 86_400
_PRUNED_EVERY_S = _DAY_S


class Engine:
    """The running side of CloudWatch, one per kernel."""

    def __init__(self, kernel: Kernel, depths: QueueDepths = list) -> None:
        self.metrics = MetricStore(kernel.state_dir / "metrics.sqlite")
        self._kernel = kernel
        self._queues = QueueMetrics(depths)
        self._logs = LogMetrics(kernel)
        self._lock = threading.RLock()
        self._pruned_at = 0.0
        self._known: tuple[int, list[Row]] = (-1, [])
        self._resting: dict[str, evaluation.Rest] = {}
        self._composed = -1

    @staticmethod
    def of(kernel: Kernel) -> Engine:
        """The kernel's engine."""
        engine: Engine = kernel.engines["cloudwatch"]
        return engine

    def start(self) -> None:
        """Look again and again: at whole minutes of the kernel's time, every 10 s while an alarm is that fine."""
        now = self._kernel.clock.now().timestamp()
        step = FINE_S if self._has_fine_alarms() else MINUTE_S
        due = datetime.fromtimestamp((now // step + 1) * step, UTC)
        self._kernel.dispatcher.post_at("cloudwatch tick", self._next, due, recurs=True, rests=self.rests_until)

    def _next(self) -> None:
        try:
            self.tick(self._kernel.clock.now())
        finally:
            self.start()

    def tick(self, now: datetime) -> None:
        """Everything that is due at `now`: gauges and all alarms at a whole minute, fine alarms every ten seconds."""
        with self._lock:
            is_minute = now.timestamp() % MINUTE_S < FINE_S
            gauges = self._queues.gauges(now) if is_minute else self._queues.missed(_minute(now))
            self.metrics.add(gauges)
            if is_minute:
                self._prune(now)
            for row in self._alarms():
                if is_minute or evaluation.period_of(row) < MINUTE_S:
                    self._look_at(row, now)
            if self._kernel.store.revision(ALARM) != self._composed:
                self.composites(now)

    def composites(self, now: datetime | None = None) -> None:
        """Bring composite alarms up to date, and come back when a held action is due."""
        with self._lock:
            at = now or self._kernel.clock.now()
            self._composed = self._kernel.store.revision(ALARM)
            due = composites.evaluate_all(self._kernel, at)
        if due is not None:
            self._kernel.dispatcher.post(
                "cloudwatch held actions", self.composites, max((due - at).total_seconds(), 0.01)
            )

    def soon(self) -> None:
        """A child's state or a rule has changed: look at the composite alarms."""
        self._kernel.dispatcher.post("cloudwatch composites", self.composites)

    def measure(self, namespace: str, name: str, dimensions: Mapping[str, str], value: float, unit: str) -> None:
        """A service of AWS publishes a metric about itself."""
        at = self._kernel.clock.now().timestamp()
        self.metrics.add_soon(Datapoint(metric(namespace, name, dimensions), at, statistics.single(float(value)), unit))

    def measure_many(
        self,
        namespace: str,
        dimensions: Mapping[str, str],
        values: Mapping[str, tuple[str, Mapping[float, float]]],
        at: datetime,
    ) -> None:
        """A service of AWS publishes many values about one thing at once."""
        for name, (unit, several) in values.items():
            reading = statistics.several(several.items())
            self.metrics.add_soon(Datapoint(metric(namespace, name, dimensions), at.timestamp(), reading, unit))

    def saw(self, service: str, operation: str, body: bytes) -> None:
        """A request that another service has served, for the metrics that it makes."""
        if service == "logs":
            points = self._logs.saw(operation, body)
        elif service == "sqs":
            points = self._queues.saw(operation, body, self._kernel.clock.now())
        else:
            return
        for point in points:
            self.metrics.add_soon(point)

    def close(self) -> None:
        """Write what services measured and nobody has looked at yet."""
        with self._lock:
            self.metrics.close()

    def _look_at(self, row: Row, now: datetime) -> None:
        name = row["AlarmName"]
        if name in self._resting and self._resting[name].holds(self.metrics, row, now):
            return
        version = self.metrics.version(queries.of(row))
        state = evaluation.evaluate(self.metrics, row, now)
        changed = state and transitions.change(self._kernel, name, state, row["AlarmConfigurationUpdatedTimestamp"])
        rest = None if changed else evaluation.rest(self.metrics, row, now, version)
        if rest:
            self._resting[name] = rest
        else:
            self._resting.pop(name, None)

    def rests_until(self) -> datetime | None:
        """The first whole minute at which a look finds anything new if nothing happens before; None: the next one."""
        with self._lock:
            now, alarms = self._kernel.clock.now(), self._alarms()
            if self._kernel.store.revision(ALARM) != self._composed or self._has_fine_alarms():
                return None
            gauges = {row["AlarmName"]: queue for row in alarms if (queue := evaluation.queue_of(row))}
            span_s = max((evaluation.range_s(row) for row in alarms if row["AlarmName"] in gauges), default=0)
            quiet = self._queues.quiet(now, span_s + 2 * MINUTE_S)
            if quiet is None:
                return None
            until_s = [now.timestamp() + _DAY_S, quiet.until_s]
            for row in alarms:
                if gauges.get(row["AlarmName"]) in quiet.queues:
                    continue
                rest = self._resting.get(row["AlarmName"])
                if rest is None or not rest.holds(self.metrics, row, now):
                    return None
                until_s.append(rest.until_s)
        return datetime.fromtimestamp(math.ceil(min(until_s) / MINUTE_S) * MINUTE_S, UTC)

    def _alarms(self) -> list[Row]:
        """Every metric alarm, read anew when one has changed."""
        revision = self._kernel.store.revision(ALARM)
        if revision != self._known[0]:
            rows = [row for row in self._kernel.store.rows(ALARM) if "AlarmRule" not in row]
            self._known = (revision, rows)
            self._resting = {row["AlarmName"]: rest for row in rows if (rest := self._resting.get(row["AlarmName"]))}
        return self._known[1]

    def _has_fine_alarms(self) -> bool:
        return any(evaluation.period_of(row) < MINUTE_S for row in self._alarms())

    def _prune(self, now: datetime) -> None:
        if now.timestamp() - self._pruned_at >= _PRUNED_EVERY_S:
            self._pruned_at = now.timestamp()
            self.metrics.prune(self._pruned_at)
            history.prune(self._kernel, now)


def _minute(now: datetime) -> int:
    """The beginning of the minute of `now`."""
    return int(now.timestamp() // MINUTE_S) * MINUTE_S
