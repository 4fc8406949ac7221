"""Datapoints: many, small, in an SQLite file of their own so that they never hold up the services' rows."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.semantics.cloudwatch import statistics
from emulator.semantics.cloudwatch.statistics import Reading

KEPT_S = 63 * 86_400
"""AWS rolls old datapoints up and keeps them for 15 months; here they go after 63 days."""
MOST_ROWS = 3_000_000
MOST_LATER = 1000
"""So many datapoints of services are in memory at most: a kill loses them, as AWS's own metrics are best effort."""

Dimensions = Mapping[str, str]


@dataclass(frozen=True)
class Metric:
    """A metric: its namespace, name and exact dimensions."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...] = ()

    def as_map(self) -> dict[str, str]:
        return dict(self.dimensions)


@dataclass(frozen=True)
class Datapoint:
    """One reading of a metric; `at` is seconds since 1970."""

    metric: Metric
    at: float
    reading: Reading
    unit: str = "None"


def metric(namespace: str, name: str, dimensions: Dimensions | None = None) -> Metric:
    return Metric(namespace, name, tuple(sorted((dimensions or {}).items())))


class MetricStore:
    """Datapoints by metric and time."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._ids: dict[Metric, int] = {}
        self._later: list[Datapoint] = []
        self._versions: Counter[Metric] = Counter()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(
            "CREATE TABLE IF NOT EXISTS metrics (id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, name TEXT NOT NULL, "
            "dimensions TEXT NOT NULL, last_at REAL NOT NULL, UNIQUE (namespace, name, dimensions));"
            "CREATE TABLE IF NOT EXISTS points (metric INTEGER NOT NULL, at REAL NOT NULL, unit TEXT NOT NULL, "
            "count REAL NOT NULL, total REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, vals TEXT);"
            "CREATE INDEX IF NOT EXISTS points_by_time ON points (metric, at);"
        )

    def add(self, points: Iterable[Datapoint]) -> None:
        """Record datapoints, all or none."""
        made = list(points)
        self._write(made)
        with self._lock:
            self._versions.update(point.metric for point in made)

    def _write(self, points: list[Datapoint]) -> None:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for point in points:
                    self._insert(point)
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                self._ids.clear()
                raise

    def add_soon(self, point: Datapoint) -> None:
        """Record a datapoint when somebody next looks, or when many have come: cheap enough for every request."""
        with self._lock:
            self._versions[point.metric] += 1
            self._later.append(point)
            is_full = len(self._later) >= MOST_LATER
        if is_full:
            self.flush()

    def flush(self) -> None:
        """Record what was put off."""
        with self._lock:
            points, self._later = self._later, []
        if points:
            self._write(points)

    def readings(
        self, wanted: Metric, start: float, end: float, unit: str | None = None
    ) -> list[tuple[float, Reading, str]]:
        """What was recorded from `start` until before `end`, oldest first, with its unit."""
        self.flush()
        number = self._id(wanted)
        if number is None:
            return []
        sql = "SELECT at, count, total, low, high, vals, unit FROM points WHERE metric=? AND at>=? AND at<?"
        values: tuple[float | str, ...] = (number, start, end)
        if unit is not None:
            sql, values = f"{sql} AND unit=?", (*values, unit)
        with self._lock:
            rows = self._db.execute(f"{sql} ORDER BY at", values).fetchall()
        return [(at, _reading(count, total, low, high, vals), kept) for at, count, total, low, high, vals, kept in rows]

    def summaries(
        self, wanted: Metric, start: int, end: int, period_s: int, unit: str | None = None
    ) -> list[tuple[float, Reading]]:
        """One reading for each period that has any: all that the simple statistics need, whatever came in it."""
        self.flush()
        number = self._id(wanted)
        if number is None:
            return []
        sql = (
            "SELECT CAST((at - ?) / ? AS INTEGER) AS period, sum(count), sum(total), min(low), max(high) FROM points "
            "WHERE metric=? AND at>=? AND at<?"
        )
        values: tuple[float | str, ...] = (start, period_s, number, start, end)
        if unit is not None:
            sql, values = f"{sql} AND unit=?", (*values, unit)
        with self._lock:
            rows = self._db.execute(f"{sql} GROUP BY period ORDER BY period", values).fetchall()
        return [(start + period * period_s, Reading(*summary)) for period, *summary in rows]

    def metrics(self, since: float, namespace: str | None = None, name: str | None = None) -> list[Metric]:
        """Metrics that got data since then, in order of namespace, name and dimensions."""
        self.flush()
        sql, values = "SELECT namespace, name, dimensions FROM metrics WHERE last_at>=?", [since]
        given: list[float | str] = list(values)
        for column, value in (("namespace", namespace), ("name", name)):
            if value is not None:
                sql += f" AND {column}=?"
                given.append(value)
        with self._lock:
            rows = self._db.execute(f"{sql} ORDER BY namespace, name, dimensions", given).fetchall()
        return [Metric(space, title, tuple(map(tuple, json.loads(text)))) for space, title, text in rows]

    def prune(self, now: float) -> None:
        """Drop what is too old, and the oldest of what is too many."""
        with self._lock:
            self._db.execute("DELETE FROM points WHERE at<?", (now - KEPT_S,))
            (rows,) = self._db.execute("SELECT count(*) FROM points").fetchone()
            if rows > MOST_ROWS:
                bound = "(SELECT at FROM points ORDER BY at LIMIT 1 OFFSET ?)"
                self._db.execute(f"DELETE FROM points WHERE at<{bound}", (rows - MOST_ROWS,))

    def close(self) -> None:
        self.flush()
        with self._lock:
            self._db.close()

    def version(self, wanted: Metric) -> int:
        """A number that is another one after every datapoint of a metric."""
        return self._versions[wanted]

    def times(self, wanted: Metric, start: float, end: float, most: int) -> list[float]:
        """When the datapoints from `start` until before `end` were, at most `most` of them."""
        self.flush()
        number = self._id(wanted)
        if number is None:
            return []
        sql = "SELECT DISTINCT at FROM points WHERE metric=? AND at>=? AND at<? LIMIT ?"
        with self._lock:
            return [at for (at,) in self._db.execute(sql, (number, start, end, most))]

    def _insert(self, point: Datapoint) -> None:
        read = point.reading
        vals = json.dumps(read.values) if len(read.values) > 1 else None
        row = (self._made(point.metric), point.at, point.unit, read.count, read.total, read.low, read.high, vals)
        self._db.execute("INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._db.execute("UPDATE metrics SET last_at=max(last_at, ?) WHERE id=?", (point.at, row[0]))

    def _made(self, wanted: Metric) -> int:
        number = self._ids.get(wanted)
        if number is None:
            key = (wanted.namespace, wanted.name, json.dumps(wanted.dimensions))
            insert = "INSERT OR IGNORE INTO metrics (namespace, name, dimensions, last_at) VALUES (?, ?, ?, 0)"
            self._db.execute(insert, key)
            number = self._found(wanted)
            assert number is not None
            self._ids[wanted] = number
        return number

    def _id(self, wanted: Metric) -> int | None:
        with self._lock:
            if wanted not in self._ids:
                found = self._found(wanted)
                if found is None:
                    return None
                self._ids[wanted] = found
            return self._ids[wanted]

    def _found(self, wanted: Metric) -> int | None:
        key = (wanted.namespace, wanted.name, json.dumps(wanted.dimensions))
        row = self._db.execute("SELECT id FROM metrics WHERE namespace=? AND name=? AND dimensions=?", key).fetchone()
        return None if row is None else int(row[0])


def _reading(count: float, total: float, low: float, high: float, vals: str | None) -> Reading:
    if vals is None:
        return statistics.statistic_set(count, total, low, high)
    return Reading(count, total, low, high, tuple(map(tuple, json.loads(vals))))
