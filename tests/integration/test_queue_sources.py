"""Queues feed functions: batches, windows, filters, order of groups, concurrency, and what the operations answer."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.apart import Emulator
from tests.support.feeding import ARN, Fed, fed, queue
from tests.support.waiting import eventually

Client = Callable[[str], Any]
MB = 1024 * 1024


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
    return fed(client, "queue-fed", PARTIAL="yes")


def _texts(function: Fed, count: int) -> list[list[str]]:
    """The texts of the batches that were fed, once they are so many texts."""
    batches: list[list[str]] = []

    def all_heard() -> bool:
        batches.extend(told["texts"] for told in function.heard())
        return sum(map(len, batches)) >= count

    eventually(all_heard)
    return batches


def _send(client: Client, url: str, bodies: list[str], group: str = "") -> None:
    for at in range(0, len(bodies), 10):
        entries = [
            {
                "Id": str(n),
                "MessageBody": body,
                **({"MessageGroupId": group, "MessageDeduplicationId": body} if group else {}),
            }
            for n, body in enumerate(bodies[at : at + 10])
        ]
        client("sqs").send_message_batch(QueueUrl=url, Entries=entries)


def _is_empty(client: Client, url: str) -> bool:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return set(found.values()) == {"0"}


def _refused(call: Callable[..., Any], **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**params)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_window_makes_one_large_batch(client: Client, function: Fed) -> None:
    url, arn = queue(client, "windowed")
    _send(client, url, [f"m{n}" for n in range(35)])

    function.mapping(arn, BatchSize=1000, MaximumBatchingWindowInSeconds=1)

    assert [len(batch) for batch in _texts(function, 35)] == [35]
    eventually(lambda: _is_empty(client, url))


def test_a_full_batch_does_not_wait_for_its_window(client: Client, function: Fed) -> None:
    url, arn = queue(client, "full")
    _send(client, url, [f"m{n}" for n in range(20)])

    function.mapping(arn, BatchSize=20, MaximumBatchingWindowInSeconds=300)

    assert [len(batch) for batch in _texts(function, 20)] == [20]


def test_a_batch_is_at_most_six_megabytes(client: Client, function: Fed) -> None:
    url, arn = queue(client, "heavy")
    for _ in range(9):
        client("sqs").send_message(QueueUrl=url, MessageBody="x" * MB)

    function.mapping(arn, BatchSize=9, MaximumBatchingWindowInSeconds=0)

    assert sorted(len(batch) for batch in _texts(function, 9)) == [4, 5]


def test_what_filters_leave_out_is_deleted_unseen(client: Client, function: Fed) -> None:
    url, arn = queue(client, "filtered")
    criteria = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["wanted"]}})}]}
    _send(client, url, ['{"kind": "other"}', '{"kind": "wanted"}', "just text"])

    function.mapping(arn, FilterCriteria=criteria)

    assert _texts(function, 1) == [['{"kind": "wanted"}']]
    eventually(lambda: _is_empty(client, url))


def test_messages_of_a_group_keep_their_order_through_failures(client: Client, apart: Emulator, function: Fed) -> None:
    """The poisoned message blocks its group until the queue gives it up; another group goes on."""
    _, dead = queue(client, "grouped-dead.fifo", FifoQueue="true")
    redrive = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})
    url, arn = queue(client, "grouped.fifo", FifoQueue="true", VisibilityTimeout="10", RedrivePolicy=redrive)
    _send(client, url, ["a1", "a2-poison", "a3", "a4"], "a")
    _send(client, url, ["b1", "b2"], "b")

    function.mapping(arn, BatchSize=2, FunctionResponseTypes=["ReportBatchItemFailures"])
    heard = [text for batch in _texts(function, 4) for text in batch]
    apart.advance(25)

    heard += [text for told in function.heard() for text in told["texts"]]
    assert [text for text in heard if text[0] == "b"] == ["b1", "b2"]
    assert [text for text in heard if text[0] == "a"] == ["a1", "a2-poison", "a2-poison", "a3", "a4"]
    dead_url = url.replace("grouped", "grouped-dead")
    given_up = client("sqs").receive_message(QueueUrl=dead_url)["Messages"]
    assert [message["Body"] for message in given_up] == ["a2-poison"]


def test_no_more_batches_at_once_than_the_mapping_allows(client: Client) -> None:
    function = fed(client, "few-at-once")
    url, arn = queue(client, "few-at-once")
    _send(client, url, [f"m{n}" for n in range(30)])

    uuid = function.mapping(arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})

    assert len(_texts(function, 30)) == 30
    streams = client("logs").describe_log_streams(logGroupName="/aws/lambda/few-at-once")["logStreams"]
    assert len(streams) <= 2
    assert client("lambda").get_event_source_mapping(UUID=uuid)["ScalingConfig"] == {"MaximumConcurrency": 2}


def test_a_disabled_mapping_rests_and_goes_on_when_enabled(client: Client, function: Fed) -> None:
    url, arn = queue(client, "resting")
    uuid = function.mapping(arn, Enabled=False)
    awslambda = client("lambda")
    _send(client, url, ["early"])
    assert awslambda.get_event_source_mapping(UUID=uuid)["State"] == "Disabled"

    changed = awslambda.update_event_source_mapping(UUID=uuid, Enabled=True, BatchSize=3)

    assert (changed["State"], changed["BatchSize"]) == ("Enabling", 3)
    assert _texts(function, 1) == [["early"]]
    assert awslambda.delete_event_source_mapping(UUID=uuid)["State"] == "Deleting"
    assert _refused(awslambda.get_event_source_mapping, UUID=uuid)[0] == "ResourceNotFoundException"


def test_a_mapping_shows_what_it_was_made_with_and_by_default(client: Client, function: Fed) -> None:
    _, arn = queue(client, "shown")
    awslambda = client("lambda")

    made = awslambda.create_event_source_mapping(FunctionName=function.name, EventSourceArn=arn, Enabled=False)

    assert made["State"] == "Creating"
    expected = {"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0, "FunctionResponseTypes": []}
    found = awslambda.get_event_source_mapping(UUID=made["UUID"])
    assert expected.items() <= found.items()
    assert (found["State"], found["StateTransitionReason"]) == ("Disabled", "USER_INITIATED")
    assert found["FunctionArn"] == ARN.format("lambda", f"function:{function.name}")


def test_the_same_two_are_not_mapped_twice(client: Client, function: Fed) -> None:
    _, arn = queue(client, "twice")
    uuid = function.mapping(arn)

    code, message = _refused(
        client("lambda").create_event_source_mapping, FunctionName=function.name, EventSourceArn=arn
    )

    assert code == "ResourceConflictException"
    assert f'SQS arn (" {arn} ") and function (" {function.name} ") already exists' in message
    assert message.endswith(f"existing mapping with UUID {uuid}")


def test_mappings_are_listed_in_pages(client: Client, function: Fed) -> None:
    made = set()
    for number in range(3):
        _, arn = queue(client, f"paged-{number}")
        made.add(function.mapping(arn, Enabled=False))
    pages = client("lambda").get_paginator("list_event_source_mappings")

    found = [
        [one["UUID"] for one in page["EventSourceMappings"]]
        for page in pages.paginate(FunctionName=function.name, PaginationConfig={"PageSize": 2})
    ]

    assert all(len(page) <= 2 for page in found)
    assert made <= {uuid for page in found for uuid in page}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"BatchSize": 11}, "Maximum batch window in seconds must be greater than 0"),
        ({"StartingPosition": "LATEST"}, "StartingPosition is not valid for SQS event sources."),
        ({"MaximumRetryAttempts": 1}, "Unsupported MaximumRetryAttempts parameter"),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{"}]}}, "Invalid filter pattern definition."),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}] * 6}}, "at most 5"),
        ({"FunctionName": "nobody"}, "Function does not exist"),
        ({"EventSourceArn": ARN.format("sqs", "nowhere")}, "AWS.SimpleQueueService.NonExistentQueue"),
        ({"EventSourceArn": "arn:aws:s3:::bucket"}, "Unrecognized event source."),
    ],
)
def test_aws_refuses_what_does_not_fit(client: Client, function: Fed, settings: dict[str, Any], words: str) -> None:
    _, arn = queue(client, "refusing")

    code, message = _refused(
        client("lambda").create_event_source_mapping,
        **{"FunctionName": function.name, "EventSourceArn": arn, **settings},
    )

    assert code == "InvalidParameterValueException"
    assert words in message


@pytest.mark.parametrize(
    "settings",
    [
        {"EventSourceArn": "arn:aws:kafka:us-east-1:123456789012:cluster/c/1"},
        {"KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k"},
        {"ProvisionedPollerConfig": {"MinimumPollers": 2}},
    ],
)
def test_what_is_not_emulated_is_refused_by_name(client: Client, function: Fed, settings: dict[str, Any]) -> None:
    _, arn = queue(client, "unread")

    code, message = _refused(
        client("lambda").create_event_source_mapping,
        **{"FunctionName": function.name, "EventSourceArn": arn, **settings},
    )

    assert code == "NotEmulated"
    assert next(iter(settings)) in message


def test_a_window_is_of_the_kernels_time(client: Client, apart: Emulator, function: Fed) -> None:
    url, arn = queue(client, "slow-window", VisibilityTimeout="600")
    function.mapping(arn, BatchSize=100, MaximumBatchingWindowInSeconds=300)
    _send(client, url, ["first"])

    apart.advance(200)
    _send(client, url, ["second"])
    assert function.heard() == []
    apart.advance(110)

    assert _texts(function, 2) == [["first", "second"]]


def test_a_mapping_counts_its_events_when_asked(client: Client, function: Fed, apart: Emulator) -> None:
    url, arn = queue(client, "counted")
    criteria = {"Filters": [{"Pattern": json.dumps({"body": [{"prefix": "yes"}]})}]}
    _send(client, url, ["yes", "no", "yes-poison"])
    uuid = function.mapping(
        arn,
        FilterCriteria=criteria,
        MetricsConfig={"Metrics": ["EventCount"]},
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    _texts(function, 2)

    def counted() -> dict[str, float]:
        now = apart.now()
        call = {"Namespace": "AWS/Lambda", "Period": 86_400, "Statistics": ["Sum"]}
        call |= {"Dimensions": [{"Name": "EventSourceMappingUUID", "Value": uuid}]}
        call |= {"StartTime": now - timedelta(hours=12), "EndTime": now + timedelta(minutes=1)}
        return {
            name: sum(
                point["Sum"]
                for point in client("cloudwatch").get_metric_statistics(MetricName=name, **call)["Datapoints"]
            )
            for name in ("PolledEventCount", "FilteredOutEventCount", "InvokedEventCount", "DeletedEventCount")
        }

    expected = {"PolledEventCount": 3, "FilteredOutEventCount": 1, "InvokedEventCount": 2, "DeletedEventCount": 1}
    eventually(lambda: counted() == expected)


def test_a_topic_reaches_a_function_through_its_queue(client: Client, function: Fed) -> None:
    _, arn = queue(client, "subscribed")
    topic = client("sns").create_topic(Name="subscribed")["TopicArn"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    function.mapping(arn)

    client("sns").publish(TopicArn=topic, Message="published")

    assert _texts(function, 1) == [["published"]]
