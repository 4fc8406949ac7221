"""Replaying a dead-letter queue moves what lies there, whole, and loses nothing when a move fails."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from driftloop.commands import replay
from driftloop.errors import UserError


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setattr(replay, "_ASK_ALL_S", 0)
    with mock_aws():
        yield boto3.client("sqs", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture
def queues(sqs: Any) -> tuple[str, str]:
    """The URLs of a dead-letter queue and of its queue."""
    names = ("loop-ingest-dlq", "loop-ingest")
    dead, alive = (sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "0"}) for name in names)
    return dead["QueueUrl"], alive["QueueUrl"]


def _held(sqs: Any, url: str) -> int:
    wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
    return sum(int(found[name]) for name in wanted)


def _received(sqs: Any, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=60
    ).get("Messages"):
        found += messages
    return found


def test_every_message_is_moved_with_its_attributes(sqs: Any, queues: tuple[str, str]) -> None:
    dead, alive = queues
    reason = {"REASON": {"DataType": "String", "StringValue": "no such package ü"}}
    raw = {"RAW": {"DataType": "Binary", "BinaryValue": b"\0\xff"}}
    for number in range(23):
        sqs.send_message(QueueUrl=dead, MessageBody=f"{number}", MessageAttributes=reason | raw)

    moved = replay.move(sqs, dead, alive)

    assert (moved, _held(sqs, dead)) == (23, 0)
    messages = _received(sqs, alive)
    assert sorted(int(message["Body"]) for message in messages) == list(range(23))
    assert all(message["MessageAttributes"]["REASON"]["StringValue"] == "no such package ü" for message in messages)
    assert all(message["MessageAttributes"]["RAW"]["BinaryValue"] == b"\0\xff" for message in messages)


def test_an_empty_queue_moves_nothing(sqs: Any, queues: tuple[str, str]) -> None:
    assert replay.move(sqs, *queues) == 0


def test_when_sending_fails_nothing_is_lost(sqs: Any, queues: tuple[str, str]) -> None:
    dead, alive = queues
    for number in range(5):
        sqs.send_message(QueueUrl=dead, MessageBody=f"{number}")

    with pytest.raises(ClientError, match="Throttling"):
        replay.move(_Failing(sqs, after=3), dead, alive)

    assert _held(sqs, alive) == 3
    assert _held(sqs, dead) == 2


def test_when_deleting_fails_the_message_is_in_both_rather_than_in_none(sqs: Any, queues: tuple[str, str]) -> None:
    dead, alive = queues
    sqs.send_message(QueueUrl=dead, MessageBody="x")

    with pytest.raises(ClientError, match="Throttling"):
        replay.move(_Failing(sqs, after=0, operation="delete_message"), dead, alive)

    assert (_held(sqs, dead), _held(sqs, alive)) == (1, 1)


def test_a_message_that_cannot_be_deleted_from_sight_is_moved_once(sqs: Any, queues: tuple[str, str]) -> None:
    dead, alive = queues
    sqs.send_message(QueueUrl=dead, MessageBody="x")

    assert replay.move(_Silent(sqs), dead, alive) == 1

    assert _held(sqs, alive) == 1


def test_a_queue_that_does_not_exist_is_refused_with_those_that_do(sqs: Any, queues: tuple[str, str]) -> None:
    with pytest.raises(UserError, match="there is no queue 'loop-train'; the queues are: loop-ingest"):
        replay._url(sqs, "loop-train")


class _Failing:
    """SQS that throttles an operation after some calls."""

    def __init__(self, sqs: Any, after: int, operation: str = "send_message") -> None:
        self._sqs, self._left, self._operation = sqs, after, operation

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**params: Any) -> Any:
            if name == self._operation:
                self._left -= 1
                if self._left < 0:
                    raise ClientError({"Error": {"Code": "Throttling", "Message": "slow down"}}, name)
            return getattr(self._sqs, name)(**params)

        return call


class _Silent:
    """SQS whose deletes have no effect yet, as a distributed queue may have it."""

    def __init__(self, sqs: Any) -> None:
        self._sqs = sqs

    def delete_message(self, **params: Any) -> None:
        """Later."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)


class _FailsAgain:
    """A queue whose function refuses every message at once: what is sent lies in the dead-letter queue again."""

    def __init__(self, sqs: Any, dead: str) -> None:
        self._sqs, self._dead = sqs, dead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sqs, name)

    def send_message(self, QueueUrl: str, **message: Any) -> None:  # noqa: N803 - boto3's names
        self._sqs.send_message(QueueUrl=self._dead, **message)


def test_messages_that_fail_again_at_once_are_replayed_once(sqs: Any, queues: tuple[str, str]) -> None:
    dead, alive = queues
    for number in range(3):
        sqs.send_message(QueueUrl=dead, MessageBody=f"{number}")

    moved = replay.move(_FailsAgain(sqs, dead), dead, alive)

    assert (moved, _held(sqs, dead)) == (3, 3)
