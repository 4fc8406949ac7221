"""What becomes of a stream's batch when the function has answered: done, split, tried again, or discarded.

A failed batch blocks its lane of the shard, so that the order holds. An error of the function counts against
MaximumRetryAttempts; a split does not, nor does a call that never reached the function. Age is looked at before each
try. What is given up goes to the on-failure destination.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from emulator.semantics.lambda_ import partial_responses
from emulator.semantics.lambda_.stream_records import Record

AWS_NAME = "Lambda retries of stream batches: bisecting, retry quota, record age"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html (read 2026-11-23)"
)
DIFFERS = (
    "AWS names no pauses: the first retry waits 1 s, each further one twice as long, 60 s at most, halves of a split "
    "none; the retry quota goes on counting for what is left after a partial success; records that outlive the "
    "stream's retention are passed over without a word to the destination"
)

PAUSE_FIRST_S, PAUSE_MAX_S = 1.0, 60.0
EXHAUSTED, TOO_OLD = "RetryAttemptsExhausted", "RecordAgeExceeded"


@dataclass(frozen=True)
class Policy:
    """What a mapping says about failures. `retries_max` and `age_max_s` are None where they are without end."""

    retries_max: int | None = None
    age_max_s: float | None = None
    is_bisecting: bool = False
    reports_failures: bool = False


@dataclass(frozen=True)
class Batch:
    """Records that are tried together. `failures` count against the quota; `calls` are all that reached the function;
    `refusals` are the tries in a row that ended in a pause."""

    records: tuple[Record, ...]
    failures: int = 0
    calls: int = 0
    refusals: int = 0

    @property
    def sequences(self) -> list[str]:
        return [record.sequence for record in self.records]


@dataclass(frozen=True)
class Discarded:
    """What is given up, and AWS's word for why."""

    batch: Batch
    condition: str


@dataclass(frozen=True)
class Verdict:
    """`left` comes again, in this order, after `pause_s`; `done` records have been handled."""

    left: tuple[Batch, ...] = ()
    done: int = 0
    discarded: Discarded | None = None
    pause_s: float = 0


def aged(batch: Batch, policy: Policy, now: datetime) -> tuple[Batch | None, Discarded | None]:
    """What of a batch is young enough to be tried, and what is too old."""
    if policy.age_max_s is None:
        return batch, None
    born_after = now - timedelta(seconds=policy.age_max_s)
    old = tuple(record for record in batch.records if record.arrived_at < born_after)
    if not old:
        return batch, None
    young = tuple(record for record in batch.records if record.arrived_at >= born_after)
    kept = replace(batch, records=young) if young else None
    return kept, Discarded(replace(batch, records=old), TOO_OLD)


def unreached(batch: Batch) -> Verdict:
    """The function could not be called: throttled, or not there. Nothing counts but time."""
    again = replace(batch, refusals=batch.refusals + 1)
    return Verdict((again,), pause_s=_pause_s(again.refusals))


def answered(batch: Batch, payload: bytes, is_error: bool, policy: Policy) -> Verdict:
    """The function was called, and answered or failed."""
    called, count = replace(batch, calls=batch.calls + 1), len(batch.records)
    if is_error:
        return _failed(called, policy, 0)
    done = partial_responses.done_before_failure(batch.sequences, payload) if policy.reports_failures else count
    if done == count:
        return Verdict(done=count)
    left = replace(called, records=batch.records[done:])
    return _failed(left, policy, done)


def _failed(batch: Batch, policy: Policy, done: int) -> Verdict:
    """`batch` is what is left after `done` records. A split at the reported record has taken place by then."""
    if policy.is_bisecting and done:
        return _again(replace(batch, failures=batch.failures + (len(batch.records) == 1)), policy, done)
    if policy.is_bisecting and len(batch.records) > 1:
        middle = len(batch.records) // 2
        halves = (batch.records[:middle], batch.records[middle:])
        return Verdict(tuple(replace(batch, records=half, refusals=0) for half in halves), done)
    return _again(replace(batch, failures=batch.failures + 1), policy, done)


def _again(batch: Batch, policy: Policy, done: int) -> Verdict:
    if policy.retries_max is not None and batch.failures > policy.retries_max:
        return Verdict(done=done, discarded=Discarded(batch, EXHAUSTED))
    waiting = replace(batch, refusals=batch.refusals + 1)
    return Verdict((waiting,), done, pause_s=_pause_s(waiting.refusals))


def _pause_s(refusals: int) -> float:
    return min(PAUSE_FIRST_S * 2.0 ** min(refusals - 1, 10), PAUSE_MAX_S)
