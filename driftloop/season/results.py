"""A season in figures: month by month, the loop beside the model that was left alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from driftloop.scoring import auc
from driftloop.season.play import Answer

_LEAST = 1e-6


@dataclass(frozen=True)
class Month:
    """AUC and mean log loss of both on the same flights."""

    first: date
    flights: int
    late: float
    loop_auc: float
    frozen_auc: float
    loop_loss: float
    frozen_loss: float


def months(answers: Sequence[Answer]) -> list[Month]:
    """Months in which both outcomes occur."""
    return [
        _month(list(group)) for _, group in groupby(answers, key=lambda answer: (answer.day.year, answer.day.month))
    ]


def whole(answers: Sequence[Answer]) -> Month:
    """All flights together."""
    return _month(answers)


def _month(answers: Sequence[Answer]) -> Month:
    truths = [answer.is_late for answer in answers]
    loop, frozen = [answer.loop for answer in answers], [answer.frozen for answer in answers]
    return Month(
        answers[0].day,
        len(answers),
        sum(truths) / len(truths),
        auc(truths, loop),
        auc(truths, frozen),
        _log_loss(zip(truths, loop, strict=True)),
        _log_loss(zip(truths, frozen, strict=True)),
    )


def _log_loss(pairs: Iterable[tuple[bool, float]]) -> float:
    losses = [-math.log(max(_LEAST, score if truth else 1 - score)) for truth, score in pairs]
    return sum(losses) / len(losses)
