"""The assembled table on disk: captured rows wait there until their order is known, then go behind history's.

In memory is only what orders them. The same rows give the same bytes, however they were spread over objects: that is
why the hash of the bytes is the version of the data.
"""

import csv
import hashlib
import io
import mmap
import tempfile
from array import array
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np

NUMBER: Final = "\0"
"""Stands in a waiting row for the number that its place in time will give it. No cell may hold it: Validate would take
the whole file for binary."""


class UnwritableError(ValueError):
    """A row that no CSV file can hold."""


def line(cells: Sequence[str]) -> bytes:
    """A row as CSV.

    Raises:
        UnwritableError: a cell is no text.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)  # so that a cell with either of them gets quotes
    try:
        return text.getvalue()[:-2].encode() + b"\n"
    except UnicodeEncodeError as exc:
        raise UnwritableError("a cell that is no text (half of a surrogate pair)") from exc


class Waiting:
    """Rows on disk, in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115  # lives as long as this object
        self._times = array("q")
        self._ends = array("q", [0])

    def __len__(self) -> int:
        return len(self._times)

    @property
    def first_at(self) -> float:
        """When the oldest row happened. Units: seconds since 1970."""
        return min(self._times) / 1e6

    def add(self, at: datetime, row: bytes) -> None:
        """Keep a row."""
        self._file.write(row)
        self._times.append(round(at.timestamp() * 1e6))
        self._ends.append(self._ends[-1] + len(row))

    def write_to(self, table: "Table", first_number: int) -> None:
        """From old to new; rows of one moment keep their order, and get the same number."""
        self._file.flush()
        times, ends = np.frombuffer(self._times, np.int64), self._ends
        _, numbers = np.unique(times, return_inverse=True)
        with mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            for place in np.argsort(times, kind="stable"):
                number = str(first_number + int(numbers[place])).encode()
                table.write(content[ends[place] : ends[place + 1]].replace(NUMBER.encode(), number))


class Table:
    """The file, and what is known of its bytes."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def write(self, row: bytes) -> None:
        """Append a row."""
        self._file.write(row)
        self._hash.update(row)
        self.size_bytes += len(row)

    def close(self) -> str:
        """Finish.

        Returns:
            The SHA-256 of all that was written, in hexadecimal.
        """
        self._file.close()
        return self._hash.hexdigest()
