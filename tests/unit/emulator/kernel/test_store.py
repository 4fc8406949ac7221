"""The store: each mutation one transaction, so that what was said to be done is done, whatever happens next."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from emulator.kernel.store import Store

KIND = "test.thing"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    found = Store(tmp_path / "state.sqlite")
    yield found
    found.close()


def test_a_row_comes_back_as_a_copy_of_its_own(store: Store) -> None:
    store.put(KIND, "a", {"tags": ["x"], "none": None})

    found = store.get(KIND, "a")
    assert found is not None
    found["tags"].append("y")

    assert store.get(KIND, "a") == {"tags": ["x"], "none": None}


def test_what_was_never_put_or_was_deleted_is_none(store: Store) -> None:
    store.put(KIND, "a", {})
    store.delete(KIND, "a")
    store.delete(KIND, "a")

    assert store.get(KIND, "a") is None
    assert store.get("test.other", "a") is None


def test_rows_come_in_key_order_and_by_literal_prefix(store: Store) -> None:
    for key in ("b/2", "b/1", "a", "b%", "b_1"):
        store.put(KIND, key, {"key": key})
    store.put("test.other", "b/0", {"key": "other"})

    assert [row["key"] for row in store.rows(KIND)] == ["a", "b%", "b/1", "b/2", "b_1"]
    assert [row["key"] for row in store.rows(KIND, "b/")] == ["b/1", "b/2"]
    assert [row["key"] for row in store.rows(KIND, "b%")] == ["b%"]


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    ],
)
def test_an_aware_datetime_comes_back_as_it_was_however_deep(store: Store, at: datetime) -> None:
    store.put(KIND, "a", {"at": at, "deep": [{"at": at}]})

    found = store.get(KIND, "a")

    assert found == {"at": at, "deep": [{"at": at}]}
    assert found["at"].utcoffset() == at.utcoffset()


def test_what_a_row_cannot_hold_is_refused_by_name_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(TypeError, match="a row cannot hold bytes"):
        store.put(KIND, "a", {"body": b"x"})

    assert store.get(KIND, "a") is None


def test_a_transaction_that_fails_leaves_no_trace_and_the_store_usable(store: Store) -> None:
    store.put(KIND, "kept", {"n": 1})

    def fail() -> None:
        with store.transaction():
            store.put(KIND, "kept", {"n": 2})
            store.put(KIND, "new", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert store.rows(KIND) == [{"n": 1}]
    store.put(KIND, "later", {"n": 3})
    assert store.rows(KIND) == [{"n": 1}, {"n": 3}]


def test_an_inner_transaction_lasts_only_with_the_outermost(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            with store.transaction():
                store.put(KIND, "inner", {})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()

    assert store.rows(KIND) == []


def test_an_inner_transaction_that_fails_is_undone_alone(store: Store) -> None:
    def fail() -> None:
        with store.transaction():
            store.put(KIND, "inner", {})
            raise RuntimeError

    with store.transaction():
        store.put(KIND, "before", {"n": 1})
        with pytest.raises(RuntimeError):
            fail()
        store.put(KIND, "after", {"n": 2})

    assert store.rows(KIND) == [{"n": 2}, {"n": 1}]


def test_read_and_write_in_a_transaction_lose_no_update_of_another_thread(store: Store) -> None:
    store.put(KIND, "count", {"n": 0})

    def count() -> None:
        for _ in range(50):
            with store.transaction():
                row = store.get(KIND, "count")
                assert row is not None
                store.put(KIND, "count", {"n": row["n"] + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.get(KIND, "count") == {"n": 200}


def test_a_process_killed_in_a_transaction_leaves_what_was_committed_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    script = (
        "import os, signal, sys; from pathlib import Path; from emulator.kernel.store import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "store.put('test.thing', 'done', {'n': 1})\n"
        "with store.transaction():\n"
        "    store.put('test.thing', 'done', {'n': 2})\n"
        "    store.put('test.thing', 'half', {})\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    code = subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode
    reopened = Store(path)

    assert code == -signal.SIGKILL
    assert reopened.rows(KIND) == [{"n": 1}]
    reopened.put(KIND, "next", {"n": 2})
    assert len(reopened.rows(KIND)) == 2
    reopened.close()
