"""Real tables, and what may be wrong with a file."""

import csv
import io
from collections.abc import Collection, Iterator

from driftloop.datasets import flights, rainfall

__all__ = ["edited", "flights", "head", "rainfall", "without"]


def edited(content: bytes, changes: dict[tuple[int, str], str]) -> bytes:
    """A CSV file with some cells changed: (row of data from 1, column) -> text."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    for (row, column), text in changes.items():
        rows[row][rows[0].index(column)] = text
    return _csv(rows)


def without(content: bytes, columns: Collection[str]) -> bytes:
    """A CSV file with some columns dropped."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    kept = [place for place, name in enumerate(rows[0]) if name not in columns]
    return _csv([row[place] for place in kept] for row in rows)


def head(content: bytes, rows: int) -> bytes:
    """Header and first rows of a CSV file."""
    return b"\n".join(content.split(b"\n")[: rows + 1]) + b"\n"


def _csv(rows: Iterator[list[str]] | list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
