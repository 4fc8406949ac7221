"""Seams into moto's Kinesis and DynamoDB streams, where they are not what AWS has. Applied once per process.

Kinesis: records stay in the shard that took them when it is split or merged, new ones go to open shards, sequence
numbers never start again, a shard that was closed ends. DynamoDB: one record a write and none for a write that changes
nothing, none when the stream is off, a stream's ARN is that stream's, and records leave after a day.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import moto.core.utils as moto_time
import moto.dynamodb.models as dynamodb
import moto.dynamodb.models.table as tables
import moto.dynamodbstreams.models as dynamodbstreams
import moto.kinesis.models as kinesis
from moto.dynamodb.exceptions import ResourceNotFoundException

from emulator.semantics.dynamodb import stream_sizes
from emulator.semantics.lambda_.streams import Shard, Stream

DYNAMODB_RETENTION_S = 24 * 3600
ITERATORS_MAX = 10_000
"""So many of DynamoDB's iterators are kept: moto keeps each for ever."""


def install() -> None:
    """Open the seams."""
    _number_records_on()
    _leave_records_in_their_shards()
    _end_closed_shards()
    _write_one_record_a_change()
    _know_streams_by_their_label()
    _forget_what_is_old()


def describe(arn: str) -> Stream | None:
    """The stream of an ARN (of a Kinesis stream, a consumer of it, or a DynamoDB stream); None when there is none.

    The caller holds the lock of the service.
    """
    parts = arn.split(":", 5)
    region, account, resource = parts[3], parts[4], parts[5]
    if parts[2] == "kinesis":
        found = kinesis.kinesis_backends[account][region].streams.get(resource.split("/")[1])
        return None if found is None else _kinesis_stream(found)
    table = dynamodb.dynamodb_backends[account][region].tables.get(resource.split("/")[1])
    if table is None or table.stream_shard is None or table.latest_stream_label != resource.split("/")[3]:
        return None
    return _dynamodb_stream(table)


def _kinesis_stream(found: Any) -> Stream:
    shards = tuple(
        Shard(
            shard.shard_id,
            tuple(parent for parent in (shard.parent, shard.adjacent_parent) if parent),
            not shard.is_open,
            str(shard.get_max_sequence_number() or ""),
        )
        for shard in found.shards.values()
    )
    return Stream(found.creation_datetime.isoformat(), found.retention_period_hours * 3600, shards)


def _dynamodb_stream(table: Any) -> Stream:
    shard = table.stream_shard
    last = str(shard.starting_sequence_number + len(shard.items) - 1) if shard.items else ""
    return Stream(table.latest_stream_label, DYNAMODB_RETENTION_S, (Shard(shard.id, (), not _is_on(table), last),))


