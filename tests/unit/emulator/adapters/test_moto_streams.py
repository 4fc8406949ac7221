"""Where moto's streams are not AWS's: what is true with our seams, and that moto is still as they expect it."""

import inspect
from datetime import timedelta
from typing import Any

import moto.dynamodb.models.table
import moto.dynamodbstreams.models
import moto.kinesis.models
import pytest
from botocore.exceptions import ClientError

from emulator.adapters import moto_streams
from emulator.adapters.moto_services import MotoServices
from tests.support.clocks import FakeClock
from tests.support.emulator import ACCOUNT_ID
from tests.unit.emulator.adapters.client import received, sent

SHARD = "shardId-00000000000{}"
FIRST = SHARD.format(0)


def _call(services: MotoServices, service: str, operation: str, **params: Any) -> Any:
    return received(service, operation, services.handle(service, sent(service, operation, params)), params)


@pytest.fixture
def stream(services: MotoServices, request: pytest.FixtureRequest) -> str:
    name = request.node.name[5:100]
    _call(services, "kinesis", "CreateStream", StreamName=name, ShardCount=1)
    return name


def _put(services: MotoServices, stream: str, *texts: str) -> None:
    for text in texts:
        _call(services, "kinesis", "PutRecord", StreamName=stream, PartitionKey=text, Data=text.encode())


