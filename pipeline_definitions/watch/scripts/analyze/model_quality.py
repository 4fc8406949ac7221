"""The analysis of a model's quality: labels to captured answers, metrics, and what is worse than at the baseline."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pipeline_definitions.shared.scripts import capture
from pipeline_definitions.shared.scripts.capture import Names, Tally, Window
from pipeline_definitions.watch.scripts.analyze import merge, predictions, quality
from pipeline_definitions.watch.scripts.analyze.inputs import NoDataError
from pipeline_definitions.watch.scripts.analyze.merge import Labels, Merged
from pipeline_definitions.watch.scripts.analyze.predictions import Answers, Cells, Pairs


@dataclass(frozen=True)
class Question:
    """What is to be judged.

    Attributes:
        rows: what reads an answer's cells instead of us.
    """

    window: Window
    names: Names
    answers: Answers
    label_delay_max: timedelta
    rows: Cells | None = None


@dataclass(frozen=True)
class ModelQuality:
    """What was found.

    Attributes:
        metrics: empty if nothing has a label yet.
    """

    metrics: dict[str, Any]
    rows: int
    merged: Merged
    labels: Labels
    pairs: Pairs
    told: Tally

    def counts(self) -> dict[str, Any]:
        """What became of requests and labels, for the report."""
        merged = {key: value for key, value in vars(self.merged).items() if key != "pairs"}
        labels = {key: value for key, value in vars(self.labels).items() if key != "by_id"}
        unusable = {"requests": self.pairs.unreadable, "examples": self.pairs.examples}
        return {"captured": asdict(self.told), "labels": labels, "merged": merged, "unusable": unusable}


def analyze(data: Path, labels: Path | None, question: Question) -> ModelQuality:
    """Captured requests of the window, with their labels; those of merged lines stand in the lines.

    Raises:
        NoDataError: nothing was captured in the window. Labels may all be missing: that is for an alarm to say.
    """
    told = Tally()
    known = merge.read_labels(_label_lines(labels)) if labels else merge.read_merged(_lines(data))
    records = capture.records(_lines(data), question.window, told)
    merged = merge.merge(records, known, question.label_delay_max)
    if not merged.captured:
        raise NoDataError(f"{told.lines} captured lines, {told.outside_window} of them outside of the window")
    read = question.rows or partial(predictions.answer_cells, names=question.names)
    pairs = predictions.of_captured(merged, question.answers, read)
    rows = len(pairs.observed)
    metrics = quality.measure(question.answers.problem, pairs.observed) if rows else {}
    return ModelQuality(metrics, rows, merged, known, pairs, told)


def merged(data: Path, labels: Path) -> Iterator[tuple[Path, list[dict[str, Any]]]]:
    """What a merge job writes: by folder of the captured requests, below `data`, their lines with labels.

    Raises:
        NoDataError: nothing was captured.
    """
    known, files = merge.read_labels(_label_lines(labels)), _files(data)
    if not files:
        raise NoDataError(f"nothing captured below {data}")
    for folder in sorted({path.parent for path in files}):
        records = capture.records(_lines(folder), Window(), Tally())
        found = merge.merge(records, known, timedelta.max)
        if found.pairs:
            yield folder.relative_to(data), [merge.render(record, label) for record, label in found.pairs]


def _lines(folder: Path) -> Iterator[str]:
    for path in _files(folder):
        yield from path.read_text("utf-8", errors="replace").splitlines()


def _label_lines(folder: Path) -> Iterator[tuple[Any, str]]:
    for path in _files(folder):
        hour = merge.hour_of(path)
        yield from ((hour, line) for line in path.read_text("utf-8", errors="replace").splitlines() if line.strip())


def _files(folder: Path) -> Sequence[Path]:
    """Sorted, so that hours follow one another."""
    return sorted(folder.rglob("*.jsonl"))
