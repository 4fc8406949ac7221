"""Data sets as they come: Parquet, CSV, JSON lines and data capture, below one folder, as one table.

Text formats keep their cells as text, so that types are inferred by one rule; an empty cell is a missing value.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipeline_definitions.shared.scripts import capture
from pipeline_definitions.shared.scripts.capture import Names, Record, Tally, Window

Json = Mapping[str, Any]

CAPTURE: Final = "sagemakerCaptureJson"
MERGED: Final = "sagemakerMergeJson"
"""Captured lines with their labels, as a merge job writes them."""
_BATCH_ROWS: Final = 65_536
_CAPTURE_ROWS_AT_ONCE: Final = 50_000
_SUFFIXES: Final = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv",),
    "json": (".json", ".jsonl", ".ndjson"),
    CAPTURE: (".jsonl",),
    MERGED: (".jsonl",),
}
_NAMELESS: Final = re.compile(r"_c\d+")


class NoDataError(RuntimeError):
    """There is nothing to analyze. The text is AWS's."""

    def __init__(self, why: str) -> None:
        super().__init__(f"Job inputs had no data: {why}")


class UnknownFormatError(ValueError):
    """A `dataset_format` that we do not know.

    Attributes:
        found: what was asked for.
    """

    def __init__(self, found: object) -> None:
        self.found = found
        super().__init__(f"dataset format {found!r}: expected an object with one of {', '.join(_SUFFIXES)}")


@dataclass(frozen=True)
class Table:
    """A data set.

    Attributes:
        parts: the same as files that can be read from any row on; none of formats that cannot.
        told: what became of captured lines, if it was captured.
    """

    frame: pl.LazyFrame
    names: tuple[str, ...]
    parts: tuple[pl.LazyFrame, ...] = ()
    told: Tally | None = None

    def named(self, names: Sequence[str]) -> "Table":
        """Columns without a name have these, by their place, as far as they go."""
        if not all(map(_NAMELESS.fullmatch, self.names)):
            return self
        by_place = dict(zip(self.names, names, strict=False))
        parts = tuple(part.rename(by_place) for part in self.parts)
        return Table(self.frame.rename(by_place), (*by_place.values(), *self.names[len(names) :]), parts, self.told)

    def column(self, name: str) -> pl.Series:
        """One column, whole."""
        return self.frame.select(name).collect().to_series()

    def batches(self) -> Iterator[pl.DataFrame]:
        """All of it in bounded memory, by the streaming engine.

        Left to itself the engine reads ahead of a slower reader by more than half a gigabyte: rows that can be asked
        for are asked for when they are due.
        """
        if not self.parts:
            yield from self.frame.collect_batches(chunk_size=_BATCH_ROWS, engine="streaming")
        for part in self.parts:
            for start in range(0, part.select(pl.len()).collect().item(), _BATCH_ROWS):
                yield part.slice(start, _BATCH_ROWS).collect(engine="streaming")


@dataclass(frozen=True)
class Reading:
    """How to read.

    Attributes:
        form: as in AWS's environment variable dataset_format, e.g. `{"csv": {"header": true}}`.
        scratch: the data may be larger than memory: a folder for what is not yet a table; None if they are not.
        rows: what makes rows of a captured line instead of us.
    """

    form: Json
    window: Window = field(default_factory=Window)
    names: Names = field(default_factory=Names)
    scratch: Path | None = None
    rows: Callable[[Record], list[capture.Row]] | None = None


def read(folder: Path, reading: Reading) -> Table:
    """The table below a folder.

    Raises:
        NoDataError: there is none, or none in the window.
        UnknownFormatError: it is in no format that we know.
    """
    kind = next(iter(reading.form), None)
    if kind not in _SUFFIXES or len(reading.form) != 1:
        raise UnknownFormatError(dict(reading.form))
    files = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES[kind] and path.stat().st_size)
    if not files:
        raise NoDataError(f"no {kind} files below {folder}")
    options = reading.form[kind] or {}
    if kind in (CAPTURE, MERGED):
        return _captured(files, options, reading)
    frame = _with_known(_scanned(kind, files, options), reading)
    parts = tuple(_with_known(pl.scan_parquet(path), reading) for path in files) if kind == "parquet" else ()
    return Table(_settled(frame, reading, kind), tuple(frame.collect_schema().names()), parts)


