"""How far a mapping has come in each shard: rows of the store, so that they outlive the process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.lambda_.stream_lanes import Lane
from emulator.semantics.lambda_.streams import Shard, Stream
from emulator.services.lambda_ import sources
from emulator.services.lambda_.records import MAPPING
from emulator.services.lambda_.sources import Sources

CHECKPOINT = "lambda.stream_checkpoint"


@dataclass(frozen=True)
class Start:
    """Where a new mapping starts: the sequence number that it takes for done, by shard; elsewhere at the beginning."""

    created: str
    done: dict[str, str]


def start_of(kernel: Kernel, mapping: dict[str, Any]) -> Start:
    """What StartingPosition means in the shards that there are now."""
    arn = sources.stream_arn(mapping["EventSourceArn"])
    stream = Sources.of(kernel).stream(arn)
    if stream is None or mapping["StartingPosition"] == "TRIM_HORIZON":
        return Start("", {})
    at = mapping.get("StartingPositionTimestamp")
    done = {shard.shard_id: _before(kernel, arn, shard, at) if at else shard.last for shard in stream.shards}
    return Start(stream.created, done)


def begin(kernel: Kernel, mapping: dict[str, Any], start: Start) -> None:
    """Note where a new mapping starts."""
    for shard_id, done in start.done.items():
        lanes = [Lane(done, done)] * mapping["ParallelizationFactor"]
        _put(kernel, mapping["UUID"], (start.created, shard_id), lanes)


def _before(kernel: Kernel, arn: str, shard: Shard, at: datetime) -> str:
    """The sequence number before the first record that is not older than `at`."""
    if at > kernel.clock.now():
        raise AwsError("InvalidParameterValueException", "StartingPositionTimestamp must not be in the future")
    where = {"StreamARN": arn, "ShardId": shard.shard_id, "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": at}
    iterator = kernel.calls("kinesis", "GetShardIterator", where)["ShardIterator"]
    call = {"StreamARN": arn, "ShardIterator": iterator, "Limit": 1}
    found = kernel.calls("kinesis", "GetRecords", call)["Records"]
    return str(int(found[0]["SequenceNumber"]) - 1) if found else shard.last


def load(kernel: Kernel, mapping: dict[str, Any], stream: Stream, shard_id: str) -> list[Lane]:
    """The lanes of a shard, each from where it was; all from the least of them when their number has changed."""
    factor = mapping["ParallelizationFactor"]
    row = kernel.store.get(CHECKPOINT, _key(mapping["UUID"], shard_id))
    if row is None or row["created"] != stream.created:
        return [Lane("", "")] * factor
    done = list(row["done"])
    if len(done) != factor:
        done = [min(done, key=lambda one: int(one or -1))] * factor
    return [Lane(one, one) for one in done]


def save(kernel: Kernel, uuid: str, where: tuple[Stream, str], lanes: list[Lane]) -> None:
    """Note how far the lanes of a shard are done; not once the mapping is deleted."""
    with kernel.store.transaction():
        if kernel.store.get(MAPPING, uuid) is not None:
            _put(kernel, uuid, (where[0].created, where[1]), lanes)


def forget(kernel: Kernel, uuid: str) -> None:
    for row in kernel.store.rows(CHECKPOINT, f"{uuid}/"):
        kernel.store.delete(CHECKPOINT, _key(uuid, row["shard"]))


def _put(kernel: Kernel, uuid: str, where: tuple[str, str], lanes: list[Lane]) -> None:
    created, shard_id = where
    row = {"shard": shard_id, "created": created, "done": [lane.done for lane in lanes]}
    kernel.store.put(CHECKPOINT, _key(uuid, shard_id), row)


def _key(uuid: str, shard_id: str) -> str:
    return f"{uuid}/{shard_id}"
