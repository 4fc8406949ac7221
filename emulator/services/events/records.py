"""Rows of the events service: buses, and rules with their targets under one key per bus."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel

BUS = "events.bus"
RULE = "events.rule"
DEFAULT_BUS = "default"


def bus_name(params: dict[str, Any], field: str = "EventBusName") -> str:
    """The bus that a request speaks of, by name or by ARN; the default bus when it says nothing."""
    return str(params.get(field) or DEFAULT_BUS).rsplit(":event-bus/", 1)[-1]


def bus_arn(kernel: Kernel, name: str) -> str:
    return kernel.arn("events", f"event-bus/{name}")


def find_bus(kernel: Kernel, name: str) -> dict[str, Any] | None:
    """A bus's row. The default bus is there from the beginning, and has a row once something is written to it."""
    found = kernel.store.get(BUS, name)
    if found is None and name == DEFAULT_BUS:
        return {"Name": DEFAULT_BUS, "Arn": bus_arn(kernel, DEFAULT_BUS)}
    return found


def bus(kernel: Kernel, name: str) -> dict[str, Any]:
    """The bus's row.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    found = find_bus(kernel, name)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Event bus {name} does not exist.")
    return found


def rule_key(bus: str, name: str) -> str:
    return f"{bus}#{name}"


def rule_arn(kernel: Kernel, bus: str, name: str) -> str:
    return kernel.arn("events", f"rule/{name}" if bus == DEFAULT_BUS else f"rule/{bus}/{name}")


def rule(kernel: Kernel, name: str, bus_of_rule: str = DEFAULT_BUS) -> dict[str, Any]:
    """The rule's row.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    bus(kernel, bus_of_rule)
    found = kernel.store.get(RULE, rule_key(bus_of_rule, name))
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Rule {name} does not exist on EventBus {bus_of_rule}.")
    return found


def rules(kernel: Kernel, bus: str, prefix: str = "") -> list[dict[str, Any]]:
    """The rules of a bus whose names start with `prefix`."""
    return kernel.store.rows(RULE, rule_key(bus, prefix))


def put_rule_row(kernel: Kernel, row: dict[str, Any]) -> None:
    kernel.store.put(RULE, rule_key(row["EventBusName"], row["Name"]), row)
