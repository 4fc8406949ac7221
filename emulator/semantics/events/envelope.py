"""The envelope around every event."""

from __future__ import annotations

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
        "time": time_text(at),
        "region": region,
        "resources": resources,
        "detail": detail,
    }


def time_text(at: datetime) -> str:
    """A time as events spell it, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def entry_size_bytes(entry: dict[str, Any]) -> int:
    """How AWS counts an entry of PutEvents."""
    size = 14 if entry.get("Time") else 0
    for name in ("Source", "DetailType", "Detail"):
        size += len(str(entry.get(name, "")).encode())
    return size + sum(len(resource.encode()) for resource in entry.get("Resources", []))