def _read(services: MotoServices, stream: str, shard_id: str, after: str = "") -> tuple[list[str], str | None]:
    position = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
    where = position if after else {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = _call(services, "kinesis", "GetShardIterator", StreamName=stream, ShardId=shard_id, **where)
    found = _call(services, "kinesis", "GetRecords", ShardIterator=iterator["ShardIterator"])
    return [record["Data"].decode() for record in found["Records"]], found.get("NextShardIterator")


def test_a_split_shard_keeps_its_records_and_its_children_take_the_new_ones(
    services: MotoServices, stream: str
) -> None:
    _put(services, stream, "a", "b", "c", "d")
    half = str(2**127)
    _call(services, "kinesis", "SplitShard", StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=half)

    _put(services, stream, "e", "f", "g", "h")

    parent, following = _read(services, stream, FIRST)
    children = [_read(services, stream, SHARD.format(number))[0] for number in (1, 2)]
    assert (parent, following) == (["a", "b", "c", "d"], None)
    assert sorted(children[0] + children[1]) == ["e", "f", "g", "h"]
    assert all(children)


def test_merged_shards_keep_their_records_too(services: MotoServices, stream: str) -> None:
    half = str(2**127)
    _call(services, "kinesis", "SplitShard", StreamName=stream, ShardToSplit=FIRST, NewStartingHashKey=half)
    _put(services, stream, "a", "b", "c", "d")
    merge = {"ShardToMerge": SHARD.format(1), "AdjacentShardToMerge": SHARD.format(2)}
    _call(services, "kinesis", "MergeShards", StreamName=stream, **merge)

    _put(services, stream, "e")

    old = _read(services, stream, SHARD.format(1))[0] + _read(services, stream, SHARD.format(2))[0]
    assert sorted(old) == ["a", "b", "c", "d"]
    assert _read(services, stream, SHARD.format(3))[0] == ["e"]


def test_numbers_go_on_after_all_records_have_expired(services: MotoServices, clock: FakeClock, stream: str) -> None:
    _put(services, stream, "a", "b")
    clock.advance(timedelta(hours=25).total_seconds())
    assert _read(services, stream, FIRST)[0] == []

    _put(services, stream, "c")

    assert _read(services, stream, FIRST, after="2")[0] == ["c"]
    found = services.stream(f"arn:aws:kinesis:us-east-1:{ACCOUNT_ID}:stream/{stream}")
    assert found is not None
    assert (found.shards[0].last, found.retention_s) == ("3", 24 * 3600)


def test_a_key_at_the_very_end_of_the_range_has_a_shard(services: MotoServices, stream: str) -> None:
    last = {"ExplicitHashKey": str(2**128 - 1), "PartitionKey": "k", "Data": b"x"}

    assert _call(services, "kinesis", "PutRecord", StreamName=stream, **last)["ShardId"] == FIRST


def test_a_stream_that_is_not_there_is_none(services: MotoServices) -> None:
    assert services.stream(f"arn:aws:kinesis:us-east-1:{ACCOUNT_ID}:stream/nowhere") is None
    assert services.stream(f"arn:aws:dynamodb:us-east-1:{ACCOUNT_ID}:table/t/stream/2026-01-01T00:00:00.000") is None


@pytest.fixture
def table(services: MotoServices, request: pytest.FixtureRequest) -> tuple[str, str]:
    name = request.node.name[5:100]
    made = _call(
        services,
        "dynamodb",
        "CreateTable",
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return name, made["TableDescription"]["LatestStreamArn"]


def _changes(services: MotoServices, arn: str) -> list[tuple[str, dict[str, Any] | None]]:
    shard = _call(services, "dynamodbstreams", "DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"][0]
    where = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = _call(services, "dynamodbstreams", "GetShardIterator", **where)["ShardIterator"]
    found = _call(services, "dynamodbstreams", "GetRecords", ShardIterator=iterator)["Records"]
    return [(record["eventName"], record["dynamodb"].get("NewImage")) for record in found]


def test_a_write_leaves_one_record_and_one_that_changes_nothing_none(
    services: MotoServices, table: tuple[str, str]
) -> None:
    name, arn = table
    item = {"k": {"S": "a"}}
    _call(services, "dynamodb", "PutItem", TableName=name, Item=item)
    _call(services, "dynamodb", "PutItem", TableName=name, Item=item)

    set_x = {"UpdateExpression": "SET x = :x", "ExpressionAttributeValues": {":x": {"S": "y"}}}
    _call(services, "dynamodb", "UpdateItem", TableName=name, Key={"k": {"S": "new"}}, **set_x)
    _call(services, "dynamodb", "UpdateItem", TableName=name, Key={"k": {"S": "new"}}, **set_x)

    new = {"k": {"S": "new"}, "x": {"S": "y"}}
    assert _changes(services, arn) == [("INSERT", item), ("INSERT", new)]


def test_a_table_whose_stream_was_turned_off_is_written_to_and_tells_nobody(
    services: MotoServices, table: tuple[str, str]
) -> None:
    name, arn = table
    _call(services, "dynamodb", "PutItem", TableName=name, Item={"k": {"S": "a"}})
    _call(services, "dynamodb", "UpdateTable", TableName=name, StreamSpecification={"StreamEnabled": False})

    _call(services, "dynamodb", "PutItem", TableName=name, Item={"k": {"S": "b"}})

    assert [kind for kind, _ in _changes(services, arn)] == ["INSERT"]
    found = _call(services, "dynamodbstreams", "DescribeStream", StreamArn=arn)["StreamDescription"]
    assert (found["StreamStatus"], found["StreamViewType"]) == ("DISABLED", "NEW_AND_OLD_IMAGES")


def test_a_stream_is_known_by_its_label(services: MotoServices, table: tuple[str, str]) -> None:
    _, arn = table

    with pytest.raises(ClientError, match="not found"):
        _call(services, "dynamodbstreams", "DescribeStream", StreamArn=arn[:-3] + "000")
    assert services.stream(arn) is not None
    assert services.stream(arn[:-3] + "000") is None


def test_changes_leave_the_stream_after_a_day(services: MotoServices, clock: FakeClock, table: tuple[str, str]) -> None:
    name, arn = table
    _call(services, "dynamodb", "PutItem", TableName=name, Item={"k": {"S": "a"}})
    clock.advance(timedelta(hours=25).total_seconds())

    _call(services, "dynamodb", "PutItem", TableName=name, Item={"k": {"S": "b"}})

    assert [new for _, new in _changes(services, arn)] == [{"k": {"S": "b"}}]


def test_iterators_do_not_pile_up(
    services: MotoServices, table: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moto_streams, "ITERATORS_MAX", 3)

    for _ in range(5):
        _changes(services, table[1])

    backend = moto.dynamodbstreams.models.dynamodbstreams_backends[ACCOUNT_ID]["us-east-1"]
    assert len(backend.shard_iterators) <= 3


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (moto.kinesis.models, "self.put_record(record.partition_key, record.explicit_hash_key, record.data)"),
        (moto.kinesis.models, "if shard.starting_hash <= int_key < shard.ending_hash:"),
        (moto.kinesis.models, "sequence_number = last_sequence_number + 1"),
        (moto.dynamodb.models.table, "seq = len(self.items) + self.starting_sequence_number"),
        (moto.dynamodb.models.table, 't = self.table.stream_specification["StreamViewType"]'),
        (moto.dynamodb.models, "table.stream_shard.add(orig_item, item)"),
        (moto.dynamodbstreams.models, "assert table.stream_shard.id == shard_id"),
        (moto.dynamodbstreams.models, "self.shard_iterators[shard_iterator.arn] = shard_iterator"),
    ],
)
def test_moto_is_as_the_seams_expect_it(module: Any, line: str) -> None:
    assert line in inspect.getsource(module)
