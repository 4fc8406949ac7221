"""The two ways in which SageMaker's events spell times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def epoch_ms(value: Any) -> Any:
    """Every datetime inside a JSON value as milliseconds since 1970."""
    if isinstance(value, datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, dict):
        return {key: epoch_ms(item) for key, item in value.items()}
    return [epoch_ms(item) for item in value] if isinstance(value, list) else value


def iso(value: Any) -> Any:
    """Every datetime inside a JSON value as `2021-03-15T16:03:13Z`."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return {key: iso(item) for key, item in value.items()}
    return [iso(item) for item in value] if isinstance(value, list) else value
