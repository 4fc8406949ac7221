"""Records of Kinesis and DynamoDB streams as a function sees them."""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from emulator.semantics.lambda_ import payloads

AWS_NAME = "Lambda events of Kinesis and DynamoDB streams"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (read 2026-11-23)"
)


@dataclass(frozen=True)
class Source:
    """Where records come from: the mapping's source ARN, the function's role, the shard."""

    arn: str
    role_arn: str
    shard_id: str


@dataclass(frozen=True)
class Record:
    """One record: its place in the shard, when it came, and what the function sees of it."""

    sequence: str
    arrived_at: datetime
    key: str
    event: dict[str, Any] = field(repr=False)

    @property
    def place(self) -> int:
        """Sequence numbers are compared as numbers."""
        return int(self.sequence)

    @cached_property
    def size_bytes(self) -> int:
        return payloads.size_bytes(self.event)


def kinesis(source: Source, found: dict[str, Any]) -> Record:
    """A record of GetRecords of Kinesis."""
    sequence, arrived_at = found["SequenceNumber"], found["ApproximateArrivalTimestamp"]
    event = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": found["PartitionKey"],
            "sequenceNumber": sequence,
            "data": base64.b64encode(found["Data"]).decode(),
            "approximateArrivalTimestamp": round(arrived_at.timestamp(), 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{source.shard_id}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": source.role_arn,
        "awsRegion": source.arn.split(":")[3],
        "eventSourceARN": source.arn,
    }
    return Record(sequence, arrived_at, found["PartitionKey"], event)


_CHANGE = ("Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType")


def dynamodb(source: Source, found: dict[str, Any]) -> Record:
    """A record of GetRecords of DynamoDB Streams. Binary attributes are base64, as in JSON."""
    change = found["dynamodb"]
    arrived_at = change["ApproximateCreationDateTime"]
    seen = {name: _plain(change[name]) for name in _CHANGE if name in change}
    event = {
        "eventID": found["eventID"],
        "eventName": found["eventName"],
        "eventVersion": found["eventVersion"],
        "eventSource": "aws:dynamodb",
        "awsRegion": source.arn.split(":")[3],
        "dynamodb": {"ApproximateCreationDateTime": math.floor(arrived_at.timestamp()), **seen},
        "eventSourceARN": source.arn,
    }
    if "userIdentity" in found:  # deleted by DynamoDB, since its time to live was over
        who = found["userIdentity"]
        event["userIdentity"] = {"type": who["Type"], "principalId": who["PrincipalId"]}
    return Record(change["SequenceNumber"], arrived_at, repr(sorted(change["Keys"].items())), event)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
