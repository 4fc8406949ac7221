"""Rows of the events service: a rule with its targets under one key."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Kernel

RULE = "events.rule"
DEFAULT_BUS = "default"


def require_default_bus(params: dict[str, Any]) -> None:
    """Only the default bus exists so far."""
    bus = params.get("EventBusName", DEFAULT_BUS).rsplit("/", 1)[-1]
    if bus != DEFAULT_BUS:
        raise EmulatorError(f"events: EventBusName '{bus}': only the default bus is emulated yet; nothing was done")


def rule(kernel: Kernel, name: str) -> dict[str, Any]:
    """The rule's row.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    found = kernel.store.get(RULE, name)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus default.")
    return found
