"""Waiting for what happens by itself, without guessing how long it takes."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_NEVER = threading.Event()


def eventually(probe: Callable[[], T | None], timeout_s: float = 30, every_s: float = 0.05) -> T:
    """The first answer of `probe` that is true (an empty list is not); fails with its last answer after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{getattr(probe, '__name__', probe)} still answered {found!r} after {timeout_s} s")
        _NEVER.wait(every_s)
