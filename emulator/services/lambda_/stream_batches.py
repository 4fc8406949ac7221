"""Trying one batch of a stream: call the function, decide, and tell the destination of what is given up."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.lambda_ import source_settings, stream_failures, stream_retries
from emulator.semantics.lambda_.stream_failures import Attempt
from emulator.semantics.lambda_.stream_retries import Batch, Discarded, Policy, Verdict
from emulator.services.lambda_ import source_calls
from emulator.services.lambda_.source_calls import Answer

OK, PROBLEM = "OK", "PROBLEM: Function call failed"


@dataclass(frozen=True)
class StreamBatch:
    """The batches of one shard for one mapping."""

    kernel: Kernel
    mapping: dict[str, Any]
    shard_id: str

    def tried(self, batch: Batch, retention_s: float) -> Verdict:
        """Try what is young enough, once."""
        now = self.kernel.clock.now()
        there, gone = stream_retries.aged(batch, Policy(age_max_s=retention_s), now)
        if gone:
            self._tell(gone.batch, "the records have left the stream")
        young, old = stream_retries.aged(there, _policy(self.mapping), now) if there else (None, None)
        if old:
            self._give_up(old, Attempt(self.kernel.ids.uuid(), self.mapping["FunctionArn"]))
        if young is None:
            return Verdict(done=len(batch.records))
        verdict = self._called(young)
        return replace(verdict, done=verdict.done + len(batch.records) - len(young.records))

    def _called(self, batch: Batch) -> Verdict:
        event = {"Records": [record.event for record in batch.records]}
        source_calls.count(self.kernel, self.mapping, InvokedEventCount=len(batch.records))
        try:
            answer = source_calls.invoke(self.kernel, self.mapping, event)
        except AwsError as error:
            self._tell(batch, str(error))
            self._note(batch, len(batch.records))
            return stream_retries.unreached(batch)
        verdict = stream_retries.answered(batch, answer.payload, bool(answer.error), _policy(self.mapping))
        failed = len(batch.records) - verdict.done
        self._measure_age(batch)
        self._note(batch, failed)
        if failed:
            self._tell(batch, answer.error or f"{failed} of {len(batch.records)} records failed", answer)
        if verdict.discarded:
            self._give_up(verdict.discarded, self._attempt(answer))
        return verdict

    def _attempt(self, answer: Answer) -> Attempt:
        error = "Unhandled" if answer.error else None
        return Attempt(answer.request_id, self.mapping["FunctionArn"], answer.version, error)

    def _measure_age(self, batch: Batch) -> None:
        """How old the last record was when the function was done with it."""
        age_s = (self.kernel.clock.now() - batch.records[-1].arrived_at).total_seconds()
        name = {"FunctionName": self.mapping["FunctionArn"].split(":")[6]}
        self.kernel.measure("AWS/Lambda", "IteratorAge", name, max(age_s, 0) * 1000, "Milliseconds")

    def _note(self, batch: Batch, failed: int) -> None:
        source_calls.note_result(self.kernel, self.mapping["UUID"], PROBLEM if failed else OK)
        source_calls.count(self.kernel, self.mapping, FailedInvokeEventCount=failed)

    def _tell(self, batch: Batch, problem: str, answer: Answer | None = None) -> None:
        facts = source_calls.shown(answer) if answer else {}
        extent = {"shard": self.shard_id, "first": batch.records[0].sequence, "last": batch.records[-1].sequence}
        source_calls.tell_failure(self.kernel, self.mapping, problem, **extent, **facts)

    def _give_up(self, discarded: Discarded, attempt: Attempt) -> None:
        """Records that are discarded are told of, in the journal and at the destination; they never stop the shard."""
        batch = discarded.batch
        self._tell(batch, f"discarded: {discarded.condition}")
        destination = self.mapping["DestinationConfig"].get("OnFailure", {}).get("Destination")
        if destination is None or not self._delivered(destination, discarded, attempt):
            source_calls.count(self.kernel, self.mapping, DroppedEventCount=len(batch.records))

    def _delivered(self, destination: str, discarded: Discarded, attempt: Attempt) -> bool:
        arn = self.mapping["EventSourceArn"]
        document = stream_failures.document(discarded, attempt, (arn, self.shard_id), self.kernel.clock.now())
        try:
            self._send(destination, document, discarded.batch)
        except AwsError as error:
            self._tell(discarded.batch, f"{destination}: {error}")
            name = {"FunctionName": self.mapping["FunctionArn"].split(":")[6]}
            self.kernel.measure("AWS/Lambda", "DestinationDeliveryFailures", name, 1, "Count")
            return False
        delivered = len(discarded.batch.records)
        source_calls.count(self.kernel, self.mapping, OnFailureDestinationDeliveredEventCount=delivered)
        return True

    def _send(self, destination: str, document: dict[str, Any], batch: Batch) -> None:
        """An S3 object holds the records as well; messages hold where they were."""
        role, text = source_calls.principal(self.kernel, self.mapping), json.dumps(document)
        match destination.split(":")[2]:
            case "sqs":
                url = self.kernel.calls("sqs", "GetQueueUrl", {"QueueName": destination.rsplit(":", 1)[1]}, role)
                self.kernel.calls("sqs", "SendMessage", {"QueueUrl": url["QueueUrl"], "MessageBody": text}, role)
            case "sns":
                self.kernel.calls("sns", "Publish", {"TopicArn": destination, "Message": text}, role)
            case _:
                self._put(destination.rsplit(":", 1)[1], document, batch)

    def _put(self, bucket: str, document: dict[str, Any], batch: Batch) -> None:
        now, unique = self.kernel.clock.now(), self.kernel.ids.uuid()
        key = stream_failures.object_key(self.mapping["UUID"], self.shard_id, now, unique)
        payload = json.dumps({"Records": [record.event for record in batch.records]})
        body = json.dumps({**document, "payload": payload}).encode()
        role = source_calls.principal(self.kernel, self.mapping)
        self.kernel.calls("s3", "PutObject", {"Bucket": bucket, "Key": key, "Body": body}, role)


def _policy(mapping: dict[str, Any]) -> Policy:
    retries_max, age_max_s = mapping["MaximumRetryAttempts"], mapping["MaximumRecordAgeInSeconds"]
    return Policy(
        None if retries_max < 0 else retries_max,
        None if age_max_s < 0 else age_max_s,
        mapping["BisectBatchOnFunctionError"],
        source_settings.PARTIAL in mapping["FunctionResponseTypes"],
    )
