"""Seams into moto where it does, on every request, work that grows with all that it holds. Applied once per process."""

from __future__ import annotations

import copy
import string
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import moto.core.common_models as common_models
import moto.dynamodb.models as dynamodb
import moto.logs.models as logs
import moto.sqs.models as sqs
from moto.core.utils import camelcase_to_underscores
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from moto.moto_api._internal.moto_random import MotoRandom

MOST_LINES = 10_000
"""Of a log stream so many lines are sure to be kept."""


def install() -> None:
    """Open the seams."""
    _forget_instances()
    _count_messages_when_asked()
    _copy_what_a_transaction_touches()
    _keep_the_newest_lines()
    _draw_at_once()


def _draw_at_once() -> None:
    """Each answer bears an id of 52 letters, for each of which moto makes a call of its own."""

    def get_random_string(chance: Any, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
        text = "".join(chance.choices(string.ascii_letters + (string.digits if include_digits else ""), k=length))
        return text.lower() if lower_case else text

    MotoRandom.get_random_string = get_random_string


def _keep_the_newest_lines() -> None:
    """Log lines are in memory: of each stream the newest are kept."""
    put = logs.LogStream.put_log_events

    def put_log_events(stream: Any, log_events: list[dict[str, Any]]) -> str:
        token: str = put(stream, log_events)
        if len(stream.events) > 2 * MOST_LINES:
            stream.events = stream.events[-MOST_LINES:]
        return token

    logs.LogStream.put_log_events = put_log_events


def _forget_instances() -> None:
    """moto lists every instance of every model for its dashboard, for ever: a leak of each message and object."""
    common_models.BaseModel.__new__ = lambda cls, *args, **kwargs: object.__new__(cls)


class _Attributes(Mapping[str, Any]):
    """A queue's attributes, each computed when it is asked for: three of them count all messages."""

    def __init__(self, queue: Any, compute: Any) -> None:
        self._queue = queue
        self._compute = compute

    def __getitem__(self, name: str) -> Any:
        if name in ("ContentBasedDeduplication", "FifoQueue"):
            if not self._queue.fifo_queue:
                raise KeyError(name)
            value = getattr(self._queue, camelcase_to_underscores(name))
            return str(value).lower() if isinstance(value, bool) else value
        return self._compute(self._queue)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._compute(self._queue))

    def __len__(self) -> int:
        return len(self._compute(self._queue))


def _count_messages_when_asked() -> None:
    """SendMessage asks for one attribute, and moto computes all of them, for a time that grows with the queue."""
    compute = sqs.Queue.attributes.fget
    sqs.Queue.attributes = property(lambda queue: _Attributes(queue, compute))


class _Transaction(threading.local):
    """The operations of the transaction that this thread is in."""

    operations: tuple[Any, ...] = ()


_transaction = _Transaction()


class _Copies:
    """Stands where moto's DynamoDB looks for `copy`."""

    copy = staticmethod(copy.copy)

    @staticmethod
    def deepcopy(value: Any, memo: Any = None) -> Any:
        if isinstance(value, Table) and _transaction.operations:
            return snapshot(value, _transaction.operations)
        return copy.deepcopy(value, memo)


def _copy_what_a_transaction_touches() -> None:
    """moto keeps a deep copy of the whole table, once per operation, in case the transaction fails."""
    write = dynamodb.DynamoDBBackend.transact_write_items

    def transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> Any:
        _transaction.operations = tuple(operation for item in transact_items for operation in item.values())
        try:
            return write(backend, transact_items)
        finally:
            _transaction.operations = ()

    dynamodb.copy = _Copies
    dynamodb.DynamoDBBackend.transact_write_items = transact_write_items


def snapshot(table: Any, operations: tuple[Any, ...]) -> Any:
    """The table as it is now, sharing what these operations leave alone."""
    kept = object.__new__(type(table))
    kept.__dict__.update(table.__dict__)
    kept.items = defaultdict(dict, table.items)
    for operation in operations:
        if operation.get("TableName") in (table.name, table.table_arn):
            _keep_item(kept, operation.get("Key") or operation.get("Item") or {})
    if table.stream_shard is not None:
        kept.stream_shard = copy.copy(table.stream_shard)
        kept.stream_shard.table, kept.stream_shard.items = kept, list(table.stream_shard.items)
    return kept


def _keep_item(table: Any, attributes: dict[str, Any]) -> None:
    if table.hash_key_attr not in attributes:
        return  # the transaction will be refused
    hash_key = DynamoType(attributes[table.hash_key_attr])
    if hash_key not in table.items:
        return
    found = table.items[hash_key]
    if not table.has_range_key:
        table.items[hash_key] = copy.deepcopy(found)
        return
    kept = table.items[hash_key] = dict(found)
    range_key = DynamoType(attributes[table.range_key_attr]) if table.range_key_attr in attributes else None
    if range_key in kept:
        kept[range_key] = copy.deepcopy(kept[range_key])
