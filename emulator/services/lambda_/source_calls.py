"""Calling a mapping's function with a batch, and what is told of it: metrics, journal, the mapping's last result."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from emulator.kernel.ports import Kernel, Principal
from emulator.semantics.lambda_ import qualifiers
from emulator.services.lambda_ import records
from emulator.services.lambda_.engine import Caller, Engine
from emulator.services.lambda_.records import MAPPING, Target

ANSWER_SHOWN_BYTES = 2000


@dataclass(frozen=True)
class Answer:
    """What the function said; `error` is set when it failed."""

    request_id: str
    payload: bytes
    error: str | None
    version: str


def target(kernel: Kernel, mapping: dict[str, Any]) -> Target:
    """The version that the mapping's function, version or alias means now.

    Raises:
        AwsError: ResourceNotFoundException: it is not there.
    """
    return records.target(kernel, qualifiers.parse(mapping["FunctionArn"]))


def invoke(kernel: Kernel, mapping: dict[str, Any], event: dict[str, Any]) -> Answer:
    """Run the function with an event.

    Raises:
        AwsError: it was not reached: TooManyRequestsException, ResourceNotFoundException.
    """
    found, request_id = target(kernel, mapping), kernel.ids.uuid()
    caller = Caller(found.arn, "", found.qualifier)
    outcome, _ = Engine.of(kernel).invoke(found.row, json.dumps(event).encode(), request_id, caller)
    return Answer(request_id, outcome.payload, outcome.error, found.row.get("Version", "$LATEST"))


def principal(kernel: Kernel, mapping: dict[str, Any]) -> Principal:
    """The function's role: it is who reads the source and writes to the destination."""
    return Principal(target(kernel, mapping).row["Role"], kernel.account_id)


def count(kernel: Kernel, mapping: dict[str, Any], **events: int) -> None:
    """The metrics of a mapping that has asked for EventCount."""
    if "EventCount" in mapping.get("MetricsConfig", {}).get("Metrics", []):
        for name, number in events.items():
            kernel.measure("AWS/Lambda", name, {"EventSourceMappingUUID": mapping["UUID"]}, number, "Count")


def tell_failure(kernel: Kernel, mapping: dict[str, Any], problem: str, **facts: Any) -> None:
    """A batch that was not done, in the journal."""
    subject = mapping["FunctionArn"].split(":")[6]
    kernel.journal.append("lambda.batch.failed", subject, mapping=mapping["UUID"], problem=problem, **facts)


def shown(answer: Answer) -> dict[str, str]:
    """An answer as the journal has it."""
    text = answer.payload[:ANSWER_SHOWN_BYTES].decode("utf-8", "replace")
    return {"request_id": answer.request_id, "answer": text}


def note_result(kernel: Kernel, uuid: str, result: str) -> None:
    """LastProcessingResult of a stream's mapping, written when it changes."""
    with kernel.store.transaction():
        row = kernel.store.get(MAPPING, uuid)
        if row is not None and row.get("LastProcessingResult") != result:
            kernel.store.put(MAPPING, uuid, {**row, "LastProcessingResult": result})
