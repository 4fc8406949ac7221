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
from collections.abc import Iterator
from pathlib import Path

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
        self._given_bytes = 0
        self.peak_bytes: int | None = None

    def forked(self, shared_bytes: int) -> None:
        """The program is a fork that had `shared_bytes` mapped when it began; 0: it is none after all."""
        self._given_bytes = RUNTIME_BYTES - shared_bytes if shared_bytes else 0

    def look(self) -> bool:
        """Measure now; true while the environment is within its limit. A program that has ended uses nothing."""
        if self._program is None:
            self._program = self._find_program()
        used = None if self._program is None else _high_water_bytes(self._program)
        if used is not None and self._program is not None:
            others = sum(map(_private_bytes, _descendants(self._program)))
            self.peak_bytes = max(self.peak_bytes or 0, used + self._given_bytes + others)
        return self._limit_bytes is None or self.peak_bytes is None or self.peak_bytes <= self._limit_bytes

    def _find_program(self) -> int | None:
        pid: int | None = self._pid
        for _ in range(self._wrappers):
            pid = None if pid is None else next(_children(pid), None)
        return pid


def _children(pid: int) -> Iterator[int]:
    """The children of every thread of a process."""
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            yield from map(int, (thread / "children").read_text().split())


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


def _high_water_bytes(pid: int) -> int | None:
    return _kilobytes(f"/proc/{pid}/status", (b"VmHWM:",))


def _private_bytes(pid: int) -> int:
    return _kilobytes(f"/proc/{pid}/smaps_rollup", (b"Private_Clean:", b"Private_Dirty:")) or 0


def _kilobytes(path: str, names: tuple[bytes, ...]) -> int | None:
    try:
        with open(path, "rb") as file:
            found = [int(line.split()[1]) for line in file if line.startswith(names)]
    except OSError:
        return None
    return sum(found) * 1024 if found else None
