"""The step Validate, as its container runs it: real flights, and everything that can be wrong with a file."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import contracts, datasets
from tests.support.batches import Store, validate, validate_entries

GOOD = "raw/flights/good.csv"
BAD = "raw/flights/bad.csv"


@pytest.fixture(scope="module")
def january() -> bytes:
    return datasets.head(datasets.flights(1), 1500)


def changed(cells: dict[tuple[int, str], str]) -> Callable[[bytes], bytes]:
    return lambda content: datasets.edited(content, cells)


def line_changed(row: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def edit(content: bytes) -> bytes:
        lines = content.split(b"\n")
        lines[row] = change(lines[row])
        return b"\n".join(lines)

    return edit


CELLS_OUT_OF_ORDER: dict[str, tuple[Callable[[bytes], bytes], tuple[str | None, str, list[int]]]] = {
    "missing column": (lambda content: datasets.without(content, ["carrier"]), ("carrier", "missing", [])),
    "text in an integer": (changed({(3, "day"): "Monday", (9, "day"): "x"}), ("day", "not an integer", [3, 9])),
    "fraction in an integer": (changed({(1, "hour"): "5.5"}), ("hour", "not an integer", [1])),
    "infinity in a number": (changed({(2, "distance"): "inf"}), ("distance", "not a number", [2])),
    "no date": (changed({(4, "time_hour"): "31/01/2013"}), ("time_hour", "not a datetime", [4])),
    "below the range": (changed({(5, "month"): "0"}), ("month", "below 1", [5])),
    "above the range": (changed({(6, "minute"): "60"}), ("minute", "above 59", [6])),
    "value not allowed": (changed({(7, "origin"): "SFO"}), ("origin", "not an allowed value", [7])),
    "text too long": (changed({(8, "carrier"): "UAL"}), ("carrier", "longer than 2 characters", [8])),
    "null": (changed({(10, "dest"): "", (11, "dest"): "NA"}), ("dest", "null, but not nullable", [10, 11])),
    "column twice": (
        lambda content: content.replace(b"sched_dep_time", b"day", 1),
        ("day", "more than one column of this name", []),
    ),
    "a field too many": (line_changed(12, lambda line: line + b",1"), (None, "20 fields, expected 19", [12])),
    "a line cut off": (line_changed(13, lambda line: line[:20]), (None, "7 fields, expected 19", [13])),
}

NO_TABLE: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda content: b"", "the file is empty"),
    "white space": (lambda content: b"\n \n", "the file is empty"),
    "header only": (lambda content: content.split(b"\n")[0] + b"\n", "the file has a header but no rows"),
    "no header": (lambda content: content.split(b"\n", 1)[1], "no column of the contract is in the header"),
    "HTML": (lambda content: b"<!doctype html><html><body>503</body></html>", "not CSV: the file is HTML or XML"),
    "JSON": (lambda content: b'{"month": 1}\n{"month": 2}\n', "not CSV: the file is JSON"),
    "gzip": (gzip.compress, "not CSV: the file is gzip"),
    "Parquet": (lambda content: b"PAR1\x15\x04" + bytes(64), "not CSV: the file is Parquet"),
    "workbook": (
        lambda content: b"PK\x03\x04" + bytes(64),
        "not CSV: the file is a zip archive (or an Excel workbook)",
    ),
    "binary": (lambda content: b"\x89PNG\r\n" + bytes(64), "not CSV: the file is binary"),
    "semicolons": (lambda content: content.replace(b",", b";"), "the header is separated by ';', expected ','"),
    "open quote": (line_changed(3, lambda line: b'"' + line), "not CSV: line"),
    "Latin-1": (line_changed(3, lambda line: line.replace(b"AA", b"A\xc5")), "not UTF-8: byte 0xc5 in row 3"),
    "UTF-16": (lambda content: content.decode().encode("utf-16"), "not CSV: the file is UTF-16 text; save it as UTF-8"),
}


def test_two_good_files_become_one_table_in_the_manifests_order(store: Store, tmp_path: Path, january: bytes) -> None:
    february = datasets.head(datasets.flights(2), 700)

    done = validate(store, tmp_path, contracts.FLIGHTS, {"raw/b.csv": january, "raw/a.csv": february})

    assert done.ended.code == 0, done.ended.stderr
    assert done.report["accepted_rows"] == 2200
    assert {file["verdict"] for file in done.report["files"]} == {"accepted"}
    rows = list(csv.DictReader(io.StringIO(done.ml.output("accepted/data.csv").read_text())))
    assert list(rows[0]) == [column["name"] for column in contracts.FLIGHTS["columns"]]
    assert [row["month"] for row in rows] == ["1"] * 1500 + ["2"] * 700
    assert "NA" not in {row["arr_delay"] for row in rows}
    assert "" in {row["arr_delay"] for row in rows}


def test_columns_that_nobody_asked_for_are_reported_and_dropped(store: Store, tmp_path: Path, january: bytes) -> None:
    done = validate(store, tmp_path, contracts.FLIGHTS, {GOOD: january})

    verdict = done.file(GOOD)
    assert (verdict["verdict"], verdict["reason"], verdict["rows"]) == ("accepted", None, 1500)
    assert {
        "column": "dep_delay",
        "problem": "not in the schema, ignored",
        "rows": [],
        "count": 0,
    } in verdict["problems"]


@pytest.mark.parametrize(("spoil", "expected"), CELLS_OUT_OF_ORDER.values(), ids=CELLS_OUT_OF_ORDER)
def test_a_bad_file_is_set_aside_alone_with_column_and_rows(
    store: Store, tmp_path: Path, january: bytes, spoil: Callable[[bytes], bytes], expected: tuple[Any, str, list[int]]
) -> None:
    done = validate(store, tmp_path, contracts.FLIGHTS, {BAD: spoil(january), GOOD: january})

    column, problem, rows = expected
    assert done.ended.code == 0, done.ended.stderr
    assert done.report["accepted_rows"] == 1500
    verdict = done.file(BAD)
    assert verdict["verdict"] == "quarantined"
    assert {"column": column, "problem": problem, "rows": rows, "count": len(rows)} in verdict["problems"]
    assert problem in verdict["reason"]
    assert all(str(row) in verdict["reason"] for row in rows)


@pytest.mark.parametrize(("spoil", "reason"), NO_TABLE.values(), ids=NO_TABLE)
def test_what_is_no_table_is_set_aside_and_named(
    store: Store, tmp_path: Path, january: bytes, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    done = validate(store, tmp_path, contracts.FLIGHTS, {BAD: spoil(january), GOOD: january})

    assert done.ended.code == 0, done.ended.stderr
    assert done.file(BAD)["verdict"] == "quarantined"
    assert reason in done.file(BAD)["reason"]
    assert done.file(GOOD)["verdict"] == "accepted"


def test_a_byte_order_mark_and_windows_line_ends_are_fine(store: Store, tmp_path: Path, january: bytes) -> None:
    done = validate(store, tmp_path, contracts.FLIGHTS, {GOOD: b"\xef\xbb\xbf" + january.replace(b"\n", b"\r\n")})

    assert done.report["accepted_rows"] == 1500, done.ended.stderr


def test_many_bad_rows_are_counted_and_the_first_ten_shown(store: Store, tmp_path: Path, january: bytes) -> None:
    spoilt = datasets.edited(january, {(row, "hour"): "25" for row in range(100, 150)})

    done = validate(store, tmp_path, contracts.FLIGHTS, {BAD: spoilt, GOOD: january})

    problem = next(item for item in done.file(BAD)["problems"] if item["column"] == "hour")
    assert problem == {"column": "hour", "problem": "above 24", "rows": list(range(100, 110)), "count": 50}


def test_with_no_good_file_the_step_fails_and_says_column_and_rows(
    store: Store, tmp_path: Path, january: bytes
) -> None:
    done = validate(store, tmp_path, contracts.FLIGHTS, {BAD: datasets.edited(january, {(3, "day"): "Monday"})})

    assert done.ended.code == 1
    assert done.ended.message is not None
    assert "0 of 1 files accepted" in done.ended.message
    assert f"{BAD}: column 'day': not an integer (rows 3; 1 in all)" in done.ended.message
    assert done.ended.message in done.ended.stderr
    assert not done.ml.output("accepted/data.csv").exists()


def test_a_failed_step_still_delivers_its_report(store: Store, tmp_path: Path) -> None:
    done = validate(store, tmp_path, contracts.FLIGHTS, {BAD: b""})

    assert store.json("batch/attempt-1/validation/report.json") == done.report
    assert done.report == {
        "files": [
            {
                "key": BAD,
                "version_id": done.report["files"][0]["version_id"],
                "verdict": "quarantined",
                "reason": "the file is empty",
                "rows": 0,
                "problems": [{"column": None, "problem": "the file is empty", "rows": [], "count": 0}],
            }
        ],
        "accepted_rows": 0,
    }


def test_too_few_rows_fail_the_step_and_quarantine_nothing(store: Store, tmp_path: Path, january: bytes) -> None:
    done = validate(store, tmp_path, contracts.FLIGHTS, {GOOD: datasets.head(january, 999)})

    assert done.ended.code == 1
    assert done.ended.message == "1 of 1 files accepted with 999 rows, at least 1000 rows needed"
    assert done.file(GOOD)["verdict"] == "accepted"


def test_the_message_keeps_to_the_kilobyte_that_sagemaker_shows(store: Store, tmp_path: Path) -> None:
    done = validate(store, tmp_path, contracts.FLIGHTS, {f"raw/flights/ünïcode {i}.csv": b"" for i in range(60)})

    assert done.ended.message is not None
    assert 1000 < len(done.ended.message.encode()) <= 1024


def test_a_key_with_spaces_plus_and_unicode_is_read(store: Store, tmp_path: Path, january: bytes) -> None:
    key = "raw/flights/jan + feb ünïcode/ü.csv"

    done = validate(store, tmp_path, contracts.FLIGHTS, {key: january})

    assert done.file(key)["verdict"] == "accepted", done.ended.stderr


def test_the_version_of_the_manifest_is_read_whatever_came_after(store: Store, tmp_path: Path, january: bytes) -> None:
    entry = store.upload(GOOD, january)
    store.upload(GOOD, b"overwritten")

    done = validate_entries(store, tmp_path, contracts.FLIGHTS, [entry])

    assert done.file(GOOD)["verdict"] == "accepted", done.ended.stderr


def test_a_deleted_version_is_set_aside(store: Store, tmp_path: Path, january: bytes) -> None:
    gone, good = store.upload(BAD, january), store.upload(GOOD, january)
    store.client.delete_object(Bucket=store.bucket, Key=BAD, VersionId=gone["version_id"])

    done = validate_entries(store, tmp_path, contracts.FLIGHTS, [gone, good])

    assert done.ended.code == 0, done.ended.stderr
    assert "the object is gone" in done.file(BAD)["reason"]


def test_another_model_is_another_contract(store: Store, tmp_path: Path) -> None:
    done = validate(store, tmp_path, contracts.RAINFALL, {"raw/rainfall/a.csv": datasets.rainfall(0, 600)})

    assert done.report["accepted_rows"] == 600, done.ended.stderr
    assert json.dumps(done.report["files"][0]["problems"]) == "[]"
