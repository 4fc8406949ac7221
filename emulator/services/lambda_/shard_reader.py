"""Reading one shard: records through the API of its stream, as the function's role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulator.kernel.ports import Kernel
from emulator.semantics.lambda_ import stream_records
from emulator.semantics.lambda_.stream_records import Record, Source
from emulator.semantics.lambda_.streams import Shard
from emulator.services.lambda_ import source_calls, sources

LIMITS = {"kinesis": 10_000, "dynamodb": 1000}
"""The most that GetRecords gives. SOURCE: the API references of Kinesis and DynamoDB Streams (read 2026-11-23)."""


@dataclass(frozen=True)
class ShardReader:
    """Gives the records of a shard after a sequence number."""

    kernel: Kernel
    mapping: dict[str, Any]
    shard: Shard

    def after(self, sequence: str, wanted: int) -> tuple[str, list[Record]]:
        """Some records, and how far the shard was read with them: to its end when there are none.

        Raises:
            AwsError: the stream cannot be read.
        """
        arn = sources.stream_arn(self.mapping["EventSourceArn"])
        service = arn.split(":")[2]
        limit = min(wanted, LIMITS[service])
        role = source_calls.target(self.kernel, self.mapping).row["Role"]
        read = self._kinesis if service == "kinesis" else self._dynamodb
        found = read(arn, sequence, limit)
        render = stream_records.kinesis if service == "kinesis" else stream_records.dynamodb
        source = Source(self.mapping["EventSourceArn"], role, self.shard.shard_id)
        records = [render(source, one) for one in found]
        return records[-1].sequence if records else self.shard.last, records

    def _kinesis(self, arn: str, sequence: str, limit: int) -> list[dict[str, Any]]:
        where = {"StreamARN": arn, "ShardId": self.shard.shard_id, **_position(sequence, "StartingSequenceNumber")}
        iterator = self._call("kinesis", "GetShardIterator", where)["ShardIterator"]
        call = {"StreamARN": arn, "ShardIterator": iterator, "Limit": limit}
        return list(self._call("kinesis", "GetRecords", call)["Records"])

    def _dynamodb(self, arn: str, sequence: str, limit: int) -> list[dict[str, Any]]:
        where = {"StreamArn": arn, "ShardId": self.shard.shard_id, **_position(sequence, "SequenceNumber")}
        iterator = self._call("dynamodbstreams", "GetShardIterator", where)["ShardIterator"]
        call = {"ShardIterator": iterator, "Limit": limit}
        return list(self._call("dynamodbstreams", "GetRecords", call)["Records"])

    def _call(self, service: str, operation: str, params: dict[str, Any]) -> dict[str, Any]:
        return self.kernel.calls(service, operation, params, source_calls.principal(self.kernel, self.mapping))


def _position(sequence: str, name: str) -> dict[str, str]:
    if not sequence:
        return {"ShardIteratorType": "TRIM_HORIZON"}
    return {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", name: sequence}