def _number_records_on() -> None:
    """moto numbers from the newest record that is there: after the last one has expired it would start at 1 again."""

    def put_record(shard: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
        number = shard.last_sequence = shard.get_max_sequence_number() + 1
        shard.records[number] = kinesis.Record(partition_key, data, number, explicit_hash_key)
        return str(number)

    kinesis.Shard.put_record = put_record
    kinesis.Shard.get_max_sequence_number = lambda shard: getattr(shard, "last_sequence", 0)


def _leave_records_in_their_shards() -> None:
    """moto writes the records of a split or merged shard anew, and goes on writing to it since its key range fits."""

    def get_shard_for_key(stream: Any, partition_key: str, explicit_hash_key: str) -> Any:
        everything = stream.shards
        stream.shards = {name: shard for name, shard in everything.items() if shard.is_open}
        try:
            found = find(stream, partition_key, explicit_hash_key)
            return found or max(stream.shards.values(), key=lambda shard: int(shard.ending_hash))
        finally:
            stream.shards = everything

    find = kinesis.Stream.get_shard_for_key
    kinesis.Stream.get_shard_for_key = get_shard_for_key
    for name in ("split_shard", "merge_shards"):
        setattr(kinesis.Stream, name, _keeping_records(getattr(kinesis.Stream, name)))


def _keeping_records(reshard: Callable[..., None]) -> Callable[..., None]:
    def resharded(stream: Any, *args: Any, **kwargs: Any) -> None:
        before = dict(stream.shards)
        kept = {name: shard.records for name, shard in before.items()}
        for shard in before.values():
            shard.records = OrderedDict()
        try:
            reshard(stream, *args, **kwargs)
        finally:
            for name, shard in before.items():
                shard.records = kept[name]
        for child in [shard for name, shard in stream.shards.items() if name not in before]:
            parents = [before[parent] for parent in (child.parent, child.adjacent_parent) if parent]
            child.last_sequence = max(parent.get_max_sequence_number() for parent in parents)

    return resharded


def _end_closed_shards() -> None:
    """The last page of a closed shard has no next one; records older than the retention are gone."""
    read = kinesis.KinesisBackend.get_records

    def get_records(backend: Any, stream_arn: str | None, shard_iterator: str, limit: int | None) -> Any:
        stream_name, shard_id, _ = kinesis.decompose_shard_iterator(shard_iterator)
        stream = backend.describe_stream(stream_arn=stream_arn, stream_name=stream_name)
        shard = stream.get_shard(shard_id)
        _expire(shard, stream.retention_period_hours * 3600)
        following, records, behind_ms = read(backend, stream_arn, shard_iterator, limit)
        reached = int(kinesis.decompose_shard_iterator(following)[2])
        is_ended = not shard.is_open and reached >= shard.get_max_sequence_number()
        return None if is_ended else following, records, behind_ms

    kinesis.KinesisBackend.get_records = get_records
    kinesis.KinesisBackend._send_stream_metrics = lambda *args, **kwargs: None  # into a store that nobody reads


def _expire(shard: Any, retention_s: float) -> None:
    oldest = moto_time.unix_time() - retention_s
    while shard.records and next(iter(shard.records.values())).created_at < oldest:
        shard.records.popitem(last=False)


class _Update(threading.local):
    """The changes of the UpdateItem that this thread is in (None outside of one); whether it deletes what expired."""

    changes: list[tuple[Any, Any, Any]] | None = None
    is_expiring = False


_update = _Update()


@contextmanager
def expiring() -> Iterator[None]:
    """What this thread deletes meanwhile is deleted by DynamoDB itself, and its stream says so."""
    _update.is_expiring = True
    try:
        yield
    finally:
        _update.is_expiring = False


def _write_one_record_a_change() -> None:
    """UpdateItem of a new item is two writes in moto; a write that changes nothing is one; both are seen in streams."""
    write, update = tables.StreamShard.add, dynamodb.DynamoDBBackend.update_item

    def add(shard: Any, old: Any, new: Any) -> None:
        if not _is_on(shard.table):
            return
        if _update.changes is not None:
            _update.changes.append((shard, old, new))
        elif old is None or new is None or old.to_json() != new.to_json():
            write(shard, old, new)
            record = shard.items[-1].record
            record["dynamodb"]["SizeBytes"] = stream_sizes.size_bytes(record["dynamodb"])
            if _update.is_expiring:
                record["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}

    def update_item(backend: Any, *args: Any, **kwargs: Any) -> Any:
        changes: list[tuple[Any, Any, Any]] = []
        _update.changes = changes
        try:
            item = update(backend, *args, **kwargs)
        finally:
            _update.changes = None
        if changes:
            shard, old, _ = changes[0]
            add(shard, old, changes[-1][2])
        return item

    tables.StreamShard.add = add
    dynamodb.DynamoDBBackend.update_item = update_item


def _is_on(table: Any) -> bool:
    return bool((table.stream_specification or {}).get("StreamEnabled"))


def _know_streams_by_their_label() -> None:
    """moto takes the table's name out of a stream's ARN and nothing else, and asserts what AWS refuses."""
    describe_stream = dynamodbstreams.DynamoDBStreamsBackend.describe_stream
    get_iterator = dynamodbstreams.DynamoDBStreamsBackend.get_shard_iterator
    set_specification = tables.Table.set_stream_specification

    def set_stream_specification(table: Any, streams: dict[str, Any] | None) -> None:
        set_specification(table, streams)
        if _is_on(table):
            table.stream_view_type = table.stream_specification["StreamViewType"]

    def described(backend: Any, arn: str) -> Any:
        table = _table(backend, arn)
        kept = table.stream_specification
        table.stream_specification = {**kept, "StreamViewType": table.stream_view_type}
        try:
            found = describe_stream(backend, arn)
        finally:
            table.stream_specification = kept
        return {**found, "StreamStatus": "ENABLED" if _is_on(table) else "DISABLED"}

    def iterator(backend: Any, arn: str, shard_id: str, *args: Any, **kwargs: Any) -> Any:
        if _table(backend, arn).stream_shard.id != shard_id:
            raise ResourceNotFoundException(msg=f"Requested resource not found: Shard: {shard_id} not found")
        return get_iterator(backend, arn, shard_id, *args, **kwargs)

    tables.Table.set_stream_specification = set_stream_specification
    dynamodbstreams.DynamoDBStreamsBackend.describe_stream = described
    dynamodbstreams.DynamoDBStreamsBackend.get_shard_iterator = iterator


def _forget_what_is_old() -> None:
    """moto keeps the changes of a table, and every iterator, for ever."""
    get, get_records = tables.StreamShard.get, dynamodbstreams.DynamoDBStreamsBackend.get_records

    def records(backend: Any, iterator_arn: str, limit: int) -> Any:
        found = get_records(backend, iterator_arn, limit)
        while len(backend.shard_iterators) > ITERATORS_MAX:
            del backend.shard_iterators[next(iter(backend.shard_iterators))]
        return found

    def within_retention(shard: Any, start: int, quantity: int) -> list[dict[str, Any]]:
        oldest = moto_time.unix_time() - DYNAMODB_RETENTION_S
        first = shard.starting_sequence_number
        young = next((at for at, item in enumerate(shard.items) if _arrived(item) >= oldest), len(shard.items))
        found: list[dict[str, Any]] = get(shard, max(start, first + young), quantity)
        return found

    tables.StreamShard.get = within_retention
    dynamodbstreams.DynamoDBStreamsBackend.get_records = records


def _arrived(item: Any) -> float:
    return float(moto_time.unix_time(item.record["dynamodb"]["ApproximateCreationDateTime"]))


def _table(backend: Any, arn: str) -> Any:
    name, label = arn.split("/")[1], arn.split("/")[3].split("|")[0]
    table = backend.dynamodb.tables.get(name)
    if table is None or table.stream_shard is None or table.latest_stream_label != label:
        raise ResourceNotFoundException(msg=f"Requested resource not found: Stream: {arn} not found")
    return table
