"""A job while it runs: its process, the wish to stop it, and the moment it ended."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from emulator.kernel.ports import Command, Kernel, Process

# SIGTERM, then 120 seconds, then SIGKILL. Source: API_StopTrainingJob, read 2026-11
GRACE_S = 120.0


@dataclass(frozen=True)
class Exit:
    """How a container ended: its exit code, and whether its time was up."""

    code: int
    is_timed_out: bool = False


class RunningJob:
    """The handle by which a job is stopped and waited for. `ended` is set after the job's last state is stored."""

    def __init__(self, kernel: Kernel) -> None:
        self.ended = kernel.dispatcher.gate()
        self._stopping = kernel.dispatcher.gate()
        self._kernel = kernel
        self._lock = threading.Lock()
        self._process: Process | None = None

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_open

    def await_instance(self) -> bool:
        """Wait as long as AWS takes to start an instance; false when the job was stopped meanwhile."""
        return not self._kernel.dispatcher.pause(self._kernel.latency.job_s, self._stopping)

    def run(self, command: Command, runtime_max_s: float | None) -> Exit:
        """Run the container to its end, however that comes."""
        process = self._kernel.spawner.spawn(command)
        with self._lock:
            self._process = process
        if self.is_stopping:
            process.terminate()
        code = process.wait(runtime_max_s)
        if code is not None:
            return Exit(code)
        process.terminate()
        code = process.wait(GRACE_S)
        return Exit(self._killed(process) if code is None else code, is_timed_out=True)

    def stop(self) -> None:
        """Ask the program to end; kill it when its grace is over."""
        self._stopping.open()
        with self._lock:
            process = self._process
        if process is not None:
            process.terminate()
        self._kernel.dispatcher.post("job.kill", self._kill_if_running, GRACE_S)

    def _kill_if_running(self) -> None:
        if not self.ended.is_open and self._process is not None:
            self._process.kill()

    def _killed(self, process: Process) -> int:
        process.kill()
        code = process.wait()
        assert code is not None
        return code
