"""Eight producers, a queue and a stream, a function that fails at random: nothing is lost, and order is kept."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.apart import Emulator
from tests.support.feeding import Fed, queue, stream

Client = Callable[[str], Any]
PRODUCERS, EACH = 8, 60
SOURCE = """
import base64, json, os, random
import boto3

sqs = boto3.client("sqs")

def handler(event, context):
    if random.random() < 0.2:
        raise RuntimeError("at random")
    texts = [r["body"] if "body" in r else base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    sqs.send_message(QueueUrl=os.environ["SINK"], MessageBody=json.dumps({"texts": texts}))
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """With a clock of its own, since tests here move it."""
    made = Emulator(tmp_path_factory.mktemp("apart") / "state")
    yield made
    made.kill()


@pytest.fixture(scope="module")
def client(apart: Emulator) -> Client:
    return apart.client


@pytest.fixture
def function(client: Client, request: pytest.FixtureRequest) -> Fed:
    """A function of its own that fails one time in five, and tells what it has handled when it does not."""
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[5:60]
    sink = client("sqs").create_queue(QueueName=f"{name}-sink", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("h.py", SOURCE)
    client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role="arn:aws:iam::123456789012:role/fed",
        Handler="h.handler",
        Timeout=10,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"SINK": sink}},
    )
    return Fed(name, sink, client)


def _produce(send: Callable[[int, int], Any]) -> None:
    def produce(producer: int) -> None:
        for number in range(EACH):
            send(producer, number)

    threads = [threading.Thread(target=produce, args=(producer,)) for producer in range(PRODUCERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _handled(apart: Emulator, function: Fed, count: int) -> list[str]:
    """What was handled, while time goes on so that what failed comes back."""
    found: list[str] = []
    for _ in range(60):
        apart.advance(10)
        found += [text for told in function.heard() for text in told["texts"]]
        if len(set(found)) >= count:
            return found
    raise AssertionError(f"{len(set(found))} of {count} were handled")


EVERYTHING = {f"{producer}-{number}" for producer in range(PRODUCERS) for number in range(EACH)}


def test_a_queue_loses_nothing(client: Client, apart: Emulator, function: Fed) -> None:
    url, arn = queue(client, "loaded-queue", VisibilityTimeout="10")
    function.mapping(arn, BatchSize=10)
    sqs = client("sqs")

    _produce(lambda producer, number: sqs.send_message(QueueUrl=url, MessageBody=f"{producer}-{number}"))

    handled = _handled(apart, function, len(EVERYTHING))
    assert sorted(handled) == sorted(EVERYTHING)
    assert sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["QueueArn"] == arn


@pytest.mark.parametrize("settings", [{}, {"ParallelizationFactor": 3, "BisectBatchOnFunctionError": True}])
def test_a_stream_loses_nothing_and_keeps_its_order(
    client: Client, apart: Emulator, function: Fed, settings: dict[str, Any]
) -> None:
    name = f"loaded-stream-{len(settings)}"
    arn = stream(client, name, shards=3)
    function.mapping(arn, StartingPosition="TRIM_HORIZON", BatchSize=20, **settings)
    kinesis = client("kinesis")

    _produce(
        lambda producer, number: kinesis.put_record(
            StreamName=name, PartitionKey=str(producer), Data=f"{producer}-{number}".encode()
        )
    )

    handled = _handled(apart, function, len(EVERYTHING))
    assert sorted(handled) == sorted(EVERYTHING)
    for producer in range(PRODUCERS):
        own = [text for text in handled if text.startswith(f"{producer}-")]
        assert own == [f"{producer}-{number}" for number in range(EACH)]
