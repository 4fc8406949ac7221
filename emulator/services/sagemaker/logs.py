"""Lines that programs print, to CloudWatch Logs in batches: a program never waits for the log.

Source: API_PutLogEvents (at most 10,000 events a batch, no empty message), read 2026-11.
"""

from __future__ import annotations

import threading
from collections import deque

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel

_BATCH_MAX = 1000
_BATCH_EVERY_S = 0.2
_TAIL_LINES = 80


class LogStream:
    """One log stream. `write` may be called from any thread; `tail` keeps the last lines for failure reasons."""

    def __init__(self, writer: LogWriter, group: str, name: str) -> None:
        self.group = group
        self.name = name
        self.tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._writer = writer
        self._pending: list[dict[str, object]] = []
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._is_created = False

    def write(self, line: str) -> None:
        """Add a line; it reaches CloudWatch Logs within a moment."""
        with self._lock:
            self.tail.append(line)
            if line.strip():
                self._pending.append({"timestamp": self._writer.now_ms(), "message": line})
        self._writer.wake(self)

    def flush(self) -> None:
        """Deliver what is pending. A refusal by CloudWatch Logs is journaled and loses only log lines."""
        with self._flushing:
            with self._lock:
                pending, self._pending = self._pending, []
            if pending:
                self._deliver(pending)

    def _deliver(self, pending: list[dict[str, object]]) -> None:
        kernel = self._writer.kernel
        try:
            if not self._is_created:
                self._create()
            for start in range(0, len(pending), _BATCH_MAX):
                batch = {
                    "logGroupName": self.group,
                    "logStreamName": self.name,
                    "logEvents": pending[start : start + _BATCH_MAX],
                }
                kernel.calls("logs", "PutLogEvents", batch)
        except AwsError as error:
            kernel.journal.append("sagemaker.logs.refused", f"{self.group}/{self.name}", error=str(error))

    def _create(self) -> None:
        names = {"logGroupName": self.group, "logStreamName": self.name}
        for operation, request in (("CreateLogGroup", {"logGroupName": self.group}), ("CreateLogStream", names)):
            try:
                self._writer.kernel.calls("logs", operation, request)
            except AwsError as error:
                if error.code != "ResourceAlreadyExistsException":
                    raise
        self._is_created = True


class LogWriter:
    """All open log streams; delivers what they were given in the last moment together."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self._dirty: set[LogStream] = set()
        self._lock = threading.Lock()

    def open(self, group: str, name: str) -> LogStream:
        return LogStream(self, group, name)

    def now_ms(self) -> int:
        return int(self.kernel.clock.now().timestamp() * 1000)

    def wake(self, stream: LogStream) -> None:
        """Deliver what the stream has, in a moment."""
        with self._lock:
            is_first = not self._dirty
            self._dirty.add(stream)
        if is_first:
            self.kernel.dispatcher.post("sagemaker.logs", self._flush_all, _BATCH_EVERY_S)

    def _flush_all(self) -> None:
        with self._lock:
            dirty, self._dirty = self._dirty, set()
        for stream in dirty:
            self._flush(stream)

    def _flush(self, stream: LogStream) -> None:
        """A broken delivery must not end the deliveries of all other streams."""
        try:
            stream.flush()
        except Exception as error:
            self.kernel.journal.append("sagemaker.logs.broken", f"{stream.group}/{stream.name}", error=repr(error))
