"""Rows of the CloudFormation service: stacks, their change sets and events."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel

STACK, CHANGE_SET, EVENT = "cloudformation.stack", "cloudformation.change_set", "cloudformation.event"


def stack_name(reference: str) -> str:
    """The name in a stack's name or ARN."""
    return reference.split("/")[1] if reference.startswith("arn:") else reference


def stack(kernel: Kernel, reference: str) -> dict[str, Any]:
    """The stack's row.

    Raises:
        AwsError: ValidationError, in the words that the CDK CLI looks for.
    """
    found = kernel.store.get(STACK, stack_name(reference))
    if found is None:
        raise AwsError("ValidationError", f"Stack with id {reference} does not exist")
    return found


def change(kernel: Kernel, name: str, **facts: Any) -> dict[str, Any]:
    """Change members of a stack's row in one transaction; answers the new row."""
    with kernel.store.transaction():
        row = {**stack(kernel, name), **facts}
        kernel.store.put(STACK, name, row)
    return row


def add_event(kernel: Kernel, row: dict[str, Any], logical_id: str, kind: str, status: str, **facts: Any) -> None:
    """Append a stack event; `facts` may hold PhysicalResourceId and ResourceStatusReason."""
    name = row["StackName"]
    with kernel.store.transaction():
        number = len(kernel.store.rows(EVENT, f"{name}/"))
        event = {
            "StackId": row["StackId"],
            "EventId": f"{logical_id}-{status}-{kernel.ids.uuid()}",
            "StackName": name,
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": "",
            "ResourceType": kind,
            "Timestamp": kernel.clock.now(),
            "ResourceStatus": status,
            **facts,
        }
        kernel.store.put(EVENT, f"{name}/{number:06}", event)
