"""Whose turn it is: further attempts, files, and a wanted retraining."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lambdas.shared.events import render_time
from lambdas.shared.ledger.files import DataFile
from lambdas.shared.ledger.runs import Batch, Fresh, Rerun, Wanted
from lambdas.start_training.decision import Waiting, next_batch

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FRESH = Fresh("s3://a/data.csv", 0.5, "none", "2026-03-01T00:00:00.000000Z", "1-x")


def _file(minute: int, *, is_held: bool = False) -> DataFile:
    arrived_at = render_time(NOON.replace(minute=minute))
    return DataFile(f"{minute}.csv", "v", f"e{minute}", 10, arrived_at, is_held=is_held)


def _wanted(minute: int) -> Wanted:
    return Wanted("w1", FRESH, "drift", render_time(NOON.replace(minute=minute)))


def _next(waiting: Waiting, min_files: int = 1) -> Batch:
    batch = next_batch(waiting, min_files, NOON)
    assert batch is not None
    return batch


def test_a_wanted_retraining_runs_without_files() -> None:
    batch = _next(Waiting(wanted=[_wanted(5)]))

    assert (batch.id, batch.attempt, batch.files, batch.fresh) == ("w1", 1, (), FRESH)


def test_between_files_and_a_retraining_goes_whichever_waited_longer() -> None:
    assert _next(Waiting([_file(5)], wanted=[_wanted(6)])).fresh is None
    assert _next(Waiting([_file(6), _file(7)], wanted=[_wanted(5)])).fresh == FRESH


def test_files_that_may_not_run_yet_hold_up_no_retraining() -> None:
    assert _next(Waiting([_file(1)], wanted=[_wanted(6)]), min_files=2).fresh == FRESH
    assert _next(Waiting([_file(1, is_held=True)], wanted=[_wanted(6)])).fresh == FRESH


def test_files_that_are_held_lend_the_others_no_age() -> None:
    assert _next(Waiting([_file(1, is_held=True), _file(8)], wanted=[_wanted(6)])).fresh == FRESH


def test_a_further_attempt_of_a_retraining_goes_first_and_is_made_from_the_same() -> None:
    first = Batch("w1", 1, (), "", fresh=FRESH)

    batch = _next(Waiting([_file(1)], [(Rerun("w1", 2, "rejected", ""), first)]))

    assert (batch.id, batch.attempt, batch.fresh) == ("w1", 2, FRESH)


@given(st.integers(0, 20), st.lists(st.integers(0, 59), min_size=1, max_size=40))
def test_however_files_keep_coming_a_retraining_waits_for_one_run_at_most(wanted_at: int, minutes: list[int]) -> None:
    """Each run takes all files there are, so those that came before it go at once and the rest come after it."""
    files, runs = [], []
    for minute in sorted(minutes):
        files.append(_file(minute))
        batch = _next(Waiting(files, wanted=[_wanted(wanted_at)]))
        runs.append(batch)
        if batch.fresh:
            break
        files = [file for file in files if file not in batch.files]

    served_late = [run for run in runs if not run.fresh and run.files[0].arrived_at > _wanted(wanted_at).wanted_at]
    assert served_late == []
