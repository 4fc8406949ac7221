"""What this service holds in memory: running jobs, model servers, the log writer. State proper is in the store."""

from __future__ import annotations

import threading
from typing import Any

from emulator.kernel.dispatcher import Gate
from emulator.kernel.ports import Kernel
from emulator.services.sagemaker.hosting.fleet import Fleet
from emulator.services.sagemaker.jobs.running import RunningJob
from emulator.services.sagemaker.logs import LogWriter

_NAME = "sagemaker"
Lock = Any  # threading.RLock is a function, so it cannot name a type
_starting = threading.Lock()


class Engine:
    """One per kernel. `jobs` is by job ARN, `callbacks` by token."""

    def __init__(self, kernel: Kernel) -> None:
        self.logs = LogWriter(kernel)
        self.jobs: dict[str, RunningJob] = {}
        self.callbacks: dict[str, Gate] = {}
        self.fleet = Fleet(kernel, self.logs)
        self._execution_locks: dict[str, Lock] = {}

    def execution_lock(self, arn: str) -> Lock:
        """Held while something about one pipeline execution is decided."""
        return self._execution_locks.setdefault(arn, threading.RLock())


def of(kernel: Kernel) -> Engine:
    """The kernel's engine, made and started when first asked for."""
    with _starting:
        found = kernel.engines.get(_NAME)
        if found is None:
            found = kernel.engines[_NAME] = Engine(kernel)
    assert isinstance(found, Engine)
    return found
