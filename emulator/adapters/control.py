"""The control API behind `/_emulator/`: what a person asks of the emulator itself, beyond AWS."""

from __future__ import annotations

import contextlib
import os
import resource
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from emulator.adapters.forking import ForkingSpawner
from emulator.kernel import pace
from emulator.kernel.pace import Timekeeper
from emulator.kernel.ports import Kernel
from emulator.semantics.faults import kinds

Answer = dict[str, Any]
_ADVANCED_FOR_S = 1.0


class ControlApi:
    """Verbs by name. Called with a verb and its parameters; a wrong call is answered with `error`."""

    def __init__(
        self,
        kernel: Kernel,
        timekeeper: Timekeeper,
        stop: threading.Event,
        limits: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
    ) -> None:
        self._kernel = kernel
        self._timekeeper = timekeeper
        self._stop = stop
        self._limits = limits
        self._warnings = warnings
        self._verbs: dict[str, Callable[[Answer], Answer]] = {
            "health": self._health,
            "journal": self._journal,
            "clock": self._clock,
            "advance": self._advance,
            "faults": self._faults,
            "stop": self._end,
        }

    def __call__(self, verb: str, params: Answer, method: str = "POST") -> Answer:
        if verb not in self._verbs:
            return {"error": f"/_emulator/{verb} is unknown; there are {', '.join(self._verbs)}"}
        try:
            if method == "DELETE":
                return self._delete(verb)
            return self._verbs[verb](params)
        except (KeyError, TypeError, ValueError) as error:
            return {"error": f"/_emulator/{verb}: {error}"}

    def _health(self, params: Answer) -> Answer:
        return {
            "status": "ok",
            "isolation": self._kernel.spawner.isolation,
            "fork_servers": self._fork_servers(),
            "limits": list(self._limits),
            "warnings": list(self._warnings),
            "pid": os.getpid(),
            "memory_bytes": _memory_bytes(),
            "disk_bytes": _disk_bytes(self._kernel.state_dir),
        }

    def _fork_servers(self) -> dict[str, int]:
        """How many fork servers are up, of how many."""
        spawner = self._kernel.spawner
        servers = spawner.servers if isinstance(spawner, ForkingSpawner) else []
        return {"up": sum(server.is_up for server in servers), "planned": len(servers)}

    def _journal(self, params: Answer) -> Answer:
        return {"entries": self._kernel.journal.entries(params.get("kind", ""))}

    def _clock(self, params: Answer) -> Answer:
        """What time it is and how it passes; `pace` changes that."""
        if "pace" in params:
            self._timekeeper.set_pace(pace.parse(params["pace"]))
            self._kernel.journal.append("clock.paced", params["pace"])
        due = self._kernel.dispatcher.next_due()
        return {
            "now": self._kernel.clock.now().isoformat(),
            "pace": str(self._timekeeper.pace),
            "latency": self._kernel.latency.name,
            "next_due": due.isoformat() if due else None,
            "works": self._kernel.dispatcher.working(),
        }

    def _advance(self, params: Answer) -> Answer:
        """Towards `until`, or by `seconds`, for about a second of the machine's time: ask again until `is_there`."""
        now = self._kernel.clock.now()
        until = (
            datetime.fromisoformat(params["until"]) if "until" in params else now + timedelta(seconds=params["seconds"])
        )
        if until.tzinfo is None:
            raise ValueError(f"until '{params['until']}' has no offset; expected such as 2026-12-01T00:00:00+00:00")
        progress = self._timekeeper.advance(until, params.get("budget_s", _ADVANCED_FOR_S))
        if progress.is_there:
            self._kernel.journal.append("clock.advanced", until.isoformat())
        return {
            "now": progress.now.isoformat(),
            "until": until.isoformat(),
            "is_there": progress.is_there,
            "waits_for": progress.waits_for,
        }

    def _faults(self, params: Answer) -> Answer:
        """What goes wrong on purpose, and what could; with `kind`, `target` and `times` (null: always) one more."""
        faults = self._kernel.faults
        if params:
            faults.order(params["kind"], params["target"], params.get("times", 1))
        return {
            "faults": [asdict(fault) for fault in faults.all()],
            "kinds": {name: asdict(kind) for name, kind in kinds.KINDS.items()},
        }

    def _delete(self, verb: str) -> Answer:
        if verb != "faults":
            raise ValueError("there is nothing to delete; faults there are")
        return {"cleared": self._kernel.faults.clear()}

    def _end(self, params: Answer) -> Answer:
        self._stop.set()
        return {"status": "stopping"}


def _disk_bytes(directory: Path) -> int:
    """The files below a directory, while others write and delete there."""
    size_bytes = 0
    for place, _, files in os.walk(directory):
        for name in files:
            with contextlib.suppress(OSError):
                size_bytes += os.lstat(os.path.join(place, name)).st_size
    return size_bytes


def _memory_bytes() -> int:
    """What this process has in memory now; where the system does not tell, the most it ever had."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
