"""The poller of a stream: reads its shards, parents before children, each lane of a shard in its order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.lambda_ import event_filters, source_settings, stream_lanes, stream_retries, streams
from emulator.semantics.lambda_.stream_lanes import Batching, Lane
from emulator.semantics.lambda_.streams import Shard, Stream
from emulator.services.lambda_ import checkpoints, source_calls, sources
from emulator.services.lambda_.shard_reader import ShardReader
from emulator.services.lambda_.sources import Sources
from emulator.services.lambda_.stream_batches import StreamBatch

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
"""A time that is past for whoever compares, also one who asked the clock a moment before."""


@dataclass
class _Slot:
    """A lane and whether a thread has its first batch in hand."""

    lane: Lane
    is_busy: bool = False


class StreamPoller:
    """Reads one stream for one mapping."""

    def __init__(self, kernel: Kernel, uuid: str, wake: Callable[[], None]) -> None:
        self._kernel = kernel
        self._uuid = uuid
        self._wake = wake
        self._lock = threading.RLock()
        self._slots: dict[str, list[_Slot]] = {}
        self._created = ""

    def turn(self, mapping: dict[str, Any]) -> datetime | None:
        """Read what is new, close what is due, have it tried."""
        with self._lock:
            due_at = self.due_at(mapping)
            if due_at is not None and due_at <= self._kernel.clock.now():
                with self._kernel.dispatcher.busy(f"event source {self._uuid}"):
                    stream = self._stream(mapping)
                    for shard, slots in self._readable(mapping, stream):
                        self._advance(mapping, stream, shard, slots)
                due_at = self.due_at(mapping)
            return due_at

    def due_at(self, mapping: dict[str, Any]) -> datetime | None:
        """Lanes that a thread has in hand are no news: it wakes the poller when it is done."""
        with self._lock:
            batching, stream = _batching(mapping), self._stream(mapping)
            if self._is_outdated(mapping, stream):
                return None
            found: list[datetime | None] = []
            for shard, slots in self._readable(mapping, stream):
                for slot in (slot for slot in slots if not slot.is_busy):
                    is_behind = streams.is_behind(shard, slot.lane.read)
                    can_read = is_behind and stream_lanes.has_room(slot.lane, batching)
                    found.append(AT_ONCE if can_read else stream_lanes.due_at(slot.lane, batching, AT_ONCE))
            return min((at for at in found if at is not None), default=None)

    def rest(self) -> None:
        """What was read and not done is read again from the checkpoint."""
        with self._lock:
            if not self._is_busy():
                self._slots = {}

    def _stream(self, mapping: dict[str, Any]) -> Stream:
        arn = sources.stream_arn(mapping["EventSourceArn"])
        found = Sources.of(self._kernel).stream(arn)
        if found is None:
            self._slots = {}
            raise AwsError("ResourceNotFoundException", f"Stream not found: {arn}")
        if self._is_outdated(mapping, found) and not self._is_busy():
            self._slots, self._created = {}, found.created
        return found

    def _is_outdated(self, mapping: dict[str, Any], stream: Stream) -> bool:
        """Whether the lanes are of another stream or another factor; they end with the batches in hand."""
        factor = mapping["ParallelizationFactor"]
        return stream.created != self._created or any(len(slots) != factor for slots in self._slots.values())

    def _is_busy(self) -> bool:
        return any(slot.is_busy for slots in self._slots.values() for slot in slots)

    def _readable(self, mapping: dict[str, Any], stream: Stream) -> Iterator[tuple[Shard, list[_Slot]]]:
        finished = {shard.shard_id for shard in stream.shards if self._is_finished(mapping, stream, shard)}
        for shard in streams.readable(stream.shards, finished):
            yield shard, self._of_shard(mapping, stream, shard)

    def _of_shard(self, mapping: dict[str, Any], stream: Stream, shard: Shard) -> list[_Slot]:
        if shard.shard_id not in self._slots:
            lanes = checkpoints.load(self._kernel, mapping, stream, shard.shard_id)
            self._slots[shard.shard_id] = [_Slot(lane) for lane in lanes]
        return self._slots[shard.shard_id]

    def _is_finished(self, mapping: dict[str, Any], stream: Stream, shard: Shard) -> bool:
        if not shard.is_closed:
            return False
        slots = self._of_shard(mapping, stream, shard)
        return not any(slot.is_busy or streams.is_behind(shard, slot.lane.done) for slot in slots)

    def _advance(self, mapping: dict[str, Any], stream: Stream, shard: Shard, slots: list[_Slot]) -> None:
        for index, slot in enumerate(slots):
            if not slot.is_busy:
                self._read(mapping, shard, slot, (index, len(slots)))
                self._begin(mapping, (stream, shard.shard_id), slot)
        self._save(mapping, (stream, shard.shard_id))

    def _read(self, mapping: dict[str, Any], shard: Shard, slot: _Slot, which: tuple[int, int]) -> None:
        batching, (index, lanes) = _batching(mapping), which
        reader, filters = ShardReader(self._kernel, mapping, shard), _filters(mapping)
        while streams.is_behind(shard, slot.lane.read) and stream_lanes.has_room(slot.lane, batching):
            through, found = reader.after(slot.lane.read, batching.size - len(slot.lane.gathered))
            own = [record for record in found if stream_lanes.lane_of(record.key, lanes) == index]
            passed = [record for record in own if filters.passes(record.event)]
            source_calls.count(
                self._kernel, mapping, PolledEventCount=len(own), FilteredOutEventCount=len(own) - len(passed)
            )
            slot.lane = stream_lanes.gathering(slot.lane, through, passed, batching, self._kernel.clock.now())

    def _begin(self, mapping: dict[str, Any], where: tuple[Stream, str], slot: _Slot) -> None:
        """Have the lane's first batch tried on a thread of its own, if that is due."""
        now = self._kernel.clock.now()
        slot.lane = stream_lanes.closing(slot.lane, _batching(mapping), now)
        if slot.lane.trying and (slot.lane.retry_at or now) <= now:
            slot.is_busy = True
            self._kernel.dispatcher.start("event source batch", partial(self._try, mapping, where, slot))

    def _try(self, mapping: dict[str, Any], where: tuple[Stream, str], slot: _Slot) -> None:
        stream, shard_id = where
        batch = slot.lane.trying[0]
        verdict = stream_retries.unreached(batch)  # what breaks here is tried again like what breaks there
        try:
            verdict = StreamBatch(self._kernel, mapping, shard_id).tried(batch, stream.retention_s)
        finally:
            with self._lock:
                slot.lane = stream_lanes.tried(slot.lane, verdict, self._kernel.clock.now())
                slot.is_busy = False
                self._save(mapping, where)
            self._wake()

    def _save(self, mapping: dict[str, Any], where: tuple[Stream, str]) -> None:
        slots = self._slots.get(where[1], [])
        if slots:
            checkpoints.save(self._kernel, mapping["UUID"], where, [slot.lane for slot in slots])


def _batching(mapping: dict[str, Any]) -> Batching:
    return Batching(mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"])


def _filters(mapping: dict[str, Any]) -> event_filters.Filters:
    kind = source_settings.kind_of(mapping["EventSourceArn"])
    patterns = tuple(one["Pattern"] for one in mapping.get("FilterCriteria", {}).get("Filters", []))
    return event_filters.compile(patterns, kind.name)
