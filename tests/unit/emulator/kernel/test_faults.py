"""Faults are ordered by kind and target, strike so many times, and leave a word in the journal."""

from pathlib import Path

import pytest

from emulator.kernel.clock import KernelClock
from emulator.kernel.faults import Fault, Faults, NothingToStrike, UnknownKind
from emulator.kernel.ids import Ids
from emulator.kernel.journal import Journal


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl", KernelClock())


@pytest.fixture
def faults(journal: Journal) -> Faults:
    return Faults(("leak", "flood"), Ids(), journal)


def test_a_fault_strikes_its_target_so_many_times_and_says_so(faults: Faults, journal: Journal) -> None:
    faults.order("leak", "roof-*", 2)

    struck = [faults.strikes("leak", target) for target in ("cellar", "roof-a", "roof-b", "roof-c")]

    assert struck == [False, True, True, False]
    assert [entry["subject"] for entry in journal.entries("fault.struck")] == ["roof-a", "roof-b"]
    assert faults.all() == ()


def test_a_fault_without_a_number_strikes_until_it_is_cleared(faults: Faults) -> None:
    faults.order("flood", "*", None)

    assert all(faults.strikes("flood", "cellar") for _ in range(5))
    assert faults.clear() == 1
    assert not faults.strikes("flood", "cellar")


def test_another_kind_is_not_struck_and_an_older_fault_strikes_first(faults: Faults) -> None:
    faults.order("leak", "*", 1)
    faults.order("leak", "roof", 1)

    assert not faults.strikes("flood", "roof")
    assert faults.strikes("leak", "roof")
    assert [fault.target for fault in faults.all()] == ["roof"]


def test_an_unknown_kind_is_refused_with_those_that_there_are(faults: Faults, journal: Journal) -> None:
    with pytest.raises(UnknownKind, match="kind 'fire' is unknown; there are leak, flood"):
        faults.order("fire", "roof")

    assert journal.entries("fault") == []


@pytest.mark.parametrize(("target", "times"), [("", 1), ("roof", 0), ("roof", -1)])
def test_a_fault_without_a_target_or_a_time_is_refused(faults: Faults, target: str, times: int) -> None:
    with pytest.raises(ValueError, match="expected a target and at least one time"):
        faults.order("leak", target, times)


def test_a_kind_that_acts_strikes_as_soon_as_it_is_ordered(faults: Faults, journal: Journal) -> None:
    houses = ["house-1", "house-2"]

    def flood(fault: Fault) -> list[str]:
        return [house for house in houses if fault.strikes("flood", house)]

    faults.act_on("flood", flood)

    assert faults.order("flood", "house-*").left == 0
    assert [entry["subject"] for entry in journal.entries("fault.struck")] == houses
    assert faults.all() == ()


def test_a_kind_that_acts_and_finds_nothing_is_refused_and_leaves_no_word(faults: Faults, journal: Journal) -> None:
    faults.act_on("flood", lambda fault: [])

    with pytest.raises(NothingToStrike, match="nothing there that is called 'tent'"):
        faults.order("flood", "tent")

    assert journal.entries("fault") == []
