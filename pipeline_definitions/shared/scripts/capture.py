"""Data capture: one JSON line a request, with the request's and the answer's body. A line may carry many rows.

Cells become text, so that a captured row and a row of a CSV file are the same. Columns of the answer come first, as in
Model Monitor; those without a name are `_c0`, `_c1`, …

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html, read 2026-11; a body whose
content type the endpoint does not list is captured in BASE64.
"""

import base64
import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

Json = Mapping[str, Any]
Cell = str | None
Row = dict[str, Cell]

OUTPUT: Final = "endpointOutput"
INPUT: Final = "endpointInput"
LABEL: Final = "label"
"""The column of the labels in what a merge job wrote."""
TOLD: Final = 5
"""So many of the lines that could not be read are told one by one."""
_ROWS_BELOW: Final = ("instances", "predictions", "features", "inputs", "outputs")


class UnreadableError(ValueError):
    """A line or a body that is not what it should be. The message says what is wrong with it."""


@dataclass(frozen=True)
class Window:
    """From `start` on, before `end`: windows that touch share no request."""

    start: datetime | None = None
    end: datetime | None = None

    def has(self, at: datetime) -> bool:
        return (self.start is None or at >= self.start) and (self.end is None or at < self.end)


@dataclass(frozen=True)
class Names:
    """Names of cells that come without: of the answer's and of the request's, in their order."""

    outputs: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()


@dataclass
class Tally:
    """What became of the lines."""

    lines: int = 0
    outside_window: int = 0
    unreadable: int = 0
    rows: int = 0
    examples: list[str] = field(default_factory=list)

    def refuse(self, reason: str) -> None:
        """Count a line that cannot be used."""
        self.unreadable += 1
        if len(self.examples) < TOLD:
            self.examples.append(f"line {self.lines}: {reason}")


@dataclass(frozen=True)
class Record:
    """A line, its bodies not yet read."""

    event_id: str
    at: datetime
    bodies: Mapping[str, Json]
    document: Json


def records(lines: Iterable[str], window: Window, tally: Tally) -> Iterator[Record]:
    """The lines of the window that can be read; the others are counted."""
    for line in lines:
        if not line.strip():
            continue
        tally.lines += 1
        try:
            record = parse(line)
        except UnreadableError as exc:
            tally.refuse(str(exc))
            continue
        if window.has(record.at):
            yield record
        else:
            tally.outside_window += 1


def parse(line: str) -> Record:
    """One line.

    Raises:
        UnreadableError: it is no capture record.
    """
    try:
        document = json.loads(line)
        about = document["eventMetadata"]
        at = datetime.fromisoformat(about["inferenceTime"])
        bodies = document["captureData"]
        event_id = str(about.get("inferenceId") or about["eventId"])
        if not isinstance(bodies, dict) or at.tzinfo is None:
            raise TypeError("captureData is no object, or inferenceTime has no zone")
    except (ValueError, KeyError, TypeError) as exc:
        raise UnreadableError(f"no capture record: {exc!r}") from exc
    return Record(event_id, at, bodies, document)


def rows(record: Record, parts: Sequence[str], names: Names) -> list[Row]:
    """The rows that a record carries, cells of all parts side by side.

    Raises:
        UnreadableError: a body cannot be read, or the parts have different numbers of rows.
    """
    known = {OUTPUT: names.outputs, INPUT: names.inputs}
    found = [cells(record.bodies[part], known[part]) for part in (OUTPUT, INPUT) if _has(record, part, parts)]
    if not found:
        raise UnreadableError(f"none of {', '.join(parts)} was captured")
    if len({len(part) for part in found}) > 1:
        raise UnreadableError(f"{' and '.join(str(len(part)) for part in found)} rows in answer and request")
    whole = [_joined(together) for together in zip(*found, strict=True)]
    return _labelled(whole, record.document["groundTruthData"]) if "groundTruthData" in record.document else whole


