"""What happened, in order: one JSON object a line, appended and flushed.

A journal that has grown too large goes on in a new file, and the one before it is kept: what is older is lost.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from emulator.kernel.clock import Clock

LIMIT_BYTES = 256 * 10**6


class Journal:
    """Append-only record. `correlation` is the id of the event or request that began it all."""

    def __init__(self, path: Path, clock: Clock, limit_bytes: int = LIMIT_BYTES) -> None:
        self._path = path
        self._before = path.with_suffix(".before.jsonl")
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")
        if _ends_torn(path):
            self._file.write("\n")
        self._sequence = 0

    def append(self, kind: str, subject: str, correlation: str = "", **facts: Any) -> None:
        """Record that `kind` (such as `lambda.invoked`) happened to `subject` (a name or an ARN)."""
        with self._lock:
            self._sequence += 1
            entry = {"sequence": self._sequence, "at": self._clock.now().isoformat(), "kind": kind, "subject": subject}
            self._file.write(json.dumps({**entry, "correlation": correlation, **facts}, default=str) + "\n")
            self._file.flush()
            if self._file.tell() >= self._limit_bytes:
                self._file.close()
                self._path.replace(self._before)
                self._file = self._path.open("a", encoding="utf-8")

    def entries(self, kind_prefix: str = "") -> list[dict[str, Any]]:
        """Everything recorded whose kind starts with `kind_prefix`, oldest first.

        A line that a killed process left half written is passed over.
        """
        with self._lock:
            lines = [line for path in (self._before, self._path) if path.exists() for line in _lines(path)]
        found = [entry for entry in map(_entry, lines) if entry is not None]
        return [entry for entry in found if entry["kind"].startswith(kind_prefix)]


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").splitlines()


def _entry(line: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return None
    return found


def _ends_torn(path: Path) -> bool:
    """Whether the file's last line lacks its end: whoever wrote it was killed."""
    with path.open("rb") as file:
        file.seek(0, 2)
        if file.tell() == 0:
            return False
        file.seek(-1, 2)
        return file.read(1) != b"\n"
