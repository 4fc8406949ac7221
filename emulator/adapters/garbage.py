"""Keeps the interpreter's collections short: what has been loaded is not looked at again.

A full collection over moto and botocore stops every request for a tenth of a second. Services load more when they are
first used, so a collection that took long ends with what survived it being set aside. Rings among that are lost to
later collections: they are caches and modules, which stay anyway.
"""

from __future__ import annotations

import gc
import time

_LONG_S = 0.01
_FULL = 2


def keep_short() -> None:
    """Set aside what is loaded now, and later what long collections were about."""
    began = 0.0

    def noted(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
        elif info["generation"] == _FULL and time.perf_counter() - began > _LONG_S:
            gc.freeze()

    gc.collect()
    gc.freeze()
    gc.callbacks.append(noted)
