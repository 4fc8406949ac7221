"""Widgets become pictures that can be looked at."""

import struct
import zlib
from datetime import UTC, datetime

import pytest

from emulator.semantics.cloudwatch import charts, widgets

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def pixels(image: bytes) -> tuple[tuple[int, int], set[tuple[int, int, int]]]:
    """Size and colours of a PNG, its checksums checked on the way."""
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(image):
        (length,) = struct.unpack(">I", image[at : at + 4])
        kind, data = image[at + 4 : at + 8], image[at + 8 : at + 8 + length]
        (checksum,) = struct.unpack(">I", image[at + 8 + length : at + 12 + length])
        assert checksum == zlib.crc32(kind + data)
        chunks[kind] = data
        at += 12 + length
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    raw = zlib.decompress(chunks[b"IDAT"])
    rows = [raw[row * (3 * width + 1) + 1 : (row + 1) * (3 * width + 1)] for row in range(height)]
    return (width, height), {tuple(row[x : x + 3]) for row in rows for x in range(0, 3 * width, 3)}


def test_a_chart_shows_its_lines_its_mark_and_its_axes() -> None:
    lines = [charts.Line("one", {0: 1.0, 60: 5.0}), charts.Line("two", {0: 3.0})]

    size, colors = pixels(charts.draw(lines, (0, 120), (300, 200), "A title", [4.0]))

    assert size == (300, 200)
    assert {charts.PALETTE[0], charts.PALETTE[1], charts.MARK, charts.GRID, charts.INK} <= colors


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    assert pixels(charts.draw([], (0, 60), (1, 1)))[0] == (1, 1)


def test_a_widget_spells_rows_out_from_the_row_above() -> None:
    text = (
        '{"metrics": [["AWS/SQS", "NumberOfMessagesSent", "QueueName", "a", {"id": "m1", "stat": "Sum"}],'
        '["...", "b"], [".", "Other", ".", "c", {"visible": false}], [{"expression": "m1 * 2", "label": "twice"}]],'
        '"period": 60, "start": "-PT1H", "width": 100, "annotations": {"horizontal": [{"value": 3}]}}'
    )

    widget = widgets.parse(text, NOW)

    metrics = [query["MetricStat"]["Metric"] for query in widget.queries[:3]]
    assert [(found["MetricName"], found["Dimensions"][0]["Value"]) for found in metrics] == [
        ("NumberOfMessagesSent", "a"),
        ("NumberOfMessagesSent", "b"),
        ("Other", "c"),
    ]
    assert widget.queries[3]["Expression"] == "m1 * 2"
    assert (widget.end - widget.start, widget.width, widget.lines) == (3600, 100, (3.0,))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"metrics": [["a"]]}', '{"metrics": [], "start": "soon"}', '{"metrics": 1}']
)
def test_a_malformed_widget_is_refused(text: str) -> None:
    with pytest.raises(widgets.WidgetError):
        widgets.parse(text, NOW)