def parse_format(text: str) -> Json:
    """The option's JSON.

    Raises:
        UnknownFormatError: it is none.
    """
    try:
        found = json.loads(text)
    except ValueError as exc:
        raise UnknownFormatError(text) from exc
    if not isinstance(found, dict):
        raise UnknownFormatError(found)
    return found


def _scanned(kind: str, files: list[Path], options: Json) -> pl.LazyFrame:
    if kind == "parquet":
        return pl.scan_parquet(files)
    if kind == "json":
        return pl.scan_ndjson(files, infer_schema_length=None)
    if options.get("header", False):
        return pl.scan_csv(files, infer_schema=False)
    return pl.scan_csv(
        files,
        infer_schema=False,
        has_header=False,
        with_column_names=lambda names: [f"_c{place}" for place in range(len(names))],
    )


def _with_known(frame: pl.LazyFrame, reading: Reading) -> pl.LazyFrame:
    """Where the request's columns are known, the others (a target, a time) are none of the analysis's business.

    They come in the order of their names: so does what a preprocessor makes in Model Monitor's own container, which
    knows a baseline's columns by their place.
    """
    return frame.select(sorted(reading.names.inputs)) if reading.names.inputs else frame


def _settled(frame: pl.LazyFrame, reading: Reading, kind: str) -> pl.LazyFrame:
    """Parquet is read a column at a time; of other formats that would parse the text once a column."""
    return frame if reading.scratch or kind == "parquet" else frame.collect().lazy()


def _captured(files: list[Path], options: Json, reading: Reading) -> Table:
    parts = options.get("captureIndexNames") or [capture.INPUT, capture.OUTPUT]
    tally = Tally()
    found = _capture_rows(files, parts, reading, tally)
    frames = list(_frames(found, reading.scratch))
    if not frames:
        raise NoDataError(
            f"{tally.lines} captured lines, {tally.outside_window} of them outside of the window, "
            f"{tally.unreadable} unreadable"
        )
    frame = pl.concat(frames, how="diagonal")
    names = tuple(frame.collect_schema().names())
    return Table(frame, names, tuple(_with_all(part, names) for part in frames), tally)


def _with_all(part: pl.LazyFrame, names: Sequence[str]) -> pl.LazyFrame:
    """Columns that only other parts have are missing here."""
    here = part.collect_schema().names()
    return part.with_columns(pl.lit(None, pl.String).alias(name) for name in names if name not in here)


def _capture_rows(files: list[Path], parts: Sequence[str], reading: Reading, tally: Tally) -> Iterator[capture.Row]:
    for path in files:
        with path.open(encoding="utf-8", errors="replace") as lines:
            for record in capture.records(lines, reading.window, tally):
                try:
                    found = reading.rows(record) if reading.rows else capture.rows(record, parts, reading.names)
                except capture.UnreadableError as exc:
                    tally.refuse(str(exc))
                    continue
                tally.rows += len(found)
                yield from found


def _frames(rows: Iterator[capture.Row], scratch: Path | None) -> Iterator[pl.LazyFrame]:
    """In memory, or, where that may not be enough, on disk as Parquet."""
    number = 0
    while some := list(islice(rows, _CAPTURE_ROWS_AT_ONCE)):
        names = dict.fromkeys(name for row in some for name in row)
        frame = pl.DataFrame(some, schema=dict.fromkeys(names, pl.String))
        if scratch is None:
            yield frame.lazy()
        else:
            scratch.mkdir(parents=True, exist_ok=True)
            path = scratch / f"{number}.parquet"
            number += 1
            frame.write_parquet(path)
            yield pl.scan_parquet(path)
