"""moto does per request what the request needs: contracts of the seams that make it so."""

import gc
import string
from typing import Any

import boto3
import moto
import moto.core.common_models
import moto.dynamodb.models
import moto.s3.models
import moto.sqs.models
import pytest
from moto.moto_api._internal import mock_random as moto_random

from emulator.adapters import moto_hot_paths, s3_blobs
from emulator.adapters.blobs import Blob
from emulator.adapters.moto_services import MotoServices
from emulator.kernel.clock import KernelClock
from tests.support.emulator import ACCOUNT_ID
from tests.unit.emulator.adapters.client import received, sent


def _call(services: MotoServices, service: str, operation: str, **params: Any) -> Any:
    return received(service, operation, services.handle(service, sent(service, operation, params)), params)


def _living(kind: type) -> int:
    gc.collect()
    return sum(isinstance(found, kind) for found in gc.get_objects())


def test_what_is_deleted_is_forgotten(services: MotoServices) -> None:
    url = _call(services, "sqs", "CreateQueue", QueueName="forgetful")["QueueUrl"]
    _call(services, "s3", "CreateBucket", Bucket="forgetful")
    before = _living(moto.sqs.models.Message), _living(moto.s3.models.FakeKey)

    for _ in range(20):
        _call(services, "sqs", "SendMessage", QueueUrl=url, MessageBody="x")
        _call(services, "s3", "PutObject", Bucket="forgetful", Key="k", Body=b"x")
        message = _call(services, "sqs", "ReceiveMessage", QueueUrl=url)["Messages"][0]
        _call(services, "sqs", "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    _call(services, "s3", "DeleteObject", Bucket="forgetful", Key="k")

    assert (_living(moto.sqs.models.Message), _living(moto.s3.models.FakeKey)) == before


def test_sending_does_not_look_at_the_messages_that_wait(
    services: MotoServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = _call(services, "sqs", "CreateQueue", QueueName="long")["QueueUrl"]
    counted = []
    whole = moto.sqs.models.Queue.messages.fget
    monkeypatch.setattr(
        moto.sqs.models.Queue, "messages", property(lambda queue: counted.append(queue) or whole(queue))
    )

    _call(services, "sqs", "SendMessage", QueueUrl=url, MessageBody="x")

    assert counted == []
    asked = _call(services, "sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (asked["ApproximateNumberOfMessages"], asked["VisibilityTimeout"]) == ("1", "30")


def test_a_queue_with_content_based_deduplication_still_drops_repetitions(services: MotoServices) -> None:
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = _call(services, "sqs", "CreateQueue", QueueName="once.fifo", Attributes=attributes)["QueueUrl"]

    for _ in range(2):
        _call(services, "sqs", "SendMessage", QueueUrl=url, MessageBody="x", MessageGroupId="g")

    found = _call(services, "sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert (found["ApproximateNumberOfMessages"], found["ContentBasedDeduplication"]) == ("1", "true")


@pytest.fixture(scope="module", params=[True, False], ids=["with a range key", "without"])
def table(services: MotoServices, request: pytest.FixtureRequest) -> str:
    name = f"table-{request.param}"
    keys = ["pk", "sk"] if request.param else ["pk"]
    _call(
        services,
        "dynamodb",
        "CreateTable",
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    return name


def _item(pk: str, n: int, table: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "n": {"N": str(n)}, **({"sk": {"S": "s"}} if "True" in table else {})}


def _key(pk: str, table: str) -> dict[str, Any]:
    return {key: value for key, value in _item(pk, 0, table).items() if key != "n"}


def _writes(table: str, condition: str) -> list[dict[str, Any]]:
    add = {"ExpressionAttributeValues": {":one": {"N": "1"}}, "UpdateExpression": "ADD n :one"}
    return [
        {"Update": {"TableName": table, "Key": _key("old", table), **add}},
        {"Put": {"TableName": table, "Item": _item("new", 7, table)}},
        {"Delete": {"TableName": table, "Key": _key("gone", table)}},
        {"ConditionCheck": {"TableName": table, "Key": _key("other", table), "ConditionExpression": condition}},
    ]


def _state(services: MotoServices, table: str) -> dict[str, str]:
    items = _call(services, "dynamodb", "Scan", TableName=table)["Items"]
    return {item["pk"]["S"]: item["n"]["N"] for item in items}


def test_a_transaction_does_all_or_nothing_whatever_it_copies(services: MotoServices, table: str) -> None:
    for number, pk in enumerate(("old", "gone", "other")):
        _call(services, "dynamodb", "PutItem", TableName=table, Item=_item(pk, number, table))
    before = _state(services, table)
    records = len(_stream(table))

    with pytest.raises(Exception, match="TransactionCanceled"):
        _call(services, "dynamodb", "TransactWriteItems", TransactItems=_writes(table, "attribute_not_exists(pk)"))

    assert (_state(services, table), len(_stream(table))) == (before, records)
    _call(services, "dynamodb", "TransactWriteItems", TransactItems=_writes(table, "attribute_exists(pk)"))
    assert _state(services, table) == {"old": "1", "new": "7", "other": "2"}
    assert len(_stream(table)) == records + 3


def _stream(table: str) -> list[Any]:
    backend = moto.dynamodb.models.dynamodb_backends[ACCOUNT_ID]["us-east-1"]
    records: list[Any] = backend.tables[table].stream_shard.items
    return records


def test_a_transaction_copies_the_items_it_names_and_no_others(
    services: MotoServices, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        _call(services, "dynamodb", "PutItem", TableName=table, Item=_item(f"many-{number}", number, table))
    copied = []
    item = moto.dynamodb.models.dynamo_type.Item
    whole = item.__deepcopy__
    monkeypatch.setattr(item, "__deepcopy__", lambda self, memo: copied.append(self) or whole(self, memo))

    write = {"Put": {"TableName": table, "Item": _item("many-7", 8, table)}}
    _call(services, "dynamodb", "TransactWriteItems", TransactItems=[write])

    assert 0 < len(copied) < 5


def test_moto_still_asks_for_copies_where_we_answer(services: MotoServices) -> None:
    assert isinstance(moto.dynamodb.models.copy, type)
    assert moto.core.common_models.BaseModel.__new__.__name__ == "<lambda>"


class TestObjectsInFiles:
    """S3's seams beyond what the integration tests see."""

    def test_small_objects_stay_in_memory_and_larger_ones_are_files(self, services: MotoServices) -> None:
        _call(services, "s3", "CreateBucket", Bucket="places")
        for size in (s3_blobs.SMALL_BYTES, s3_blobs.SMALL_BYTES + 1):
            _call(services, "s3", "PutObject", Bucket="places", Key=str(size), Body=b"x" * size)

        backend = moto.s3.models.s3_backends[ACCOUNT_ID]["aws"]
        values = [backend.get_object("places", str(s3_blobs.SMALL_BYTES + more)).value for more in (0, 1)]

        assert [type(value) for value in values] == [bytes, Blob]

    def test_listing_versions_reads_no_data(self, services: MotoServices, monkeypatch: pytest.MonkeyPatch) -> None:
        _call(services, "s3", "CreateBucket", Bucket="listed")
        _call(services, "s3", "PutObject", Bucket="listed", Key="k", Body=b"x" * (s3_blobs.SMALL_BYTES + 1))
        read = []
        monkeypatch.setattr(Blob, "__iter__", lambda blob: iter(read.append(blob) or ()))

        found = _call(services, "s3", "ListObjectVersions", Bucket="listed")["Versions"]

        assert ([item["Size"] for item in found], read) == ([s3_blobs.SMALL_BYTES + 1], [])

    def test_another_server_of_moto_in_this_process_answers_as_ever(self, services: MotoServices) -> None:
        body = b"x" * (s3_blobs.SMALL_BYTES + 1)
        client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")

        with moto.mock_aws():
            client.create_bucket(Bucket="elsewhere")
            client.put_object(Bucket="elsewhere", Key="k", Body=body)

            assert client.get_object(Bucket="elsewhere", Key="k")["Body"].read() == body


def test_of_a_log_stream_the_newest_lines_are_kept(services: MotoServices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_hot_paths, "MOST_LINES", 10)
    names = {"logGroupName": "long", "logStreamName": "s"}
    _call(services, "logs", "CreateLogGroup", logGroupName="long")
    _call(services, "logs", "CreateLogStream", **names)
    now_ms = int(KernelClock().now().timestamp() * 1000)

    for number in range(50):
        events = [{"timestamp": now_ms + number, "message": str(number)}]
        _call(services, "logs", "PutLogEvents", **names, logEvents=events)

    kept = [int(event["message"]) for event in _call(services, "logs", "GetLogEvents", **names)["events"]]
    assert kept == list(range(kept[0], 50))
    assert 10 <= len(kept) <= 20


def test_ids_are_drawn_from_the_letters_that_moto_draws_from(services: MotoServices) -> None:
    drawn = moto_random.get_random_string(length=2000, lower_case=True)

    assert (len(drawn), set(drawn)) == (2000, set(string.ascii_lowercase + string.digits))
    assert not set(moto_random.get_random_string(length=2000, include_digits=False)) & set(string.digits)
