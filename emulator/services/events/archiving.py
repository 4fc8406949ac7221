"""What an archive keeps of the events that come to its bus."""

from __future__ import annotations

from typing import Any

from emulator.kernel.ports import Kernel


def keep(kernel: Kernel, bus: str, event: dict[str, Any]) -> None:
    """Store the event in every archive of the bus that wants it."""
