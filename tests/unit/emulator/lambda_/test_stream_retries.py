"""What becomes of a batch. Reasoned from kinesis-on-failure-destination.html of the Lambda guide."""

import json

import pytest

from emulator.semantics.lambda_ import stream_retries
from emulator.semantics.lambda_.stream_retries import EXHAUSTED, TOO_OLD, Batch, Policy, Verdict
from tests.unit.emulator.lambda_.streams import NOW, record, records


def _failures(*sequences: object) -> bytes:
    return json.dumps({"batchItemFailures": [{"itemIdentifier": one} for one in sequences]}).encode()


def _numbers(verdict: Verdict) -> list[list[str]]:
    return [batch.sequences for batch in verdict.left]


def test_a_batch_that_succeeded_is_done() -> None:
    assert stream_retries.answered(Batch(records(3)), b"null", False, Policy()) == Verdict(done=3)


def test_a_failed_batch_comes_again_whole_ever_later() -> None:
    batch, pauses = Batch(records(2)), []
    for _ in range(8):
        verdict = stream_retries.answered(batch, b"", True, Policy())
        (batch,) = verdict.left
        pauses.append(verdict.pause_s)

    assert (batch.sequences, batch.failures, batch.calls) == (["1", "2"], 8, 8)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_the_quota_counts_retries_and_not_the_first_try() -> None:
    policy = Policy(retries_max=2)
    batch = Batch(records(2))
    for _ in range(2):
        (batch,) = stream_retries.answered(batch, b"", True, policy).left

    verdict = stream_retries.answered(batch, b"", True, policy)

    assert verdict.left == ()
    assert verdict.discarded is not None
    assert (verdict.discarded.condition, verdict.discarded.batch.calls) == (EXHAUSTED, 3)


def test_a_split_uses_up_no_retry_and_waits_for_nothing() -> None:
    verdict = stream_retries.answered(Batch(records(5)), b"", True, Policy(retries_max=0, is_bisecting=True))

    assert _numbers(verdict) == [["1", "2"], ["3", "4", "5"]]
    assert (verdict.discarded, verdict.pause_s) == (None, 0)


def test_a_single_record_cannot_be_split() -> None:
    verdict = stream_retries.answered(Batch(records(1)), b"", True, Policy(retries_max=0, is_bisecting=True))

    assert verdict.discarded is not None


@pytest.mark.parametrize("is_bisecting", [False, True])
def test_the_lowest_reported_record_is_the_checkpoint(is_bisecting: bool) -> None:
    policy = Policy(is_bisecting=is_bisecting, reports_failures=True)

    verdict = stream_retries.answered(Batch(records(4)), _failures("4", "3"), False, policy)

    assert (verdict.done, _numbers(verdict)) == (2, [["3", "4"]])


@pytest.mark.parametrize(
    ("payload", "done"),
    [
        (_failures(), 3),
        (b"", 3),
        (b"null", 3),
        (b'{"batchItemFailures": null}', 3),
        (b"{}", 3),
        (_failures("2"), 1),
        (_failures(""), 0),
        (_failures(None), 0),
        (_failures("99"), 0),
        (_failures("3", "99"), 0),
        (b'{"batchItemFailures": [{"id": "2"}]}', 0),
        (b'{"batchItemFailures": ["2"]}', 0),
        (b'{"batchItemFailures": "2"}', 0),
    ],
)
def test_an_answer_says_how_much_is_done(payload: bytes, done: int) -> None:
    verdict = stream_retries.answered(Batch(records(3)), payload, False, Policy(reports_failures=True))

    assert verdict.done == done


def test_reports_count_for_nothing_where_they_were_not_asked_for() -> None:
    assert stream_retries.answered(Batch(records(3)), _failures("1"), False, Policy()).done == 3


def test_a_call_that_never_reached_the_function_uses_up_no_retry() -> None:
    (batch,) = stream_retries.unreached(Batch(records(2))).left

    assert (batch.failures, batch.calls) == (0, 0)
    assert stream_retries.unreached(batch).pause_s == 2


def test_only_what_is_too_old_is_given_up() -> None:
    batch = Batch((record(1, age_s=61), record(2, age_s=60), record(3)))

    young, old = stream_retries.aged(batch, Policy(age_max_s=60), NOW)

    assert young is not None
    assert old is not None
    assert (young.sequences, old.batch.sequences, old.condition) == (["2", "3"], ["1"], TOO_OLD)
