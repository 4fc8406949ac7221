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
_DAY_S: Final = 86_400
KINDS: Final = "never, monthly, every:P14D, drift:0.1, quality:0.05, or several joined by +"


@dataclass(frozen=True)
class Policy:
    """When a model asks to be retrained; several reasons are one composite alarm.

    Attributes:
        drift: the distance beyond which a feature has drifted.
        quality: the share of the metric on the champion's hold-out that may be lost, as `monitoring.quality.margin`.
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


@dataclass(frozen=True)
class Given:
    """What a person said in place of the model's settings; None where nothing. Durations as ISO 8601 has them."""

    every: str | None = None
    window: str | None = None
    label_delay: str | None = None
    cooldown: str | None = None
    runs_max: int | None = None
    history_share: float | None = None
    budget_usd: float | None = None
    ignored: tuple[str, ...] | None = None


def terms(contract: Mapping[str, Any], given: Given, lead_s: float, prices: Prices) -> Terms:
    """The terms of production: the sections `monitoring` and `retraining` of the settings, where nothing is said.

    Raises:
        UserError: a duration cannot be read, or the monitors would never look.
    """
    watch, guard = contract.get("monitoring", {}), contract.get("retraining", {})
    every_s = _span("--every", given.every, watch.get("every_h", 24) * 3600)
    if every_s <= 0:
        raise UserError("--every: expected a time longer than none")
    policy = RetrainingPolicy(
        cooldown_s=_span("--cooldown", given.cooldown, guard.get("cooldown_s", 7 * _DAY_S)),
        per_day_max=guard.get("per_day_max", 1),
        runs_max=guard.get("runs_max", 3) if given.runs_max is None else given.runs_max,
        budget_usd=guard.get("budget_usd", 50.0) if given.budget_usd is None else given.budget_usd,
        budget_days=guard.get("budget_days", 30),
        history_share=guard.get("history_share", 0.5) if given.history_share is None else given.history_share,
        label_delay_s=_span("--label-delay", given.label_delay, watch.get("label_delay_s", 7 * _DAY_S)),
        window_s=_span("--window", given.window, watch.get("window_s", _DAY_S)),
    )
    ignored = watch.get("drift", {}).get("ignore", ()) if given.ignored is None else given.ignored
    return Terms(policy, every_s, lead_s, prices, frozenset(ignored))


def _span(name: str, text: str | None, otherwise_s: int) -> int:
    return otherwise_s if text is None else int(duration(name, text))


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
