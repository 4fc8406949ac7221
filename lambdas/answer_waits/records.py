"""Captured answers and late labels as losses, joined by inference id. Pure: lines in, samples and counts out.

Source: SageMaker developer guide, data capture and "Ingest ground truth labels and merge them with predictions": the
event id of a label is the caller's inference id where one was given, else the capture's own; read 2026-11.
"""

import base64
import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from lambdas.answer_waits import moments
from lambdas.answer_waits.judge import Evidence
from lambdas.answer_waits.moments import Moments
from lambdas.shared.events import parse_time

CAPTURED_MAX: Final = 150_000
"""Rows of one variant that a look holds in memory: about 40 MB."""

Rows = tuple[float | None, ...]
Line = tuple[str, bytes]
"""An hour, as `2026/03/01/07`, and a line of JSON."""


def log_loss(prediction: float, label: float) -> float:
    """Surprise. Units: nats. As the evaluation before the experiment counts it."""
    return -math.log(max(prediction if label == 1 else 1 - prediction, sys.float_info.epsilon))


def squared_error(prediction: float, label: float) -> float:
    """Brier score of one record, where predictions are probabilities."""
    return (prediction - label) ** 2


LOSSES: Final[Mapping[str, Callable[[float, float], float]]] = {"log_loss": log_loss, "squared_error": squared_error}


@dataclass
class Captured:
    """What one variant answered.

    Attributes:
        rows: predictions by inference id; None for one that is no probability.
        counts: rows captured and null, lines that repeat an id or cannot be read.
        is_cut: there was more than a look can hold; the earliest is here.
    """

    rows: dict[str, Rows] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    is_cut: bool = False


@dataclass(frozen=True)
class Joined:
    """Losses of labelled records.

    Attributes:
        by_hour: samples by the hour in which the labels came.
        counts: what did not join, and why.
    """

    by_hour: Mapping[str, Evidence]
    counts: Mapping[str, int]

    @property
    def evidence(self) -> Evidence:
        """All hours together."""
        hours = self.by_hour.values()
        return Evidence(
            champion=moments.total(hour.champion for hour in hours),
            challenger=moments.total(hour.challenger for hour in hours),
            difference=moments.total(hour.difference for hour in hours),
        )


def read_captured(lines: Iterable[Line], since: datetime) -> Captured:
    """The answers of one variant since the experiment began."""
    captured = Captured()
    began = since.replace(microsecond=0)  # captures tell whole seconds
    for _, line in lines:
        try:
            record = json.loads(line)
            event = record["eventMetadata"]
            rows = _predictions(record["captureData"]["endpointOutput"])
            if parse_time(event["inferenceTime"]) < began:
                continue
        except (ValueError, KeyError, TypeError):
            captured.counts["unreadable"] += 1
            continue
        if captured.counts["captured"] + len(rows) > CAPTURED_MAX:
            captured.is_cut = True
            break
        _keep(captured, event.get("inferenceId") or event["eventId"], rows)
    return captured


def join(mode: str, metric: str, champion: Captured, challenger: Captured, labels: Iterable[Line]) -> Joined:
    """Losses by the hour of their labels. A label counts once, however often it comes."""
    joining = _Joining(LOSSES[metric], champion.rows, challenger.rows)
    for hour, line in labels:
        try:
            record = json.loads(line)
            label = record["eventMetadata"]["eventId"]
            truth = _labels(record["groundTruthData"])
        except (ValueError, KeyError, TypeError):
            joining.counts["labels unreadable"] += 1
            continue
        joining.take(mode, hour, label, truth)
    known = champion.rows.keys() & challenger.rows.keys() if mode == "paired" else {*champion.rows, *challenger.rows}
    joining.counts["without label"] = len(known) - len(joining.seen)
    return Joined({hour: _evidence(samples) for hour, samples in joining.samples.items()}, dict(joining.counts))


