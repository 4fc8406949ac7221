"""Rows of endpoints: they move along their life cycle, one transaction a move, and every move is told afterwards."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import validation
from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row
from emulator.semantics.endpoints import lifecycle
from emulator.semantics.state_changes import hosting as events
from emulator.services.sagemaker import names, tags

KIND = names.ENDPOINT


def existing(kernel: Kernel, name: str) -> Row:
    """A stored endpoint.

    Raises:
        AwsError: in AWS's words.
    """
    row = kernel.store.get(KIND, name)
    if row is None:
        raise validation(f'Could not find endpoint "{names.lower_arn(kernel, "endpoint", name)}".')
    return row


def move(kernel: Kernel, name: str, status: str, **changes: Any) -> Row:
    """Bring an endpoint into another status; a change to None takes the field away.

    Raises:
        AwsError: there is no such endpoint, or the move is not in the table.
    """
    with kernel.store.transaction():
        row = existing(kernel, name)
        try:
            row["EndpointStatus"] = lifecycle.move(row["EndpointStatus"], status)
        except lifecycle.IllegalMove as error:
            raise _refusal(row, error) from error
        row.update(changes, LastModifiedTime=kernel.clock.now())
        row = {key: value for key, value in row.items() if value is not None}
        kernel.store.put(KIND, name, row)
    announce(kernel, row)
    return row


def check_rest(row: Row) -> None:
    """Refuse what cannot begin while an endpoint is changing, or ever again."""
    try:
        lifecycle.move(row["EndpointStatus"], "Updating")
    except lifecycle.IllegalMove as error:
        raise _refusal(row, error) from error


def progress(kernel: Kernel, name: str, **changes: Any) -> Row:
    """Something about a deployment that is under way has changed; a change to None takes the field away."""
    with kernel.store.transaction():
        row = {**existing(kernel, name), **changes, "LastModifiedTime": kernel.clock.now()}
        row = {key: value for key, value in row.items() if value is not None}
        kernel.store.put(KIND, name, row)
    detail_type, detail = events.deployment(row, tags.of(kernel, row["EndpointArn"]))
    kernel.publish("aws.sagemaker", detail_type, detail, [row["EndpointArn"]])
    return row


def announce(kernel: Kernel, row: Row) -> None:
    status = row["EndpointStatus"]
    facts = {"config": row["EndpointConfigName"], "reason": row.get("FailureReason")}
    kernel.journal.append(f"endpoint.{lifecycle.event_name(status).lower()}", row["EndpointArn"], **facts)
    detail_type, detail = events.endpoint(row, tags.of(kernel, row["EndpointArn"]))
    kernel.publish("aws.sagemaker", detail_type, detail, [row["EndpointArn"]])


def _refusal(row: Row, error: lifecycle.IllegalMove) -> Exception:
    if error.status in ("Creating", "Updating", "RollingBack", "Deleting"):
        return validation(f'Cannot update in-progress endpoint "{row["EndpointArn"]}".')
    return validation(f'Cannot update endpoint "{row["EndpointArn"]}": {error}.')
