"""Rows of the scheduler: groups by name, schedules by group and name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Params
from emulator.semantics.events import pages

GROUP = "scheduler.group"
SCHEDULE = "scheduler.schedule"
DEFAULT_GROUP = "default"
_EPOCH = datetime(2022, 11, 10, tzinfo=UTC)
"""When the default group was made, as far as an account can tell: with the service."""


def key(group: str, name: str) -> str:
    return f"{group}/{name}"


def find_group(kernel: Kernel, name: str) -> dict[str, Any] | None:
    found = kernel.store.get(GROUP, name)
    if found is None and name == DEFAULT_GROUP:
        return new_group(kernel, DEFAULT_GROUP, _EPOCH)
    return found


def new_group(kernel: Kernel, name: str, at: datetime) -> dict[str, Any]:
    return {
        "Arn": kernel.arn("scheduler", f"schedule-group/{name}"),
        "Name": name,
        "State": "ACTIVE",
        "CreationDate": at,
        "LastModificationDate": at,
    }


def group(kernel: Kernel, name: str) -> dict[str, Any]:
    """The group's row.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    found = find_group(kernel, name)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Schedule group {name} does not exist.", 404)
    return found


def schedule(kernel: Kernel, group_name: str, name: str) -> dict[str, Any]:
    """The schedule's row.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    found = kernel.store.get(SCHEDULE, key(group_name, name))
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Schedule {name} does not exist.", 404)
    return found


def page(rows: list[dict[str, Any]], params: Params, name: str, sort_key: str) -> Params:
    try:
        found, token = pages.page(rows, sort_key, params.get("MaxResults"), params.get("NextToken"))
    except pages.InvalidToken as error:
        raise AwsError("ValidationException", str(error)) from error
    return {name: found, **token}
