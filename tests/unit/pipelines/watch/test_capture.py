"""Data capture: encodings, many rows a line, the window, and lines that cannot be read."""

import base64
import json
from datetime import UTC, datetime

import pytest

from pipeline_definitions.shared.scripts import capture
from pipeline_definitions.shared.scripts.capture import INPUT, OUTPUT, Names, Tally, UnreadableError, Window
from tests.support.analysis import captured

BOTH = (INPUT, OUTPUT)


def rows(line: str, names: Names | None = None) -> list[capture.Row]:
    return capture.rows(capture.parse(line), BOTH, names or Names())


def test_the_answers_columns_come_first_and_are_numbered_through() -> None:
    assert rows(captured("7,x\n8,\n", "0.1\n0.2\n")) == [
        {"_c0": "0.1", "_c1": "7", "_c2": "x"},
        {"_c0": "0.2", "_c1": "8", "_c2": None},
    ]


def test_names_stand_for_places() -> None:
    assert rows(captured('"a,b",1', "0.1"), Names(("p",), ("text", "n"))) == [{"p": "0.1", "text": "a,b", "n": "1"}]


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ('{"instances": [{"n": 1, "t": "a"}, {"n": null, "t": true}]}', '{"predictions": [0.5, 1e-7]}'),
        ('[{"n": 1, "t": "a"}, {"n": null, "t": true}]', "[[0.5], [1e-07]]"),
        ('{"n": 1, "t": "a"}\n{"n": null, "t": true}', "0.5\n1e-07"),
    ],
)
def test_json_bodies_have_rows_of_the_common_shapes(request_: str, answer: str) -> None:
    kind = "application/jsonlines" if "\n" in request_ else "application/json"

    found = rows(captured(request_, answer, kind=(kind, "JSON")), Names(outputs=("p",)))

    assert found == [{"p": "0.5", "n": "1", "t": "a"}, {"p": "1e-07", "n": None, "t": "true"}]


@pytest.mark.parametrize(("kind", "text"), [("text/plain", "7,x"), ("application/json", '[["7", "x"]]')])
def test_base64_is_read_as_what_its_content_type_says(kind: str, text: str) -> None:
    data = base64.b64encode(text.encode()).decode()

    assert rows(captured(data, data, kind=(kind, "BASE64"))) == [{"_c0": "7", "_c1": "x", "_c2": "7", "_c3": "x"}]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (captured("1,2", "0.1\n0.2"), "2 and 1 rows"),
        (captured("1,2,3", "0.1"), "3 cells where 2 are known"),
        (captured("!", "!", kind=("text/csv", "BASE64")), "a body that cannot be read"),
        (captured("{", "{", kind=("application/json", "JSON")), "a body that cannot be read"),
        (captured("1,2", "0.1", kind=("text/csv", "XML")), "encoding 'XML' is unknown"),
    ],
)
def test_what_cannot_be_read_is_told(line: str, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        rows(line, Names(inputs=("a", "b")))


def test_lines_outside_of_the_window_and_broken_ones_are_counted() -> None:
    window = Window(datetime(2026, 1, 2, 3, tzinfo=UTC), datetime(2026, 1, 2, 4, tzinfo=UTC))
    times = ("02:59:59", "03:00:00", "03:59:59", "04:00:00")
    lines = [captured("1", "2", at=f"2026-01-02T{time}Z", event_id=time) for time in times]
    tally = Tally()

    found = list(capture.records([*lines, "{", "", json.dumps({"captureData": {}})], window, tally))

    assert [record.event_id for record in found] == ["03:00:00", "03:59:59"]
    assert (tally.lines, tally.outside_window, tally.unreadable) == (6, 2, 2)
    assert tally.examples[0].startswith("line 5: no capture record: JSONDecodeError")


def test_a_callers_own_id_stands_for_the_events() -> None:
    assert capture.parse(captured("1", "2", event_id="e", about={"inferenceId": "mine"})).event_id == "mine"
