"""How much memory an execution environment uses: measured from /proc, children included.

A fork of a server with libraries loaded maps the server's pages from the start, used or not. What AWS would count is
guessed fairly: the pages that it got since, and what a runtime with boto3 takes (`RUNTIME_BYTES`). A fresh process
counts whole. Of what a program starts, only the pages that it shares with nobody count.

The peak of the program is the kernel's own (VmHWM), so nothing is missed between two looks; its children are looked at.
AWS_NAME: Max Memory Used, and the memory limit of a function
SOURCE: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html and python-logging.html
    (read 2026-11-23); proc_pid_status(5), proc_pid_smaps(5)
DIFFERS: a forked Python function is charged for boto3 whether it imports it or not, 37 MB in all at the start,
    which is about what AWS reports for a small function; the clients' models that a fork server has read ahead are not
    charged; what a program starts is looked at
    every 0.1 s and at the end, so a short peak of a child may be missed; where there is no /proc, memory is not
    measured, the REPORT line is without it and the limit is not enforced
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

RUNTIME_BYTES = 37 << 20
"""An interpreter with awslambdaric and boto3 imported: `VmRSS`, measured with Python 3.11 (14 MB without boto3)."""
LOOK_EVERY_S = 0.1


class Footprint:
    """The memory of one environment: the program below `wrappers` processes of ours, and all that it started."""

    def __init__(self, pid: int, wrappers: int, limit_bytes: int | None) -> None:
        self._pid = pid
        self._wrappers = wrappers
        self._limit_bytes = limit_bytes
        self._program: int | None = None
        self._status: int | None = None
        self._given_bytes = 0
        self.peak_bytes: int | None = None

    def forked(self, shared_bytes: int) -> None:
        """The program is a fork that had `shared_bytes` mapped when it began; 0: it is none after all."""
        self._given_bytes = RUNTIME_BYTES - shared_bytes if shared_bytes else 0

    def look(self) -> bool:
        """Measure now; true while the environment is within its limit. A program that has ended uses nothing."""
        if self._status is None:
            self._find_program()
        status = self._read_status()
        if status and self._program is not None:
            used = _kilobytes(status, b"VmHWM:") * 1024 + self._given_bytes
            used += sum(map(_private_bytes, _descendants(self._program, _kilobytes(status, b"Threads:") > 1)))
            self.peak_bytes = max(self.peak_bytes or 0, used)
        return self._limit_bytes is None or self.peak_bytes is None or self.peak_bytes <= self._limit_bytes

    def close(self) -> None:
        """Look no more."""
        if self._status is not None:
            os.close(self._status)
            self._status = None
            self._wrappers = -1

    def _find_program(self) -> None:
        pid: int | None = self._pid if self._wrappers >= 0 else None
        for _ in range(self._wrappers):
            pid = None if pid is None else next(iter(_children(pid, has_threads=True)), None)
        if pid is not None:
            with contextlib.suppress(OSError):
                self._program, self._status = pid, os.open(f"/proc/{pid}/status", os.O_RDONLY | os.O_CLOEXEC)

    def _read_status(self) -> bytes:
        """The program's /proc status; kept open, since this is done in every invocation."""
        try:
            return b"" if self._status is None else os.pread(self._status, 8192, 0)
        except OSError:
            return b""


def _children(pid: int, has_threads: bool) -> list[int]:
    """The children of a process, of every thread where it has several."""
    try:
        threads = os.listdir(f"/proc/{pid}/task") if has_threads else [str(pid)]
        return [child for thread in threads for child in _pids(f"/proc/{pid}/task/{thread}/children")]
    except OSError:
        return []


def _pids(path: str) -> list[int]:
    with open(path, "rb", buffering=0) as file:
        return [int(word) for word in file.read().split()]


def _descendants(pid: int, has_threads: bool) -> Iterator[int]:
    for child in _children(pid, has_threads):
        yield child
        yield from _descendants(child, has_threads=True)


def _private_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            text = file.read()
    except OSError:
        return 0
    return 1024 * (_kilobytes(text, b"Private_Clean:") + _kilobytes(text, b"Private_Dirty:"))


def _kilobytes(text: bytes, name: bytes) -> int:
    """The number after a name; 0 where there is none, as for a process that has ended."""
    words = text.partition(name)[2].split(maxsplit=1)
    return int(words[0]) if words else 0
