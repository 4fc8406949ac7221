"""What a person may try: when a policy asks for a retraining, and the terms under which the guard answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import isodate

from driftloop.errors import UserError
from lambdas.shared.settings import RetrainingPolicy

MONTH_S: Final = -1.0
"""Stands for the calendar's months, which have no length."""
KINDS: Final = "never, monthly, every:P14D, drift:0.1, quality:0.05, or several joined by +"


@dataclass(frozen=True)
class Policy:
    """When a model asks to be retrained; several reasons are one composite alarm.

    Attributes:
        drift: the distance beyond which a feature has drifted.
        quality: by how much the metric may be worse than on the champion's hold-out.
        every_s: by the calendar; `MONTH_S` for months.
    """

    name: str
    drift: float | None = None
    quality: float | None = None
    every_s: float | None = None


@dataclass(frozen=True)
class Prices:
    """What labels and runs cost.

    Attributes:
        training_usd: None for what a run's seconds cost here.
    """

    label_usd: float = 0.0
    training_usd: float | None = None


@dataclass(frozen=True)
class Terms:
    """What all policies have in common.

    Attributes:
        guard: the guard's own settings.
        look_every_s: how often the monitors run.
        lead_s: from the start of a run to its model in production: training, approval, release.
        ignored: features whose drift is not watched.
    """

    guard: RetrainingPolicy
    look_every_s: float
    lead_s: float
    prices: Prices = Prices()
    ignored: frozenset[str] = frozenset()


def parse(text: str) -> Policy:
    """A policy as it is typed.

    Raises:
        UserError: it is none.
    """
    found: dict[str, float] = {}
    for part in text.split("+"):
        kind, _, value = part.partition(":")
        if kind == "never" and text == "never":
            continue
        if kind == "monthly" and not value:
            found["every_s"] = MONTH_S
        elif kind in _READERS:
            try:
                found["every_s" if kind == "every" else kind] = _READERS[kind](value)
            except (ValueError, isodate.ISO8601Error) as exc:
                raise UserError(f"policy '{text}': {value!r} cannot be read: {exc}; there are {KINDS}") from exc
        else:
            raise UserError(f"policy '{text}': unknown; there are {KINDS}")
    return Policy(text, **found)


def terms(durations: Mapping[str, str], guard: Mapping[str, Any], prices: Prices, ignored: frozenset[str]) -> Terms:
    """The terms as they are typed.

    Args:
        durations: `look_every_s`, `lead_s`, and those of the guard, as ISO 8601 has them.
        guard: the other settings of the guard.

    Raises:
        UserError: a duration cannot be read, or the monitors would never look.
    """
    known = {name: duration(name, text) for name, text in durations.items()}
    look_every_s, lead_s = known.pop("look_every_s"), known.pop("lead_s")
    if look_every_s <= 0:
        raise UserError("--every: expected a time longer than none")
    spans = {name: int(value) for name, value in known.items()}
    policy = RetrainingPolicy(**spans, **guard, per_day_max=1, budget_days=30)
    return Terms(policy, look_every_s, lead_s, prices, ignored)


def duration(name: str, text: str) -> float:
    """A duration as it is typed. Units: seconds.

    Raises:
        UserError: it is none.
    """
    try:
        return seconds(text)
    except (ValueError, isodate.ISO8601Error) as exc:
        raise UserError(f"{name} {text!r}: {exc}; expected a duration as ISO 8601 has it, such as P7D or PT6H") from exc


def seconds(text: str) -> float:
    """A duration, as ISO 8601 has it; months and years have no length here."""
    found = isodate.parse_duration(text)
    if isinstance(found, isodate.Duration):
        raise ValueError(f"{text} has months or years; say days, such as P30D")
    return float(found.total_seconds())


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise ValueError("expected a number between 0 and 1")
    return value


_READERS: Final[dict[str, Callable[[str], float]]] = {"drift": _positive, "quality": _positive, "every": seconds}
