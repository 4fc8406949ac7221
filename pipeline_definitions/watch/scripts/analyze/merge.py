"""Labels come late, twice, or never: which captured request has which label, and what became of the others.

Ground truth lies by the hour of its collection, `…/yyyy/mm/dd/hh/*.jsonl`, and names a request by its inference id, or
by its event id if the caller gave none. Of two labels of one request the one that was collected last counts.

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-model-quality-merge.html, read 2026-11.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

from pipeline_definitions.shared.scripts.capture import Record, truth_values

_HOUR: Final = re.compile(r"(\d{4})/(\d\d)/(\d\d)/(\d\d)/[^/]+$")


@dataclass(frozen=True)
class Label:
    """The truth about one request.

    Attributes:
        values: one a row of the request.
        collected_at: the hour it was found in, if its folder says.
    """

    values: tuple[str, ...]
    collected_at: datetime | None
    truth: Mapping[str, Any]


@dataclass(frozen=True)
class Labels:
    """All labels by request. `repeated` said the same again, `corrected` something else; the last one counts."""

    by_id: Mapping[str, Label]
    repeated: int = 0
    corrected: int = 0
    unreadable: int = 0


@dataclass(frozen=True)
class Merged:
    """Requests with their labels, and counts of what did not fit.

    Attributes:
        captured, labelled, unlabelled: requests, each counted once.
        captured_again: requests whose id was seen before; the first one counts.
        late: labels that came later than they should; they count nevertheless.
        of_others: labels of requests that are not in the window.
        delay_median_s: from the request to the hour of its label's collection.
    """

    pairs: tuple[tuple[Record, Label], ...]
    captured: int
    labelled: int
    unlabelled: int
    captured_again: int
    late: int
    of_others: int
    delay_median_s: float | None

    @property
    def coverage(self) -> float:
        """Share of captured requests with a label."""
        return self.labelled / self.captured if self.captured else 0.0


def read_labels(lines: Iterable[tuple[datetime | None, str]]) -> Labels:
    """Labels in the order of their collection."""
    found: dict[str, Label] = {}
    repeated = corrected = unreadable = 0
    for hour, line in lines:
        parsed = _parsed(line, hour)
        if parsed is None:
            unreadable += 1
            continue
        name, label = parsed
        before = found.get(name)
        repeated += before is not None and before.values == label.values
        corrected += before is not None and before.values != label.values
        if before is None or before.values != label.values:  # the first time that it was said counts for the delay
            found[name] = label
    return Labels(found, repeated, corrected, unreadable)


def read_merged(lines: Iterable[str]) -> Labels:
    """The labels in lines that a merge job wrote, by the ids of their requests."""
    return read_labels((None, relabelled) for line in lines if (relabelled := _as_label(line)))


def merge(records: Iterable[Record], labels: Labels, delay_max: timedelta) -> Merged:
    """Each request with its label."""
    seen: dict[str, Record] = {}
    again = 0
    for record in records:
        again += record.event_id in seen
        seen.setdefault(record.event_id, record)
    pairs = tuple((record, labels.by_id[name]) for name, record in seen.items() if name in labels.by_id)
    delays = [(label.collected_at - record.at).total_seconds() for record, label in pairs if label.collected_at]
    return Merged(
        pairs,
        len(seen),
        len(pairs),
        len(seen) - len(pairs),
        again,
        sum(delay > delay_max.total_seconds() for delay in delays),
        len(labels.by_id) - len(pairs),
        median(delays) if delays else None,
    )


def render(record: Record, label: Label) -> dict[str, Any]:
    """A line of the merge job's output."""
    document = record.document
    return {
        "eventVersion": document.get("eventVersion", "0"),
        "groundTruthData": dict(label.truth),
        "captureData": document["captureData"],
        "eventMetadata": document["eventMetadata"],
    }


def hour_of(path: Path) -> datetime | None:
    """The hour that a file's folders name."""
    found = _HOUR.search(path.as_posix())
    return datetime(*map(int, found.groups()), tzinfo=UTC) if found else None  # type: ignore[arg-type,misc]


def _as_label(line: str) -> str | None:
    try:
        document = json.loads(line)
        about = document["eventMetadata"]
        name = about.get("inferenceId") or about["eventId"]
        return json.dumps({"groundTruthData": document["groundTruthData"], "eventMetadata": {"eventId": name}})
    except (ValueError, KeyError, TypeError, AttributeError):
        return None  # counted where the request is read


def _parsed(line: str, hour: datetime | None) -> tuple[str, Label] | None:
    try:
        document = json.loads(line)
        truth, name = document["groundTruthData"], str(document["eventMetadata"]["eventId"])
        return name, Label(truth_values(truth), hour, truth)
    except (ValueError, KeyError, TypeError):
        return None
