"""Real flights by day: those that were flown, a seeded sample of each."""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from datetime import date
from functools import cache

from driftloop import datasets

SEED = 20130301


@dataclass(frozen=True)
class Flight:
    """A flight as production is asked about it, and whether it came more than 15 minutes late."""

    name: str
    body: str
    is_late: bool


def of_day(day: date, features: tuple[str, ...], count: int) -> list[Flight]:
    """Up to `count` flights of a day of 2013, the same each time."""
    rows = [row for row in _month(day.month) if row["day"] == str(day.day)]
    chosen = random.Random(f"{SEED} {day}").sample(rows, min(count, len(rows)))
    return [
        Flight(f"{day}-{number}", ",".join(row[name] for name in features), float(row["arr_delay"]) > 15)
        for number, row in enumerate(chosen)
    ]


@cache
def _month(month: int) -> list[dict[str, str]]:
    rows = csv.DictReader(datasets.flights(month).decode().splitlines())
    return [row for row in rows if row["arr_delay"] not in ("", "NA")]
