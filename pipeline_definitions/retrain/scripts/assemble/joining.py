"""Which captured request has which label; what became of the others is counted.

Agrees with the analyzer's merge (pipeline_definitions/watch/scripts/analyze/merge.py), but holds of a request its id
alone, and of a label its value: bodies are many times larger, and a retraining has more of them than fit.

A request is known by its inference id, or by its event id if the caller gave none. Seen again, it counts once: champion
and shadow capture the same request both. Of several labels of a request the last one wins, in the order of the hours
of their collection, then of the objects' names, then of the lines.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from pipeline_definitions.shared.scripts import capture
from pipeline_definitions.shared.scripts.capture import INPUT, Names, Record, Row, UnreadableError, truth_values

_OUTCOMES: Final = {"1": True, "1.0": True, "true": True, "0": False, "0.0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Truth:
    """A label: one value a row, and when it was first said."""

    values: tuple[str, ...]
    collected_at: datetime


@dataclass
class Labels:
    """The last label of each request. `repeated` said the same again, `corrected` something else."""

    by_id: dict[str, Truth] = field(default_factory=dict)
    repeated: int = 0
    corrected: int = 0
    unreadable: int = 0


@dataclass
class Requests:
    """What became of captured requests.

    Attributes:
        captured: each counted once.
        captured_again: seen before, such as by the shadow.
        late: labelled later than labels should come; they count nevertheless.
        unusable: labelled, but label or body cannot be read, or there is not one label a row.
    """

    captured: int = 0
    captured_again: int = 0
    labelled: int = 0
    late: int = 0
    unusable: int = 0
    examples: list[str] = field(default_factory=list)

    @property
    def unlabelled(self) -> int:
        """Requests whose label has not come."""
        return self.captured - self.labelled

    def refuse(self, record: Record, reason: object) -> None:
        """Count a request that cannot be used."""
        self.unusable += 1
        if len(self.examples) < capture.TOLD:
            self.examples.append(f"{record.event_id}: {reason}")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row whose outcome is known."""

    at: datetime
    cells: Row
    is_positive: bool


def read_labels(lines: Iterable[tuple[datetime, str]]) -> Labels:
    """All labels, in the order in which they were collected."""
    found = Labels()
    same: dict[Truth, Truth] = {}  # few are different: there are two values and an hour
    for collected_at, line in lines:
        if not line.strip():
            continue
        try:
            document = json.loads(line)
            name, values = str(document["eventMetadata"]["eventId"]), truth_values(document["groundTruthData"])
        except (ValueError, KeyError, TypeError):
            found.unreadable += 1
            continue
        before = found.by_id.get(name)
        found.repeated += before is not None and before.values == values
        found.corrected += before is not None and before.values != values
        if before is None or before.values != values:  # the first time that it was said counts for the delay
            truth = Truth(values, collected_at)
            found.by_id[name] = same.setdefault(truth, truth)
    return found


def join(
    records: Iterable[Record], labels: Mapping[str, Truth], names: Names, told: Requests, delay_max: timedelta
) -> Iterator[Labelled]:
    """The rows of requests with a label."""
    seen: set[str] = set()
    for record in records:
        if record.event_id in seen:
            told.captured_again += 1
            continue
        seen.add(record.event_id)
        truth = labels.get(record.event_id)
        if truth is None:
            continue
        told.late += truth.collected_at - record.at > delay_max
        try:
            yield from _rows(record, truth, names)
        except UnreadableError as exc:
            told.refuse(record, exc)
        told.labelled += 1
    told.captured = len(seen)


def _rows(record: Record, truth: Truth, names: Names) -> list[Labelled]:
    found: list[dict[str, Any]] = capture.rows(record, (INPUT,), names)
    if len(found) != len(truth.values):
        raise UnreadableError(f"{len(truth.values)} labels for {len(found)} rows")
    outcomes = [_outcome(value) for value in truth.values]
    return [Labelled(record.at, row, outcome) for row, outcome in zip(found, outcomes, strict=True)]


def _outcome(value: str) -> bool:
    try:
        return _OUTCOMES[value.lower()]
    except KeyError as exc:
        raise UnreadableError(f"a label that is neither 1 nor 0: {value!r}") from exc
