"""What happened, in order, for ever: one JSON object a line, appended and flushed."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from emulator.kernel.clock import Clock


class Journal:
    """Append-only record. `correlation` is the id of the event or request that began it all."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")
        self._sequence = 0

    def append(self, kind: str, subject: str, correlation: str = "", **facts: Any) -> None:
        """Record that `kind` (such as `lambda.invoked`) happened to `subject` (a name or an ARN)."""
        with self._lock:
            self._sequence += 1
            entry = {"sequence": self._sequence, "at": self._clock.now().isoformat(), "kind": kind, "subject": subject}
            self._file.write(json.dumps({**entry, "correlation": correlation, **facts}, default=str) + "\n")
            self._file.flush()

    def entries(self, kind_prefix: str = "") -> list[dict[str, Any]]:
        """Everything recorded whose kind starts with `kind_prefix`, oldest first."""
        with self._path.open(encoding="utf-8") as lines:
            found = [json.loads(line) for line in lines]
        return [entry for entry in found if entry["kind"].startswith(kind_prefix)]
