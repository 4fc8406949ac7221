"""State of the services that we own: JSON rows in SQLite, each mutation one transaction, so it survives `kill -9`."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

Row = dict[str, Any]
_OUTERMOST = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_NESTED = ("SAVEPOINT inner", "RELEASE inner", ("ROLLBACK TO inner", "RELEASE inner"))


class Store:
    """Rows by (kind, key). A kind is `<service>.<noun>`; a row is a JSON object that may hold aware datetimes.

    Reads come from memory, where the text of every row is kept beside the file; this process alone writes it.
    What `get` and `rows` return is a fresh copy: change it and `put` it back, inside `transaction()` when the
    change depends on what was read.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._undo: list[list[tuple[str, str, str | None]]] = []
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS rows "
            "(kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        self._bodies: dict[str, dict[str, str]] = {}
        self._revisions: Counter[str] = Counter()
        for kind, key, body in self._db.execute("SELECT kind, key, body FROM rows"):
            self._bodies.setdefault(kind, {})[key] = body

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing, and alone: other threads wait. An inner one fails by itself and lasts with the outermost."""
        with self._lock:
            begin, keep, undo = _NESTED if self._undo else _OUTERMOST
            self._db.execute(begin)
            self._undo.append([])
            try:
                yield
                self._db.execute(keep)
            except BaseException:
                for statement in undo:
                    self._db.execute(statement)
                for kind, key, body in reversed(self._undo.pop()):
                    self._set(kind, key, body)
                raise
            done = self._undo.pop()
            if self._undo:
                self._undo[-1] += done

    def get(self, kind: str, key: str) -> Row | None:
        with self._lock:
            body = self._bodies.get(kind, {}).get(key)
        return None if body is None else _decode(body)

    def put(self, kind: str, key: str, row: Row) -> None:
        body = _encode(row)
        with self.transaction():
            self._db.execute("INSERT OR REPLACE INTO rows VALUES (?, ?, ?)", (kind, key, body))
            self._change(kind, key, body)

    def delete(self, kind: str, key: str) -> None:
        with self.transaction():
            self._db.execute("DELETE FROM rows WHERE kind=? AND key=?", (kind, key))
            self._change(kind, key, None)

    def rows(self, kind: str, prefix: str = "") -> list[Row]:
        """All rows of a kind whose key starts with `prefix`, in key order."""
        with self._lock:
            found = sorted(item for item in self._bodies.get(kind, {}).items() if item[0].startswith(prefix))
        return [_decode(body) for _, body in found]

    def revision(self, kind: str) -> int:
        """A number that is another one after every change to the rows of a kind: for who keeps what it has read."""
        return self._revisions[kind]

    def _change(self, kind: str, key: str, body: str | None) -> None:
        self._undo[-1].append((kind, key, self._bodies.get(kind, {}).get(key)))
        self._set(kind, key, body)

    def _set(self, kind: str, key: str, body: str | None) -> None:
        self._revisions[kind] += 1
        if body is None:
            self._bodies.get(kind, {}).pop(key, None)
        else:
            self._bodies.setdefault(kind, {})[key] = body

    def close(self) -> None:
        with self._lock:
            self._db.close()


def _encode(row: Row) -> str:
    return json.dumps(row, default=_encode_value, separators=(",", ":"))


def _encode_value(value: object) -> object:
    if isinstance(value, datetime):
        return {"$at": value.isoformat()}
    raise TypeError(f"a row cannot hold {type(value).__name__} {value!r}")


def _decode(body: str) -> Row:
    row: Row = json.loads(body, object_hook=_decode_object if '"$at"' in body else None)  # the hook costs most of it
    return row


def _decode_object(found: dict[str, Any]) -> Any:
    return datetime.fromisoformat(found["$at"]) if found.keys() == {"$at"} else found