class _Joining:
    """Labels taken one by one."""

    def __init__(
        self, loss: Callable[[float, float], float], champion: Mapping[str, Rows], challenger: Mapping[str, Rows]
    ) -> None:
        self._loss = loss
        self._champion, self._challenger = champion, challenger
        self.seen: dict[str, tuple[float, ...]] = {}
        self.samples: dict[str, dict[str, Moments]] = {}
        self.counts: Counter[str] = Counter()

    def take(self, mode: str, hour: str, label: str, truth: tuple[float, ...]) -> None:
        """One label."""
        arms = [rows.get(label) for rows in (self._champion, self._challenger)]
        if label in self.seen:
            self.counts["labels repeated" if self.seen[label] == truth else "labels contradicting"] += 1
        elif arms == [None, None]:
            self.counts["labels without answer"] += 1
        elif mode == "paired" and None in arms:
            self.counts["labels of one variant only"] += 1
        elif mode == "split" and None not in arms:
            self.counts["answered by both variants"] += 1
        elif any(rows is not None and len(rows) != len(truth) for rows in arms):
            self.counts["labels of another length"] += 1
        else:
            self.seen[label] = truth
            self._count(hour, truth, arms)

    def _count(self, hour: str, truth: tuple[float, ...], arms: list[Rows | None]) -> None:
        samples = self.samples.setdefault(hour, {})
        for row, label in enumerate(truth):
            losses = [None if rows is None else self._loss_of(rows[row], label) for rows in arms]
            for arm, loss in zip(("champion", "challenger"), losses, strict=True):
                _add(samples, arm, loss)
            if None not in arms:
                one, other = losses
                _add(samples, "difference", None if one is None or other is None else one - other)

    def _loss_of(self, prediction: float | None, label: float) -> float | None:
        if prediction is None:
            self.counts["labelled, answer null"] += 1
            return None
        return self._loss(prediction, label)


def _add(samples: dict[str, Moments], name: str, value: float | None) -> None:
    if value is not None:
        samples[name] = moments.merge(samples.get(name, Moments()), Moments(1, value))


def _evidence(samples: Mapping[str, Moments]) -> Evidence:
    return Evidence(**samples)


def _keep(captured: Captured, inference_id: str, rows: Rows) -> None:
    """The first answer to an id stands: a caller that asks again gets the same label."""
    captured.counts["captured"] += len(rows)
    captured.counts["null"] += rows.count(None)
    if inference_id in captured.rows:
        captured.counts["repeated"] += 1
    else:
        captured.rows[inference_id] = rows


def _predictions(side: Mapping[str, str]) -> Rows:
    return tuple(_probability(value) for value in _values(side["data"], side["encoding"]))


def _labels(side: Mapping[str, str]) -> tuple[float, ...]:
    """One label a row.

    Raises:
        ValueError: one is neither 0 nor 1.
    """
    labels = tuple(float(value) for value in _values(side["data"], side["encoding"]))
    if not labels or not set(labels) <= {0.0, 1.0}:
        raise ValueError(f"expected labels 0 and 1, found {labels}")
    return labels


def _values(data: Any, encoding: str) -> list[Any]:
    """The values of a body, one a row: CSV in lines or a line, JSON as a number, a list, or `predictions` with `score`.

    Raises:
        ValueError: it is none of these.
    """
    text = base64.b64decode(data).decode() if encoding == "BASE64" else str(data)
    if encoding == "JSON" or text.lstrip()[:1] in ("[", "{"):
        return _json_values(json.loads(text))
    return text.strip().replace("\n", ",").split(",")


def _json_values(found: Any) -> list[Any]:
    if isinstance(found, dict):
        found = found["predictions"]
    rows = found if isinstance(found, list) else [found]
    return [row["score"] if isinstance(row, dict) else row for row in rows]


def _probability(value: Any) -> float | None:
    """None for what is no probability: null, empty, a word, not a number, out of range."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 1 else None
