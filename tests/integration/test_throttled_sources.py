"""What event sources do when the function cannot be called: nothing counts as tried, nothing is lost."""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator import bootstrap
from emulator.kernel.errors import AwsError
from emulator.kernel.pace import Timekeeper
from emulator.kernel.ports import Kernel, Outcome
from tests.support.feeding import ARN


class Throttled:
    """An engine that has no room for the first calls, and then takes them."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.events: list[dict[str, Any]] = []

    def invoke(self, row: dict[str, Any], payload: bytes, *rest: Any) -> tuple[Outcome, list[str]]:
        if self.refusals:
            self.refusals -= 1
            raise AwsError("TooManyRequestsException", "Rate Exceeded.", 429)
        self.events.append(json.loads(payload))
        return Outcome(b"null"), []


World = tuple[Kernel, Timekeeper, Throttled]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    kernel, _, timekeeper = bootstrap.build(bootstrap.Options(tmp_path, 5999))
    engine = kernel.engines["lambda"] = Throttled(refusals=2)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("h.py", "")
    function = {"FunctionName": "busy", "Runtime": "python3.13", "Handler": "h.handler"}
    role = "arn:aws:iam::123456789012:role/busy"
    kernel.calls("lambda", "CreateFunction", {**function, "Role": role, "Code": {"ZipFile": packed.getvalue()}})
    yield kernel, timekeeper, engine
    kernel.dispatcher.stop()


def _advance(world: World, seconds: float) -> None:
    kernel, timekeeper, _ = world
    assert timekeeper.advance(kernel.clock.now() + timedelta(seconds=seconds), 30).is_there


def test_a_throttled_batch_comes_back_after_its_visibility_timeout(world: World) -> None:
    kernel, _, engine = world
    create = {"QueueName": "throttled", "Attributes": {"VisibilityTimeout": "30"}}
    url = kernel.calls("sqs", "CreateQueue", create)["QueueUrl"]
    mapping = {"FunctionName": "busy", "EventSourceArn": ARN.format("sqs", "throttled")}
    kernel.calls("lambda", "CreateEventSourceMapping", mapping)
    kernel.calls("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "m"})

    _advance(world, 45)
    assert engine.events == []
    _advance(world, 25)

    (event,) = engine.events
    assert event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "3"
    problems = [entry["problem"] for entry in kernel.journal.entries("lambda.batch.failed")]
    assert problems == ["TooManyRequestsException: Rate Exceeded."] * 2


def test_a_throttled_batch_of_a_stream_is_tried_again_and_uses_up_no_retry(world: World) -> None:
    """Pauses of 1, 2, 4, 8 and 16 seconds: the sixth try is after 31."""
    kernel, _, engine = world
    engine.refusals = 5
    kernel.calls("kinesis", "CreateStream", {"StreamName": "throttled", "ShardCount": 1})
    mapping = {"FunctionName": "busy", "EventSourceArn": ARN.format("kinesis", "stream/throttled")}
    start = {"StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 0}
    kernel.calls("lambda", "CreateEventSourceMapping", {**mapping, **start})
    kernel.calls("kinesis", "PutRecord", {"StreamName": "throttled", "PartitionKey": "k", "Data": b"r"})

    _advance(world, 20)
    assert engine.events == []
    _advance(world, 25)

    (event,) = engine.events
    assert event["Records"][0]["kinesis"]["data"] == "cg=="
