"""The journal: what happened, in order, for ever."""

import json
import threading
from pathlib import Path

from emulator.kernel.journal import Journal
from tests.support.clocks import FakeClock


def test_entries_say_what_happened_to_whom_when_and_because_of_what(tmp_path: Path) -> None:
    clock = FakeClock()
    journal = Journal(tmp_path / "journal.jsonl", clock)
    journal.append("lambda.invoked", "fn", correlation="e-1", duration_ms=1.5)
    clock.advance(60)
    journal.append("events.put", "Object Created")

    first, second = journal.entries()

    assert first == {
        "sequence": 1,
        "at": "2026-01-01T00:00:00+00:00",
        "kind": "lambda.invoked",
        "subject": "fn",
        "correlation": "e-1",
        "duration_ms": 1.5,
    }
    assert (second["sequence"], second["at"], second["correlation"]) == (2, "2026-01-01T00:01:00+00:00", "")


def test_entries_are_found_by_the_start_of_their_kind(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", FakeClock())
    for kind in ("events.put", "events.delivered", "lambda.invoked"):
        journal.append(kind, "x")

    assert [entry["kind"] for entry in journal.entries("events.")] == ["events.put", "events.delivered"]


def test_a_fact_that_json_does_not_know_is_written_as_text(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", FakeClock())
    journal.append("k", "s", path=Path("/opt/ml"), text='a\n"ü"')

    (entry,) = journal.entries()

    assert (entry["path"], entry["text"]) == ("/opt/ml", 'a\n"ü"')


def test_every_append_is_on_disk_when_it_returns(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, FakeClock()).append("k", "s")

    assert json.loads(path.read_text("utf-8"))["subject"] == "s"


def test_a_line_that_a_killed_process_left_half_written_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    Journal(path, FakeClock()).append("k", "whole")
    path.write_bytes(path.read_bytes() + '{"kind": "k", "subject": "hä'.encode()[:-1])

    reopened = Journal(path, FakeClock())
    reopened.append("k", "next")

    assert [entry["subject"] for entry in reopened.entries()] == ["whole", "next"]


def test_reading_while_others_write_finds_only_whole_entries_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", FakeClock())

    def write() -> None:
        for _ in range(100):
            journal.append("k", "s", long="x" * 20_000)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        found = [entry["sequence"] for entry in journal.entries()]
        assert found == list(range(1, len(found) + 1))
    for thread in threads:
        thread.join()

    assert len(journal.entries()) == 200


def test_a_journal_that_has_grown_too_large_goes_on_in_a_new_file_and_keeps_the_one_before(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl", FakeClock(), limit_bytes=1000)
    for number in range(200):
        journal.append("k", str(number))

    kept = [int(entry["subject"]) for entry in journal.entries()]

    assert kept == list(range(kept[0], 200))
    assert len(kept) >= 9
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * 1200
