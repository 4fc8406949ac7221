"""A mapping goes on where it was when the emulator comes up again on the same state."""

import io
import json
import socket
import zipfile
from pathlib import Path
from typing import Any

from emulator import bootstrap
from emulator.kernel.ports import Kernel
from tests.support.feeding import ARN
from tests.support.waiting import eventually

STREAM = ARN.format("kinesis", "stream/outliving")
DEAD = ARN.format("sqs", "outliving-dead")


def _emulator(state_dir: Path) -> Kernel:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return bootstrap.build(bootstrap.Options(state_dir, port))[0]


def _stop(kernel: Kernel) -> None:
    kernel.dispatcher.stop()
    pollers = kernel.engines["lambda.pollers"]
    eventually(lambda: not pollers.running())
    kernel.store.close()


def _map(kernel: Kernel) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("h.py", "def handler(event, context):\n    raise ValueError('never')\n")
    function = {"FunctionName": "never", "Runtime": "python3.13", "Handler": "h.handler"}
    role = "arn:aws:iam::123456789012:role/never"
    kernel.calls("lambda", "CreateFunction", {**function, "Role": role, "Code": {"ZipFile": packed.getvalue()}})
    mapping = {"FunctionName": "never", "EventSourceArn": STREAM, "StartingPosition": "TRIM_HORIZON"}
    given_up = {"MaximumRetryAttempts": 0, "DestinationConfig": {"OnFailure": {"Destination": DEAD}}}
    kernel.calls("lambda", "CreateEventSourceMapping", {**mapping, **given_up})


def _put(kernel: Kernel, *texts: str) -> None:
    records = [{"Data": text.encode(), "PartitionKey": "k"} for text in texts]
    kernel.calls("kinesis", "PutRecords", {"StreamName": "outliving", "Records": records})


def _given_up(kernel: Kernel) -> dict[str, Any]:
    url = kernel.calls("sqs", "GetQueueUrl", {"QueueName": "outliving-dead"})["QueueUrl"]
    (message,) = eventually(lambda: kernel.calls("sqs", "ReceiveMessage", {"QueueUrl": url}).get("Messages"))
    kernel.calls("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
    return dict(json.loads(message["Body"])["KinesisBatchInfo"])


def test_a_mapping_goes_on_where_it_was(tmp_path: Path) -> None:
    """moto's streams belong to this process, so they outlive the first emulator."""
    first = _emulator(tmp_path)
    first.calls("kinesis", "CreateStream", {"StreamName": "outliving", "ShardCount": 1})
    first.calls("sqs", "CreateQueue", {"QueueName": "outliving-dead"})
    _put(first, "a", "b", "c")
    _map(first)
    assert _given_up(first)["endSequenceNumber"] == "3"
    eventually(lambda: first.store.rows("lambda.stream_checkpoint")[0]["done"] == ["3"])
    _stop(first)

    second = _emulator(tmp_path)
    _put(second, "d")

    info = _given_up(second)
    _stop(second)
    assert (info["startSequenceNumber"], info["endSequenceNumber"]) == ("4", "4")
