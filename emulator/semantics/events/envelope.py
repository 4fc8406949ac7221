"""The envelope around every event, and what a target receives of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

AWS_NAME = "Amazon EventBridge events"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html (read 2026-11-23)"
ENTRY_LIMIT_BYTES = 1024 * 1024


def wrap(
    event_id: str,
    source: str,
    detail_type: str,
    detail: dict[str, Any],
    resources: list[str],
    at: datetime,
    account: str,
    region: str,
) -> dict[str, Any]:
    """An event as rules match it and targets receive it; `at` is aware."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": resources,
        "detail": detail,
    }


def target_input(target: dict[str, Any], event: dict[str, Any]) -> str:
    """The text that a target receives: its constant `Input`, or the whole event."""
    constant: str | None = target.get("Input")
    return constant if constant is not None else json.dumps(event, separators=(",", ":"))


def entry_size_bytes(entry: dict[str, Any]) -> int:
    """How AWS counts an entry of PutEvents."""
    size = 14 if entry.get("Time") else 0
    for name in ("Source", "DetailType", "Detail"):
        size += len(str(entry.get(name, "")).encode())
    return size + sum(len(resource.encode()) for resource in entry.get("Resources", []))
