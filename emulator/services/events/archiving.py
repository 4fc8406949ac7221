"""What an archive keeps of the events that come to its bus, and for how long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from emulator.kernel.ports import Kernel
from emulator.semantics.events import patterns
from emulator.services.events import records

ARCHIVE = "events.archive"
ARCHIVED = "events.archived"
REPLAY_NAME = "replay-name"
"""The field that a replayed event has; no archive keeps such an event again."""


def keep(kernel: Kernel, bus: str, event: dict[str, Any]) -> None:
    """Store the event in every archive of the bus that wants it."""
    if REPLAY_NAME in event:
        return
    source = records.bus_arn(kernel, bus)
    for archive in kernel.store.rows(ARCHIVE):
        pattern = archive.get("EventPattern")
        if archive["EventSourceArn"] == source and (not pattern or patterns.compile(pattern).matches(event)):
            row = {"Event": event, "ArchivedAt": kernel.clock.now(), "SizeBytes": len(json.dumps(event))}
            kernel.store.put(ARCHIVED, _key(archive["ArchiveName"], event), row)


def kept(kernel: Kernel, archive: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The archive's rows in the order of the events' times; what is past its retention goes."""
    days = archive.get("RetentionDays") or 0
    for row in kernel.store.rows(ARCHIVED, f"{archive['ArchiveName']}#"):
        if days and kernel.clock.now() - row["ArchivedAt"] >= timedelta(days=days):
            kernel.store.delete(ARCHIVED, _key(archive["ArchiveName"], row["Event"]))
        else:
            yield row


def forget(kernel: Kernel, name: str) -> None:
    """Drop all that an archive holds."""
    with kernel.store.transaction():
        for row in kernel.store.rows(ARCHIVED, f"{name}#"):
            kernel.store.delete(ARCHIVED, _key(name, row["Event"]))


def _key(name: str, event: dict[str, Any]) -> str:
    return f"{name}#{event['time']}#{event['id']}"
