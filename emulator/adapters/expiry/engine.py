"""When it is looked for what is over: lifecycle rules at midnight UTC, times to live every six hours."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from emulator.adapters.expiry import items, objects
from emulator.kernel import timers
from emulator.kernel.ports import Kernel
from emulator.kernel.timers import Timer

_ITEMS_EVERY, _DAY = timedelta(hours=6), timedelta(days=1)


def start(kernel: Kernel, objects_lock: AbstractContextManager[Any]) -> None:
    """Look again and again; `objects_lock` is that of moto's S3."""
    _every(kernel, "items", _ITEMS_EVERY, partial(items.expire, kernel))
    _every(kernel, "objects", _DAY, partial(objects.expire, kernel, objects_lock))


def _every(kernel: Kernel, name: str, span: timedelta, expire: Callable[[datetime], None]) -> None:
    timer = Timer(lambda after: _next(after, span), expire)
    timers.of(kernel).start(f"expiry of {name}", timer, kernel.clock.now())


def _next(after: datetime, span: timedelta) -> datetime:
    """The next midnight UTC, or a whole number of spans after the last."""
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + ((after - midnight) // span + 1) * span
