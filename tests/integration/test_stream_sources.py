"""Kinesis and DynamoDB streams feed functions: positions, order, retries, bisecting, what is given up, resharding."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.apart import Emulator
from tests.support.feeding import ARN, Fed, fed, queue, stream
from tests.support.waiting import eventually

Client = Callable[[str], Any]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """With a clock of its own, since tests here move it."""
    made = Emulator(tmp_path_factory.mktemp("apart") / "state")
    yield made
    made.kill()


@pytest.fixture(scope="module")
def client(apart: Emulator) -> Client:
    return apart.client


@pytest.fixture(scope="module")
def function(client: Client) -> Fed:
    return fed(client, "stream-fed")


@pytest.fixture(scope="module")
def reporting(client: Client) -> Fed:
    return fed(client, "stream-fed-partly", PARTIAL="yes")


def _put(client: Client, arn: str, *texts: str, key: str = "") -> None:
    records = [{"Data": text.encode(), "PartitionKey": key or text} for text in texts]
    client("kinesis").put_records(StreamARN=arn, StreamName=arn.split("/")[1], Records=records)


def _batches(function: Fed, count: int) -> list[list[str]]:
    found: list[list[str]] = []

    def all_heard() -> bool:
        found.extend(told["texts"] for told in function.heard())
        return sum(map(len, found)) >= count

    eventually(all_heard)
    return found


def _given_up(client: Client, url: str) -> dict[str, Any]:
    message = eventually(lambda: client("sqs").receive_message(QueueUrl=url).get("Messages"))[0]
    client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return dict(json.loads(message["Body"]))


def test_a_stream_is_read_from_its_start_in_order(client: Client, function: Fed) -> None:
    arn = stream(client, "from-the-start")
    _put(client, arn, *(f"r{n}" for n in range(25)))

    uuid = function.mapping(arn, StartingPosition="TRIM_HORIZON", BatchSize=10)

    batches = _batches(function, 25)
    assert [text for batch in batches for text in batch] == [f"r{n}" for n in range(25)]
    assert [len(batch) for batch in batches] == [10, 10, 5]
    found = client("lambda").get_event_source_mapping(UUID=uuid)
    assert (found["MaximumRetryAttempts"], found["ParallelizationFactor"]) == (-1, 1)
    eventually(lambda: client("lambda").get_event_source_mapping(UUID=uuid)["LastProcessingResult"] == "OK")


def test_latest_and_a_time_leave_out_what_was_before(client: Client, apart: Emulator) -> None:
    late, timed = fed(client, "fed-latest"), fed(client, "fed-timed")
    arn = stream(client, "not-from-the-start", shards=2)
    _put(client, arn, "before", key="k")
    apart.advance(10)
    at = apart.now() - timedelta(seconds=5)

    late.mapping(arn, StartingPosition="LATEST")
    _put(client, arn, "after", key="k")
    timed.mapping(arn, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=at)

    assert _batches(late, 1) == [["after"]]
    assert _batches(timed, 1) == [["after"]]


def test_a_record_has_the_shape_that_functions_expect(client: Client, function: Fed) -> None:
    arn = stream(client, "shaped")
    _put(client, arn, "hello", key="k")

    function.mapping(arn, StartingPosition="TRIM_HORIZON")

    (told,) = eventually(function.heard)
    (record,) = told["event"]["Records"]
    kinesis = record.pop("kinesis")
    assert record == {
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000000:{kinesis['sequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/fed",
        "awsRegion": "us-east-1",
        "eventSourceARN": arn,
    }
    assert (kinesis["data"], kinesis["partitionKey"], kinesis["kinesisSchemaVersion"]) == ("aGVsbG8=", "k", "1.0")


def test_a_bisected_batch_isolates_the_record_that_cannot_be_handled(client: Client, function: Fed) -> None:
    arn, (dead_url, dead) = stream(client, "bisected"), queue(client, "bisected-dead")
    _put(client, arn, "a", "b", "c-poison", "d", "e", "f", "g", "h", key="k")

    function.mapping(
        arn,
        StartingPosition="TRIM_HORIZON",
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": dead}},
    )

    told = _given_up(client, dead_url)
    info = told["KinesisBatchInfo"]
    assert (info["batchSize"], info["startSequenceNumber"], info["shardId"]) == (1, "3", "shardId-000000000000")
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["requestContext"]["approximateInvokeCount"] == 4
    assert told["responseContext"]["functionError"] == "Unhandled"
    handled = [batch for batch in _batches(function, 8 + 4 + 2 + 2 + 4) if "c-poison" not in batch]
    assert [text for batch in handled for text in batch] == ["a", "b", "d", "e", "f", "g", "h"]


def test_retries_back_off_until_their_number_is_up(client: Client, apart: Emulator, function: Fed) -> None:
    arn, (dead_url, dead) = stream(client, "retried"), queue(client, "retried-dead")
    _put(client, arn, "poison", key="k")

    uuid = function.mapping(
        arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=3,
        DestinationConfig={"OnFailure": {"Destination": dead}},
    )
    apart.advance(20)

    assert _given_up(client, dead_url)["requestContext"]["approximateInvokeCount"] == 4
    assert _batches(function, 4) == [["poison"]] * 4
    result = client("lambda").get_event_source_mapping(UUID=uuid)["LastProcessingResult"]
    assert result == "PROBLEM: Function call failed"


def test_a_partial_failure_goes_on_from_the_reported_record(client: Client, apart: Emulator, reporting: Fed) -> None:
    arn, (dead_url, dead) = stream(client, "reported"), queue(client, "reported-dead")
    _put(client, arn, "a", "b", "poison", "c", key="k")

    reporting.mapping(
        arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": dead}},
    )
    apart.advance(10)

    assert _batches(reporting, 6) == [["a", "b", "poison", "c"], ["poison", "c"]]
    told = _given_up(client, dead_url)
    assert told["KinesisBatchInfo"]["startSequenceNumber"] == "3"
    assert "functionError" not in told["responseContext"]


def test_records_that_are_too_old_are_given_up_with_all_that_they_held_on_s3(
    client: Client, apart: Emulator, function: Fed
) -> None:
    arn = stream(client, "aged")
    client("s3").create_bucket(Bucket="aged-out")
    _put(client, arn, "old", key="k")
    apart.advance(61)

    uuid = function.mapping(
        arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::aged-out"}},
    )

    prefix = f"aws/lambda/{uuid}/shardId-000000000000/"
    (found,) = eventually(lambda: client("s3").list_objects_v2(Bucket="aged-out", Prefix=prefix).get("Contents"))
    told = json.loads(client("s3").get_object(Bucket="aged-out", Key=found["Key"])["Body"].read())
    assert told["requestContext"]["condition"] == "RecordAgeExceeded"
    assert json.loads(told["payload"])["Records"][0]["kinesis"]["data"] == "b2xk"


def test_what_is_given_up_may_go_to_a_topic(client: Client, function: Fed) -> None:
    arn, (url, dead) = stream(client, "topical"), queue(client, "topical-dead")
    topic = client("sns").create_topic(Name="topical")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=dead, Attributes={"RawMessageDelivery": "true"})
    _put(client, arn, "poison", key="k")

    function.mapping(
        arn,
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": topic}},
    )

    assert _given_up(client, url)["KinesisBatchInfo"]["streamArn"] == arn
    assert _batches(function, 1) == [["poison"]]


def test_filters_and_windows_shape_the_batches_of_a_stream(client: Client, apart: Emulator, function: Fed) -> None:
    arn = stream(client, "shaping")
    wanted = {"Filters": [{"Pattern": json.dumps({"data": {"n": [{"numeric": [">=", 2]}]}})}]}
    function.mapping(
        arn, StartingPosition="TRIM_HORIZON", MaximumBatchingWindowInSeconds=60, BatchSize=100, FilterCriteria=wanted
    )

    _put(client, arn, '{"n": 1}', '{"n": 2}', "text", key="k")
    apart.advance(20)
    _put(client, arn, '{"n": 3}', key="k")
    assert function.heard() == []
    apart.advance(45)

    assert _batches(function, 2) == [['{"n": 2}', '{"n": 3}']]


def test_children_of_a_split_shard_come_after_it(client: Client, function: Fed) -> None:
    arn = stream(client, "split")
    _put(client, arn, *(f"old{n}" for n in range(20)))
    half = str(2**127)
    client("kinesis").split_shard(StreamName="split", ShardToSplit="shardId-000000000000", NewStartingHashKey=half)
    _put(client, arn, *(f"new{n}" for n in range(20)))

    function.mapping(arn, StartingPosition="TRIM_HORIZON", BatchSize=7)

    heard = [text for batch in _batches(function, 40) for text in batch]
    assert heard[:20] == [f"old{n}" for n in range(20)]
    assert sorted(heard[20:]) == sorted(f"new{n}" for n in range(20))


def test_lanes_of_a_shard_keep_the_order_of_each_key(client: Client, function: Fed) -> None:
    arn = stream(client, "parallel")
    for number in range(10):
        for key in ("a", "b", "c", "d"):
            _put(client, arn, f"{key}{number}", key=key)

    function.mapping(arn, StartingPosition="TRIM_HORIZON", ParallelizationFactor=4, BatchSize=3)

    heard = [text for batch in _batches(function, 40) for text in batch]
    for key in ("a", "b", "c", "d"):
        assert [text for text in heard if text[0] == key] == [f"{key}{number}" for number in range(10)]


def test_a_mapping_goes_on_where_it_was_when_it_is_enabled_again(client: Client, function: Fed) -> None:
    arn = stream(client, "paused")
    uuid = function.mapping(arn, StartingPosition="LATEST")
    _put(client, arn, "one", key="k")
    assert _batches(function, 1) == [["one"]]

    client("lambda").update_event_source_mapping(UUID=uuid, Enabled=False)
    _put(client, arn, "two", key="k")
    client("lambda").update_event_source_mapping(UUID=uuid, Enabled=True)

    assert _batches(function, 1) == [["two"]]


def test_the_age_of_what_is_read_is_a_metric(client: Client, function: Fed, apart: Emulator) -> None:
    arn = stream(client, "measured")
    _put(client, arn, "r", key="k")
    apart.advance(30)

    function.mapping(arn, StartingPosition="TRIM_HORIZON", MetricsConfig={"Metrics": ["EventCount"]})
    _batches(function, 1)

    now = apart.now()
    call = {"Namespace": "AWS/Lambda", "Period": 86_400, "Statistics": ["Maximum"], "MetricName": "IteratorAge"}
    call |= {"StartTime": now - timedelta(hours=12), "EndTime": now + timedelta(minutes=1)}
    call |= {"Dimensions": [{"Name": "FunctionName", "Value": function.name}]}
    points = eventually(lambda: client("cloudwatch").get_metric_statistics(**call)["Datapoints"])
    assert points[0]["Maximum"] >= 30_000


@pytest.fixture
def table(client: Client, request: pytest.FixtureRequest) -> tuple[str, str]:
    """A table's name and its stream's ARN."""
    name = request.node.name[5:40]
    made = client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    return name, made["LatestStreamArn"]


def test_changes_of_a_table_feed_a_function(client: Client, function: Fed, table: tuple[str, str]) -> None:
    name, arn = table
    dynamodb = client("dynamodb")
    function.mapping(arn, StartingPosition="TRIM_HORIZON", MaximumBatchingWindowInSeconds=1)

    dynamodb.put_item(TableName=name, Item={"k": {"S": "one"}, "n": {"N": "1"}})
    dynamodb.update_item(
        TableName=name,
        Key={"k": {"S": "one"}},
        UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "2"}},
    )
    dynamodb.delete_item(TableName=name, Key={"k": {"S": "one"}})

    (told,) = eventually(function.heard)
    records = told["event"]["Records"]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    change = records[1]["dynamodb"]
    assert isinstance(change.pop("ApproximateCreationDateTime"), int)
    assert change.pop("SequenceNumber").isdigit()
    assert change == {
        "Keys": {"k": {"S": "one"}},
        "OldImage": {"k": {"S": "one"}, "n": {"N": "1"}},
        "NewImage": {"k": {"S": "one"}, "n": {"N": "2"}},
        "SizeBytes": 18,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    assert (records[0]["eventSource"], records[0]["eventSourceARN"]) == ("aws:dynamodb", arn)


def test_changes_that_cannot_be_handled_are_told_of(client: Client, function: Fed, table: tuple[str, str]) -> None:
    name, arn = table
    url, dead = queue(client, "table-dead")
    client("dynamodb").put_item(TableName=name, Item={"k": {"S": "before"}})
    function.mapping(
        arn,
        StartingPosition="LATEST",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": dead}},
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"eventName": ["INSERT"]})}]},
    )

    client("dynamodb").put_item(TableName=name, Item={"k": {"S": "poison"}})

    info = _given_up(client, url)["DDBStreamBatchInfo"]
    assert (info["batchSize"], info["streamArn"], len(info["approximateArrivalOfFirstRecord"])) == (1, arn, 20)
    assert _batches(function, 1) == [["poison"]]


def test_what_its_time_to_live_ended_is_told_to_be_deleted_by_dynamodb(
    client: Client, apart: Emulator, function: Fed, table: tuple[str, str]
) -> None:
    name, arn = table
    lives = {"AttributeName": "until", "Enabled": True}
    client("dynamodb").update_time_to_live(TableName=name, TimeToLiveSpecification=lives)
    until = str(int(apart.now().timestamp()) + 60)
    client("dynamodb").put_item(TableName=name, Item={"k": {"S": "mortal"}, "until": {"N": until}})
    removals = {"Filters": [{"Pattern": json.dumps({"eventName": ["REMOVE"]})}]}
    function.mapping(arn, StartingPosition="TRIM_HORIZON", FilterCriteria=removals)

    apart.advance(7 * 3600)

    (told,) = eventually(function.heard)
    (record,) = told["event"]["Records"]
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Value null at 'startingPosition'"),
        ({"StartingPosition": "AT_TIMESTAMP"}, "StartingPositionTimestamp"),
        ({"StartingPosition": "LATEST", "BatchSize": 10_001}, "10000"),
        ({"StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": 59}, "MaximumRecordAgeInSeconds"),
        ({"StartingPosition": "LATEST", "ScalingConfig": {"MaximumConcurrency": 2}}, "Unsupported ScalingConfig"),
        (
            {"StartingPosition": "LATEST", "FilterCriteria": {"Filters": [{"Pattern": '{"data": ["text"]}'}]}},
            "Invalid filter pattern definition.",
        ),
        (
            {"StartingPosition": "LATEST", "DestinationConfig": {"OnSuccess": {"Destination": ARN.format("sqs", "q")}}},
            "Unsupported DestinationConfig parameter",
        ),
        (
            {"StartingPosition": "LATEST", "EventSourceArn": ARN.format("kinesis", "stream/nowhere")},
            "Stream not found",
        ),
    ],
)
def test_aws_refuses_what_does_not_fit_a_stream(
    client: Client, function: Fed, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError) as caught:
        client("lambda").create_event_source_mapping(
            **{"FunctionName": function.name, "EventSourceArn": _refusing(client), **settings}
        )

    assert words in caught.value.response["Error"]["Message"]


def _refusing(client: Client) -> str:
    try:
        return stream(client, "refusing")
    except client("kinesis").exceptions.ResourceInUseException:
        return ARN.format("kinesis", "stream/refusing")


def test_a_consumer_of_a_stream_is_a_source_of_its_own(client: Client, function: Fed) -> None:
    arn = stream(client, "fanned-out")
    registered = client("kinesis").register_stream_consumer(StreamARN=arn, ConsumerName="one")
    consumer = registered["Consumer"]["ConsumerARN"]
    _put(client, arn, "r", key="k")

    function.mapping(consumer, StartingPosition="TRIM_HORIZON")

    (told,) = eventually(function.heard)
    assert told["event"]["Records"][0]["eventSourceARN"] == consumer
    with pytest.raises(ClientError, match="Consumer not found"):
        function.mapping(f"{arn}/consumer/nobody", StartingPosition="LATEST")


def test_more_lanes_start_where_fewer_have_come(client: Client, function: Fed) -> None:
    arn = stream(client, "relaned")
    uuid = function.mapping(arn, StartingPosition="TRIM_HORIZON")
    _put(client, arn, "one", key="k")
    assert _batches(function, 1) == [["one"]]

    client("lambda").update_event_source_mapping(UUID=uuid, ParallelizationFactor=3)
    _put(client, arn, "two", key="k")

    assert _batches(function, 1) == [["two"]]


def test_a_stream_of_the_same_name_is_another_stream(client: Client, function: Fed) -> None:
    arn = stream(client, "reborn")
    function.mapping(arn, StartingPosition="TRIM_HORIZON")
    _put(client, arn, "first", "second", key="k")
    assert _batches(function, 2) == [["first", "second"]]
    client("kinesis").delete_stream(StreamName="reborn")

    stream(client, "reborn")
    _put(client, arn, "third", key="k")

    assert _batches(function, 1) == [["third"]]


def test_records_wait_for_a_function_that_is_gone(client: Client) -> None:
    function = fed(client, "fed-gone")
    arn = stream(client, "waiting")
    function.mapping(arn, StartingPosition="TRIM_HORIZON", MaximumRetryAttempts=0)
    client("lambda").delete_function(FunctionName="fed-gone")
    _put(client, arn, "patient", key="k")

    again = fed(client, "fed-gone")

    assert _batches(again, 1) == [["patient"]]
