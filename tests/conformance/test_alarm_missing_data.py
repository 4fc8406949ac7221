"""All 40 rows of the tables in the CloudWatch user guide on missing data: documented."""

import json
from pathlib import Path
from typing import Any

import pytest

from emulator.semantics.cloudwatch import alarm_evaluation
from emulator.semantics.cloudwatch.alarm_evaluation import Point, Rule

ROWS = json.loads((Path(__file__).parent / "alarm_missing_data.json").read_text())


def test_there_are_forty_rows() -> None:
    assert len(ROWS) == 40


@pytest.mark.parametrize(
    "row", ROWS, ids=lambda row: f"{row['datapoints']} {row['M']}/{row['N']} {row['treat_missing']}"
)
def test_a_row_of_the_user_guide_holds(row: dict[str, Any]) -> None:
    values = {"0": 0.0, "X": 1.0}
    points = [
        None if letter == "-" else Point(60 * index, values[letter], 0.5, 0.5)
        for index, letter in enumerate(row["datapoints"].split())
    ]
    rule = Rule(row["N"], row["M"], "GreaterThanThreshold", row["treat_missing"])

    found = alarm_evaluation.evaluate(rule, points, "RETAIN")

    assert found.state == row["state"]
    assert found.filled == row["to_fill"]
    assert alarm_evaluation.evaluation_range(row["N"]) == row["range"] == len(points)
