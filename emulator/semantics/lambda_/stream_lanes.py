"""One lane of a shard: what was read and waits for its batch, what is being tried, and how far all is done.

A lane is the unit of order. A shard has as many as the mapping's ParallelizationFactor says, and a partition key
always belongs to the same one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emulator.semantics.lambda_ import payloads
from emulator.semantics.lambda_.stream_records import Record
from emulator.semantics.lambda_.stream_retries import Batch, Verdict

AWS_NAME = "Lambda readers of stream shards: batching window, order, checkpoints, parallelization"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-create.html (read 2026-11-23)"
)


@dataclass(frozen=True)
class Batching:
    """How a mapping gathers."""

    size: int
    window_s: float


@dataclass(frozen=True)
class Lane:
    """`done` is the sequence number up to which nothing need be read again ("": from the start of the shard);
    `read` the one up to which records were taken; `gathered` wait for their batch, which closes at `closes_at`;
    `trying` are batches in their order, the first of them not before `retry_at`."""

    done: str
    read: str
    gathered: tuple[Record, ...] = ()
    closes_at: datetime | None = None
    trying: tuple[Batch, ...] = ()
    retry_at: datetime | None = None


def lane_of(key: str, lanes: int) -> int:
    """Which of a shard's lanes a partition key belongs to."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % lanes


def has_room(lane: Lane, batching: Batching) -> bool:
    """Whether more may be read: not while a batch is being tried, nor when the next one is full."""
    return not lane.trying and not _is_full(lane, batching)


def gathering(lane: Lane, read_through: str, found: Iterable[Record], batching: Batching, now: datetime) -> Lane:
    """The lane after reading: `found` are the records of it that pass the filters."""
    gathered = (*lane.gathered, *found)
    closes_at = lane.closes_at or (now + timedelta(seconds=batching.window_s) if gathered else None)
    return _settled(replace(lane, read=read_through, gathered=gathered, closes_at=closes_at))


def closing(lane: Lane, batching: Batching, now: datetime) -> Lane:
    """The lane with its batch closed, if that is due."""
    is_due = lane.closes_at is not None and (lane.closes_at <= now or _is_full(lane, batching))
    if lane.trying or not is_due:
        return lane
    count = payloads.fitting((record.size_bytes for record in lane.gathered), batching.size)
    batch, rest = lane.gathered[:count], lane.gathered[count:]
    return replace(lane, trying=(Batch(batch),), gathered=rest, closes_at=now if rest else None)


def due_at(lane: Lane, batching: Batching, at_once: datetime) -> datetime | None:
    """When the lane has something to do by itself, without anything new in the stream; `at_once` when it has now."""
    if lane.trying:
        return lane.retry_at or at_once
    if lane.gathered and _is_full(lane, batching):
        return at_once
    return lane.closes_at


def tried(lane: Lane, verdict: Verdict, now: datetime) -> Lane:
    """The lane after its first batch was tried."""
    left = (*verdict.left, *lane.trying[1:])
    retry_at = now + timedelta(seconds=verdict.pause_s) if verdict.left and verdict.pause_s else None
    return _settled(replace(lane, trying=left, retry_at=retry_at))


def _settled(lane: Lane) -> Lane:
    """With `done` moved up to just before the first record that is not."""
    waiting = [record for batch in lane.trying for record in batch.records] + list(lane.gathered)
    if not waiting:
        return replace(lane, done=lane.read)
    before = str(waiting[0].place - 1)
    return replace(lane, done=before) if lane.done == "" or int(before) > int(lane.done) else lane


def _is_full(lane: Lane, batching: Batching) -> bool:
    return payloads.is_full((record.size_bytes for record in lane.gathered), batching.size)
