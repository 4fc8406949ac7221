"""End the emulator."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from driftloop.errors import UserError
from driftloop.options import DEFAULT_STATE, State
from driftloop.screen import console
from driftloop.target import find_emulator

GRACE_S = 10


def down(state: State = DEFAULT_STATE) -> None:
    """End the emulator and everything it started."""
    stop(state)
    console.print(f"The emulator of state {state} has ended")


def stop(state: Path) -> None:
    """Ask the emulator to end, and make it end when it does not.

    Raises:
        UserError: none runs with this state.
    """
    emulator = find_emulator(state)
    try:
        emulator.ask("stop")
    except UserError:
        (state / "emulator.json").unlink(missing_ok=True)
        raise
    deadline = time.monotonic() + GRACE_S
    while time.monotonic() < deadline:
        if not _exists(emulator.pid):
            return
        time.sleep(0.05)
    os.kill(emulator.pid, signal.SIGKILL)
    (state / "emulator.json").unlink(missing_ok=True)


def _exists(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # ours only when `demo` started it; else nothing waits to be reaped
        os.waitpid(pid, os.WNOHANG)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
