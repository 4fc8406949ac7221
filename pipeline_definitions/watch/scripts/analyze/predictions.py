"""Labels beside predictions, from captured answers with their truth or from a table, as the metrics want them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline_definitions.shared.scripts import capture
from pipeline_definitions.shared.scripts.capture import OUTPUT, Cell, Names, Record, Row, UnreadableError
from pipeline_definitions.watch.scripts.analyze.merge import Merged
from pipeline_definitions.watch.scripts.analyze.quality import BINARY, MULTICLASS, Observed


@dataclass(frozen=True)
class Answers:
    """Where an answer says what.

    Attributes:
        inference, probability: a column's name, or its place; the first cell is the probability of 1 of two classes and
            the prediction otherwise, if neither is said.
        threshold: from which probability on 1 is predicted, where no prediction is given.
    """

    problem: str
    inference: str | None = None
    probability: str | None = None
    threshold: float = 0.5


@dataclass(frozen=True)
class Pairs:
    """What can be judged.

    Attributes:
        unreadable: requests whose answers or labels cannot be used, such as with another number of labels than rows.
    """

    observed: Observed
    unreadable: int = 0
    examples: tuple[str, ...] = ()


Cells = Callable[[Record], list[Row]]


def answer_cells(record: Record, names: Names) -> list[Row]:
    """The cells of a captured answer."""
    return capture.cells(record.bodies[OUTPUT], names.outputs)


def of_captured(merged: Merged, answers: Answers, read: Cells) -> Pairs:
    """Rows of captured answers, as `read` finds them, with their labels."""
    rows: list[dict[str, Cell]] = []
    labels: list[str] = []
    refused: list[str] = []
    for record, label in merged.pairs:
        try:
            found = read(record)
            if len(found) != len(label.values):
                raise UnreadableError(f"{len(label.values)} labels for {len(found)} rows")
            observed(found, label.values, answers)
        except (UnreadableError, KeyError) as exc:
            refused.append(f"{record.event_id}: {exc}")
            continue
        rows += found
        labels += label.values
    return Pairs(observed(rows, labels, answers), len(refused), tuple(refused[: capture.TOLD]))


def of_table(frame: pl.DataFrame, label: str, answers: Answers) -> Pairs:
    """Rows of a baseline.

    Raises:
        UnreadableError: a column is missing, or holds what it cannot.
    """
    if label not in frame.columns:
        raise UnreadableError(f"the baseline has no column '{label}'; it has {', '.join(frame.columns)}")
    text = frame.select(pl.all().cast(pl.String))
    return Pairs(observed(text.drop(label).to_dicts(), text[label].to_list(), answers))


def observed(rows: Sequence[Mapping[str, Cell]], labels: Sequence[str | None], answers: Answers) -> Observed:
    """Cells as numbers or classes.

    Raises:
        UnreadableError: a cell is not there, or no number where one is needed.
    """
    if answers.problem == MULTICLASS:
        said = [_cell(row, answers.inference) for row in rows]
        return Observed(np.array([str(label) for label in labels]), np.array(said, dtype=str))
    truth = _numbers(labels)
    if answers.problem != BINARY:
        return Observed(truth, _numbers([_cell(row, answers.inference) for row in rows]))
    if not np.isin(truth, (0, 1)).all():
        raise UnreadableError(f"labels other than 0 and 1: {sorted(set(truth.tolist()) - {0.0, 1.0})[:3]}")
    has_scores = answers.probability is not None or answers.inference is None
    scores = _numbers([_cell(row, answers.probability) for row in rows]) if has_scores else None
    if answers.inference is not None:
        predicted = _numbers([_cell(row, answers.inference) for row in rows])
    else:
        predicted = np.asarray(scores) >= answers.threshold
    return Observed(truth.astype(int), predicted.astype(int), scores)


def _cell(row: Mapping[str, Cell], attribute: str | None) -> str:
    cells = list(row.values())
    where = attribute or "0"
    if where in row:
        found = row[where]
    elif where.isdigit() and int(where) < len(cells):
        found = cells[int(where)]
    else:
        raise UnreadableError(f"no '{where}' among {', '.join(row) or 'no cells'}")
    if found is None:
        raise UnreadableError(f"'{where}' is empty")
    return found


def _numbers(cells: Sequence[str | None]) -> np.ndarray:
    known = {"true": 1.0, "false": 0.0}
    try:
        found = [known[cell.lower()] if cell and cell.lower() in known else float(cell or "") for cell in cells]
    except ValueError as exc:
        raise UnreadableError(f"a number was expected: {exc}") from exc
    return np.array(found)