def truth_values(truth: Json) -> tuple[str, ...]:
    """Labels, one a row: a JSON value or list of them, or cells of CSV.

    Raises:
        ValueError, KeyError, TypeError: there is none.
    """
    if truth["encoding"] == "JSON":
        found = json.loads(truth["data"])
        return tuple(str(value) for value in (found if isinstance(found, list) else [found]))
    values = [cell.strip() for row in csv.reader(io.StringIO(str(truth["data"]))) for cell in row]
    if not values:
        raise ValueError("a label without a value")
    return tuple(values)


def cells(body: Json, names: Sequence[str] = ()) -> list[dict[str, Cell]]:
    """A body's rows. Cells without a name have the empty one and their place, to be named when rows are joined.

    Raises:
        UnreadableError: the body cannot be read.
    """
    try:
        table = _table(body)
    except (ValueError, KeyError, TypeError) as exc:
        raise UnreadableError(f"a body that cannot be read: {exc!r}") from exc
    for row in table:
        if isinstance(row, list) and names and len(row) != len(names):
            raise UnreadableError(f"{len(row)} cells where {len(names)} are known: {', '.join(names)}")
    return [row if isinstance(row, dict) else _named(row, names) for row in table]


def texts(row: Mapping[str, Any]) -> Row:
    """Values of any kind as cells."""
    return {str(name): _text(value) for name, value in row.items()}


def _labelled(rows: list[Row], truth: Json) -> list[Row]:
    """Rows of a merged record, each with its label."""
    try:
        labels = truth_values(truth)
    except (ValueError, KeyError, TypeError) as exc:
        raise UnreadableError(f"a label that cannot be read: {exc!r}") from exc
    if len(labels) != len(rows):
        raise UnreadableError(f"{len(labels)} labels for {len(rows)} rows")
    return [{**row, LABEL: label} for row, label in zip(rows, labels, strict=True)]


def _has(record: Record, part: str, parts: Sequence[str]) -> bool:
    return part in parts and isinstance(record.bodies.get(part), dict)


def _named(row: list[Cell], names: Sequence[str]) -> Row:
    return {(names[place] if names else f"\0{place}"): cell for place, cell in enumerate(row)}


def _joined(parts: tuple[Row, ...]) -> Row:
    whole: Row = {}
    for part in parts:
        for name, cell in part.items():
            whole[f"_c{len(whole)}" if name.startswith("\0") else name] = cell
    return whole


def _table(body: Json) -> list[list[Cell] | Row]:
    data, encoding = str(body["data"]), body["encoding"]
    kind = str(body.get("observedContentType", ""))
    if encoding == "BASE64":
        data = base64.b64decode(data, validate=True).decode()
        encoding = "JSON" if "json" in kind else "CSV"
    if encoding == "JSON":
        lines = [json.loads(line) for line in data.splitlines() if line.strip()] if "lines" in kind else None
        return [_json_row(row) for row in (lines or _json_rows(json.loads(data)))]
    if encoding == "CSV":
        return [[cell or None for cell in row] for row in csv.reader(io.StringIO(data, newline="")) if row]
    raise ValueError(f"encoding {encoding!r} is unknown")


def _json_rows(document: Any) -> list[Any]:
    """Rows of the common shapes: a list of rows, such a list below one name, or a row by itself."""
    if isinstance(document, dict):
        below = [document[name] for name in _ROWS_BELOW if isinstance(document.get(name), list)]
        return below[0] if below and len(document) == 1 else [document]
    if isinstance(document, list) and document and isinstance(document[0], dict | list):
        return document
    return [document]


def _json_row(row: Any) -> list[Cell] | Row:
    if isinstance(row, dict):
        flat = row["features"] if list(row) == ["features"] and isinstance(row["features"], list) else None
        return [_text(cell) for cell in flat] if flat is not None else {key: _text(row[key]) for key in row}
    return [_text(cell) for cell in row] if isinstance(row, list) else [_text(row)]


def _text(value: Any) -> Cell:
    if value is None or isinstance(value, str):
        return value or None
    return json.dumps(value, default=str)
