"""A function that tells a queue what it was fed, and fails when it is told to."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Client = Callable[[str], Any]
ARN = "arn:aws:{}:us-east-1:123456789012:{}"
SOURCE = """
import base64, json, os
import boto3

sqs = boto3.client("sqs")

def text(record):
    if "body" in record:
        return record["body"]
    if "kinesis" in record:
        return base64.b64decode(record["kinesis"]["data"]).decode()
    return record["dynamodb"]["Keys"]["k"]["S"]

def number(record):
    return record.get("messageId") or (record.get("kinesis") or record["dynamodb"]).get(
        "sequenceNumber", record.get("dynamodb", {}).get("SequenceNumber"))

def handler(event, context):
    told = json.dumps({"texts": [text(r)[:200] for r in event["Records"]], "arn": context.invoked_function_arn,
                       "event": event if len(json.dumps(event)) < 100_000 else None})
    sqs.send_message(QueueUrl=os.environ["SINK"], MessageBody=told)
    bad = [r for r in event["Records"] if "poison" in text(r)]
    if bad and os.environ.get("PARTIAL"):
        return {"batchItemFailures": [{"itemIdentifier": number(r)} for r in bad]}
    if bad:
        raise ValueError("poison")
    return {"batchItemFailures": []}
"""


@dataclass(frozen=True)
class Fed:
    """The function's name, and the queue in which it tells what it was fed."""

    name: str
    sink_url: str
    client: Client

    def heard(self) -> list[dict[str, Any]]:
        """What was told since this was last asked."""
        found: list[dict[str, Any]] = []
        sqs = self.client("sqs")
        while messages := sqs.receive_message(QueueUrl=self.sink_url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.sink_url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def mapping(self, arn: str, **settings: Any) -> str:
        """Feed the function from a source; answers the mapping's id."""
        made = self.client("lambda").create_event_source_mapping(FunctionName=self.name, EventSourceArn=arn, **settings)
        return str(made["UUID"])


def fed(client: Client, name: str, **environment: str) -> Fed:
    """Make such a function."""
    role = "arn:aws:iam::123456789012:role/fed"
    sink = client("sqs").create_queue(QueueName=f"{name}-sink", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("h.py", SOURCE)
    client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="h.handler",
        Timeout=10,
        Code={"ZipFile": packed.getvalue()},
        Environment={"Variables": {"SINK": sink, **environment}},
    )
    return Fed(name, sink, client)


def queue(client: Client, name: str, **attributes: str) -> tuple[str, str]:
    """A queue's URL and ARN."""
    url = client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30", **attributes})["QueueUrl"]
    return url, ARN.format("sqs", name)


def stream(client: Client, name: str, shards: int = 1) -> str:
    """A Kinesis stream's ARN."""
    client("kinesis").create_stream(StreamName=name, ShardCount=shards)
    return ARN.format("kinesis", f"stream/{name}")
