"""Rows of CloudWatch: alarms by name, their history, dashboards, anomaly detectors, tags by ARN."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any, TypeVar

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Params

ALARM = "cloudwatch.alarm"
HISTORY = "cloudwatch.history"
DASHBOARD = "cloudwatch.dashboard"
DETECTOR = "cloudwatch.detector"
TAGS = "cloudwatch.tags"

Row = dict[str, Any]
T = TypeVar("T")


def alarm(kernel: Kernel, name: str) -> Row:
    """The alarm's row.

    Raises:
        AwsError: ResourceNotFound.
    """
    found = kernel.store.get(ALARM, name)
    if found is None:
        raise AwsError("ResourceNotFound", f"Unknown alarm: {name}", 404)
    return found


def alarm_name(reference: str) -> str:
    """The name in an alarm's name or ARN; what only looks like an ARN is a name."""
    return reference.partition(":alarm:")[2] or reference if reference.startswith("arn:") else reference


def utc(at: datetime) -> datetime:
    """A request's timestamp as aware UTC; the query protocol may send one without a zone."""
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def invalid(message: str) -> AwsError:
    return AwsError("ValidationError", message)


def page(items: list[T], params: Params, most: int, name: str = "MaxRecords") -> tuple[list[T], dict[str, str]]:
    """A page of a list, and the NextToken that goes on after it.

    Raises:
        AwsError: InvalidNextToken.
    """
    start = _offset(params.get("NextToken"))
    size = min(params.get(name) or most, most)
    more = {"NextToken": token(start + size)} if start + size < len(items) else {}
    return items[start : start + size], more


def token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode()


def _offset(given: str | None) -> int:
    if not given:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(given).decode().partition(":")
        return int(number) if kind == "offset" else int("no offset")
    except ValueError as error:
        raise AwsError("InvalidNextToken", "The next token specified is invalid.") from error


def offset(params: Params) -> int:
    """Where the request's NextToken says to go on."""
    return _offset(params.get("NextToken"))
