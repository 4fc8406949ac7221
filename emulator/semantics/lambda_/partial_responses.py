"""A stream batch's answer: from which record on it has to be tried again.

With ReportBatchItemFailures the lowest sequence number that the function names is the checkpoint: what stands before it
is done, what stands from there on comes again. A name that is none of the batch's makes all of it come again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

AWS_NAME = "Lambda partial batch responses of streams"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html (read 2026-11-23)"
)
DIFFERS = "an answer that is no JSON object counts as success, as for queues; AWS says so of an empty answer only"


def done_before_failure(sequences: Sequence[str], payload: bytes) -> int:
    """How many of the first records are done: all of them when the function names no failure."""
    try:
        answer = json.loads(payload or b"null")
    except ValueError:
        return len(sequences)
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return len(sequences)
    if not isinstance(failures, list):
        return 0
    places = [_place(sequences, failure) for failure in failures]
    return 0 if None in places else min(place for place in places if place is not None)


def _place(sequences: Sequence[str], failure: object) -> int | None:
    named = failure.get("itemIdentifier") if isinstance(failure, dict) else None
    return sequences.index(named) if isinstance(named, str) and named in sequences else None
