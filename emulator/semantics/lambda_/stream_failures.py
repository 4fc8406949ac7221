"""What a stream's on-failure destination is told of a batch that was given up, and where on S3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.semantics.lambda_.stream_records import Record
from emulator.semantics.lambda_.stream_retries import Discarded

AWS_NAME = "Lambda on-failure destinations of streams"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping-on-failure.html"
    " (read 2026-11-23)"
)
DIFFERS = "records that were never tried because they are too old have no responseContext; AWS shows no such example"

_INFO = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


@dataclass(frozen=True)
class Attempt:
    """The last call of the function for a batch; `version` is empty when there was none."""

    request_id: str
    function_arn: str
    version: str = ""
    error: str | None = None


def document(discarded: Discarded, attempt: Attempt, where: tuple[str, str], now: datetime) -> dict[str, Any]:
    """The invocation record; `where` is the stream's ARN and the shard."""
    stream_arn, shard_id = where
    batch, kind = discarded.batch, stream_arn.split(":")[2]
    answer = {"responseContext": _answer(attempt)} if attempt.version else {}
    return {
        "requestContext": {
            "requestId": attempt.request_id,
            "functionArn": attempt.function_arn,
            "condition": discarded.condition,
            "approximateInvokeCount": batch.calls,
        },
        **answer,
        "version": "1.0",
        "timestamp": _text(now),
        _INFO[kind]: {"shardId": shard_id, **_extent(batch.records, kind), "streamArn": stream_arn},
    }


def object_key(mapping_uuid: str, shard_id: str, at: datetime, unique: str) -> str:
    """The key of an invocation record in a bucket."""
    return f"aws/lambda/{mapping_uuid}/{shard_id}/{at:%Y/%m/%d}/{at:%Y-%m-%dT%H.%M.%S}-{unique}"


def _answer(attempt: Attempt) -> Mapping[str, Any]:
    known = {"statusCode": 200, "executedVersion": attempt.version}
    return {**known, "functionError": attempt.error} if attempt.error else known


def _extent(records: tuple[Record, ...], kind: str) -> dict[str, Any]:
    first, last = records[0], records[-1]
    text = _text if kind == "kinesis" else _text_s
    return {
        "startSequenceNumber": first.sequence,
        "endSequenceNumber": last.sequence,
        "approximateArrivalOfFirstRecord": text(first.arrived_at),
        "approximateArrivalOfLastRecord": text(last.arrived_at),
        "batchSize": len(records),
    }


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text_s(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
