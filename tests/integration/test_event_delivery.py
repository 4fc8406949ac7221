"""A delivery that cannot succeed goes to the dead-letter queue with its reason, and touches no other target."""

import json
from collections.abc import Callable
from typing import Any

from tests.support.waiting import eventually

Client = Callable[[str], Any]


def test_a_missing_queue_dead_letters_the_event_and_spares_the_other_target(client: Client) -> None:
    sqs, events = client("sqs"), client("events")
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("delivery-good", "delivery-dlq")}
    arn = "arn:aws:sqs:us-east-1:123456789012:"
    events.put_rule(Name="delivery", EventPattern=json.dumps({"source": ["delivery.test"]}))
    targets = [
        {"Id": "bad", "Arn": f"{arn}delivery-absent", "DeadLetterConfig": {"Arn": f"{arn}delivery-dlq"}},
        {"Id": "good", "Arn": f"{arn}delivery-good"},
    ]
    events.put_targets(Rule="delivery", Targets=targets)

    put = events.put_events(Entries=[{"Source": "delivery.test", "DetailType": "t", "Detail": '{"n": 1}'}])

    assert put["FailedEntryCount"] == 0
    good = eventually(lambda: sqs.receive_message(QueueUrl=urls["delivery-good"]).get("Messages"))
    assert json.loads(good[0]["Body"])["detail"] == {"n": 1}
    dead = eventually(
        lambda: sqs.receive_message(QueueUrl=urls["delivery-dlq"], MessageAttributeNames=["All"]).get("Messages")
    )
    attributes = {name: value["StringValue"] for name, value in dead[0]["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "NO_RESOURCE"
    assert attributes["TARGET_ARN"] == f"{arn}delivery-absent"
    assert json.loads(dead[0]["Body"])["detail"] == {"n": 1}


def test_put_events_refuses_a_bad_entry_alone(client: Client) -> None:
    entries = [
        {"Source": "ok", "DetailType": "t", "Detail": "{}"},
        {"Source": "ok", "DetailType": "t", "Detail": "not json"},
        {"Source": "aws.s3", "DetailType": "t", "Detail": "{}"},
    ]

    answer = client("events").put_events(Entries=entries)

    assert answer["FailedEntryCount"] == 2
    assert [e.get("ErrorCode") for e in answer["Entries"]] == [
        None,
        "MalformedDetail",
        "NotAuthorizedForSourceException",
    ]
