"""The step Prepare, as its container runs it: target, features, and a split that keeps to time."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import contracts
from tests.support.scripts import SKLEARN, Ended, MlDir

CONTRACT: dict[str, Any] = {
    "name": "toy",
    "target": {"name": "late", "column": "delay", "greater_than": 15},
    "time_column": "at",
    "columns": [
        {"name": "carrier", "type": "string", "role": "feature", "nullable": True},
        {"name": "hour", "type": "integer", "role": "feature", "nullable": True},
        {"name": "delay", "type": "number", "role": "target", "nullable": True},
        {"name": "at", "type": "datetime", "role": "time"},
        {"name": "tail", "type": "string", "role": "exclude", "nullable": True},
    ],
}

HEADER = "carrier,hour,delay,at,tail"


def prepare(folder: Path, contract: dict[str, Any], lines: list[str], fraction: float = 0.2) -> tuple[MlDir, Ended]:
    ml = MlDir(folder)
    contract_path = ml.put("contract/contract.json", json.dumps(contract).encode())
    ml.put("accepted/data.csv", "\n".join([HEADER, *lines, ""]).encode())
    ended = ml.process(
        SKLEARN,
        "train/scripts/prepare.py",
        *("--contract", str(contract_path), "--holdout-fraction", str(fraction)),
    )
    return ml, ended


def table(ml: MlDir, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(ml.output(name).read_text("utf-8"))))


def hours(*moments: int) -> list[str]:
    """Rows at hours of one day; odd places are late."""
    return [f"AA,{place},{40 if place % 2 else 0},2013-01-01T{hour:02}:00:00Z,N1" for place, hour in enumerate(moments)]


def test_the_newest_rows_are_held_out_whatever_the_order_of_the_files(tmp_path: Path) -> None:
    ml, ended = prepare(tmp_path, CONTRACT, hours(9, 8, 0, 1, 2, 3, 4, 5, 6, 7))

    assert ended.code == 0, ended.stderr
    assert [row["hour"] for row in table(ml, "train/train.csv")] == ["2", "3", "4", "5", "6", "7", "8", "9"]
    assert [row["hour"] for row in table(ml, "holdout/holdout.csv")] == ["1", "0"]


def test_features_keep_schema_order_and_the_target_comes_last(tmp_path: Path) -> None:
    ml, _ = prepare(tmp_path, CONTRACT, hours(*range(10)))

    assert list(table(ml, "train/train.csv")[0]) == ["carrier", "hour", "late"]
    assert [row["late"] for row in table(ml, "train/train.csv")] == ["0", "1", "0", "1", "0", "1", "0", "1"]


def test_rows_without_an_outcome_are_left_out(tmp_path: Path) -> None:
    cancelled = ["AA,99,,2013-01-01T03:30:00Z,N1"]

    ml, ended = prepare(tmp_path, CONTRACT, hours(*range(10)) + cancelled)

    assert "1 left out for want of a target" in ended.stdout
    assert "99" not in {row["hour"] for row in table(ml, "train/train.csv")}


def test_rows_of_one_moment_stay_on_one_side_of_the_split(tmp_path: Path) -> None:
    ml, ended = prepare(tmp_path, CONTRACT, hours(0, 1, 2, 3, 4, 5, 7, 7, 7, 7))

    assert ended.code == 0, ended.stderr
    assert len(table(ml, "train/train.csv")) == 6
    assert len(table(ml, "holdout/holdout.csv")) == 4


def test_if_the_oldest_moment_reaches_into_the_holdout_it_is_trained_on(tmp_path: Path) -> None:
    ml, ended = prepare(tmp_path, CONTRACT, hours(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2))

    assert ended.code == 0, ended.stderr
    assert (len(table(ml, "train/train.csv")), len(table(ml, "holdout/holdout.csv"))) == (9, 3)


def test_categories_are_those_of_the_training_rows_alone(tmp_path: Path) -> None:
    lines = [line.replace("AA", carrier, 1) for line, carrier in zip(hours(*range(10)), "BAB AABAZZ", strict=True)]
    lines[3] = lines[3].replace(" ", "", 1)

    ml, _ = prepare(tmp_path, CONTRACT, lines)

    assert json.loads(ml.output("features/features.json").read_text()) == {
        "target": "late",
        "features": [
            {"name": "carrier", "type": "string", "categories": ["A", "B"]},
            {"name": "hour", "type": "integer"},
        ],
    }
    assert "Z" in {row["carrier"] for row in table(ml, "holdout/holdout.csv")}


def test_without_a_time_column_the_order_of_the_rows_is_time(tmp_path: Path) -> None:
    ml, _ = prepare(tmp_path, {**CONTRACT, "time_column": None}, hours(9, 8, 7, 6, 5, 4, 3, 2, 1, 0))

    assert [row["hour"] for row in table(ml, "holdout/holdout.csv")] == ["8", "9"]


def changed_column(column_name: str, /, **changes: object) -> dict[str, Any]:
    columns = [{**column, **changes} if column["name"] == column_name else column for column in CONTRACT["columns"]]
    return {**CONTRACT, "columns": columns}


@pytest.mark.parametrize(
    ("contract", "lines", "message"),
    [
        (CONTRACT, hours(*[5] * 10), "10 rows at 1 moments cannot be split by time with 0.2 held out"),
        (
            CONTRACT,
            [line.replace(",40,", ",0,") for line in hours(*range(10))],
            "target 'late': all 8 training rows are",
        ),
        (CONTRACT, ["AA,1,,2013-01-01T00:00:00Z,N1"] * 3, "column 'delay': no row has a number"),
        (CONTRACT, ["AA,1,20,,N1"] * 3, "column 'at': 3 rows have no time"),
        (changed_column("at", role="feature"), hours(*range(10)), "column 'at': a datetime cannot be a feature"),
        (changed_column("hour", name="late"), hours(*range(10)), "column 'late' is a feature, so the target needs"),
        ({**CONTRACT, "time_column": "when"}, hours(*range(10)), "time_column 'when' is not among"),
    ],
)
def test_what_cannot_be_trained_on_fails_with_the_column(
    tmp_path: Path, contract: dict[str, Any], lines: list[str], message: str
) -> None:
    _, ended = prepare(tmp_path, contract, lines)

    assert ended.code == 1
    assert ended.message is not None
    assert ended.message.startswith(message)


def test_the_same_rows_are_split_the_same_way(tmp_path: Path) -> None:
    first, _ = prepare(tmp_path / "a", CONTRACT, hours(*range(20)), 0.3)
    second, _ = prepare(tmp_path / "b", CONTRACT, hours(*range(20)), 0.3)

    for name in ("train/train.csv", "holdout/holdout.csv", "features/features.json"):
        assert first.output(name).read_bytes() == second.output(name).read_bytes()


def test_the_contracts_of_our_models_have_features_to_train_on() -> None:
    for contract in (contracts.FLIGHTS, contracts.RAINFALL):
        assert [column for column in contract["columns"] if column["role"] == "feature"]
