"""How much of what was gathered goes into one invocation: at most a batch, and at most 6 MB of event."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

AWS_NAME = "Lambda event source mappings: batching"
SOURCE = "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html (read 2026-11-23)"

PAYLOAD_MAX_BYTES = 6 * 1024 * 1024
_FRAME_BYTES = len('{"Records": []}')
_COMMA_BYTES = len(", ")


def size_bytes(record: Mapping[str, Any]) -> int:
    """What a record adds to the event of its batch."""
    return len(json.dumps(record)) + _COMMA_BYTES


def fitting(sizes: Iterable[int], batch_size: int) -> int:
    """How many of the first records make a batch. A record that alone is too large still goes, and fails by itself."""
    count, total = 0, _FRAME_BYTES
    for size in sizes:
        if count and (count == batch_size or total + size > PAYLOAD_MAX_BYTES):
            break
        count, total = count + 1, total + size
    return count


def is_full(sizes: Iterable[int], batch_size: int) -> bool:
    """Whether nothing more need be waited for."""
    found = list(sizes)
    return len(found) >= batch_size or _FRAME_BYTES + sum(found) >= PAYLOAD_MAX_BYTES
