"""The judge of an experiment: how many records it takes, what it can detect, and what the records say. Pure.

The outcome is looked at once, when the planned sample is there: so the chance of promoting a challenger that is no
better is `alpha`, however often somebody asks before. Guard-rails are looked at every time and can only end the
experiment for the champion. Losses are skewed, and a t-test then errs in favour of the arm with fewer of them; taking
the skewness out (Hall 1992, "On the removal of skewness by transformation", cubic form) errs where tails are heavy and
there is none. The challenger has to pass both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Final

from lambdas.answer_waits.moments import Moments
from lambdas.shared.settings import ExperimentSettings, GuardRails

RECORDS_MIN: Final = {"paired": 100, "split": 200}
"""Labelled records of an arm below which no effect is believed: simulation says that `alpha` holds from there on."""
RECORDS_MAX: Final = 100_000
"""Labelled records of an arm that one look can hold; a plan never asks for more."""

_NORMAL: Final = NormalDist()
_TINY: Final = 1e-12
_NOTHING: Final = Moments()


class Verdict(StrEnum):
    """What an experiment says."""

    CONTINUE = "continue"
    PROMOTE = "promote"
    KEEP = "keep"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Spread:
    """Standard deviations of the loss, from the comparison before the experiment.

    Attributes:
        difference: of champion's minus challenger's loss on the same record.
    """

    champion: float
    challenger: float
    difference: float


@dataclass(frozen=True)
class Plan:
    """What the experiment needs and what it can tell.

    Attributes:
        champion_n: labelled records of the champion; in mode paired the pairs.
        challenger_n: labelled records of the challenger; in mode paired the pairs.
        detectable: improvement of the mean loss that is found with the planned power.
        is_cut: the sample for `minimum_effect` is more than one look can hold.
    """

    mode: str
    champion_n: int
    challenger_n: int
    detectable: float
    alpha: float
    power: float
    is_cut: bool = False


@dataclass(frozen=True)
class Evidence:
    """Losses so far. In mode paired there is one sample, of differences champion minus challenger."""

    champion: Moments = _NOTHING
    challenger: Moments = _NOTHING
    difference: Moments = _NOTHING


@dataclass(frozen=True)
class Bucket:
    """The challenger's requests in a few minutes; `p95_ms` is None where no latency was measured."""

    requests: float
    errors: float
    p95_ms: float | None


@dataclass(frozen=True)
class Health:
    """How the challenger does apart from being right.

    Attributes:
        buckets: its requests, the oldest first.
        captured: its answers that were captured.
        nulls: those among them that are no prediction.
    """

    buckets: Sequence[Bucket] = ()
    captured: int = 0
    nulls: int = 0


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason in a line."""

    verdict: Verdict
    reason: str


def plan(aim: ExperimentSettings, spread: Spread) -> Plan:
    """The sample that finds `minimum_effect` with the planned power, and what that sample can detect."""
    shares = _shares(aim)
    variance = _variance(aim, spread, shares)
    needed = variance * (_quantiles(aim) / aim.minimum_effect) ** 2
    wanted = max(math.ceil(needed), math.ceil(RECORDS_MIN[aim.mode] / min(shares)))
    limit = math.floor(RECORDS_MAX / max(shares))
    records = min(wanted, limit)
    champion_n, challenger_n = (math.ceil(records * share) for share in shares)
    detectable = _quantiles(aim) * math.sqrt(variance / records)
    return Plan(aim.mode, champion_n, challenger_n, detectable, aim.alpha, aim.power, wanted > limit)


def judge(plan: Plan, evidence: Evidence, *, abort: str, is_time_over: bool) -> Judgement:
    """Guard-rails first, then the outcome if the planned sample is there, then the time limit.

    Args:
        abort: what a guard-rail says; empty if they all hold.
    """
    if abort:
        return Judgement(Verdict.KEEP, f"guard-rail: {abort}")
    so_far = _so_far(plan, evidence)
    if _is_complete(plan, evidence):
        return _outcome(plan, evidence, so_far)
    if is_time_over:
        return Judgement(Verdict.INCONCLUSIVE, f"time limit reached with {so_far}; the champion stays")
    return Judgement(Verdict.CONTINUE, so_far)


def broken_guard_rail(rails: GuardRails, health: Health) -> str:
    """The guard-rail that the challenger breaks, with the numbers; empty if none.

    Errors and latency are those of its latest `requests_min` requests or a few more, so that a good beginning does
    not hide a bad end. The p95 of several minutes is the mean of theirs, weighted by requests.
    """
    latest = _latest(health.buckets, rails.requests_min)
    requests = sum(bucket.requests for bucket in latest)
    if requests >= rails.requests_min:
        errors = sum(bucket.errors for bucket in latest)
        if errors / requests > rails.error_rate_max:
            return _said("5xx", errors, requests, rails.error_rate_max)
        p95_ms = _p95_ms(latest)
        if p95_ms > rails.p95_ms_max:
            return f"p95 {p95_ms:.0f} ms over the last {requests:.0f} requests, at most {rails.p95_ms_max:.0f} ms"
    if health.captured >= rails.requests_min and health.nulls / health.captured > rails.null_rate_max:
        return _said("null predictions", health.nulls, health.captured, rails.null_rate_max)
    return ""


def statistic(plan: Plan, evidence: Evidence) -> tuple[float, float, float]:
    """Mean improvement, the statistic that is compared, and its critical value."""
    if plan.mode == "paired":
        samples = [(evidence.difference, 1.0)]
    else:
        samples = [(evidence.champion, 1.0), (evidence.challenger, -1.0)]
    improvement = sum(sign * sample.mean for sample, sign in samples)
    parts = [sample.variance / sample.n for sample, _ in samples]
    error = math.sqrt(sum(parts))
    if error < _TINY:  # no spread: equal models, or one that is better by a constant
        return improvement, math.copysign(math.inf, improvement) if abs(improvement) > _TINY else 0.0, 0.0
    freedom = sum(parts) ** 2 / sum(part**2 / (sample.n - 1) for part, (sample, _) in zip(parts, samples, strict=True))
    skew = sum(sign * sample.third / sample.n**2 for sample, sign in samples) / error**3
    t = improvement / error
    return improvement, min(t, _without_skew(t, skew)), _critical(plan.alpha, freedom)


def _outcome(plan: Plan, evidence: Evidence, so_far: str) -> Judgement:
    improvement, found, critical = statistic(plan, evidence)
    numbers = f"improvement {improvement:+.5f}, t {found:.2f} against {critical:.2f} (alpha {plan.alpha:g}), {so_far}"
    if found > critical:
        return Judgement(Verdict.PROMOTE, f"the challenger is better: {numbers}")
    is_worse = found < -critical
    said = "the challenger is worse" if is_worse else "the challenger is not shown to be better"
    return Judgement(Verdict.KEEP, f"{said}: {numbers}")


def _is_complete(plan: Plan, evidence: Evidence) -> bool:
    if plan.mode == "paired":
        return evidence.difference.n >= plan.challenger_n
    return evidence.champion.n >= plan.champion_n and evidence.challenger.n >= plan.challenger_n


def _so_far(plan: Plan, evidence: Evidence) -> str:
    if plan.mode == "paired":
        return f"{evidence.difference.n} of {plan.challenger_n} labelled pairs"
    return (
        f"{evidence.champion.n} of {plan.champion_n} labelled records of the champion, "
        f"{evidence.challenger.n} of {plan.challenger_n} of the challenger"
    )


def _shares(aim: ExperimentSettings) -> tuple[float, float]:
    """Of all records, which share each arm gets."""
    if aim.mode == "paired":
        return (1.0, 1.0)
    share = (aim.start_weight, *aim.ramp)[-1]
    return (1.0 - share, share)


def _variance(aim: ExperimentSettings, spread: Spread, shares: tuple[float, float]) -> float:
    """Of the improvement, times the number of records."""
    if aim.mode == "paired":
        return spread.difference**2
    return spread.champion**2 / shares[0] + spread.challenger**2 / shares[1]


def _quantiles(aim: ExperimentSettings) -> float:
    return _NORMAL.inv_cdf(1 - aim.alpha) + _NORMAL.inv_cdf(aim.power)


def _without_skew(t: float, skew: float) -> float:
    return t + skew * t**2 / 3 + skew**2 * t**3 / 27 + skew / 6


def _critical(alpha: float, freedom: float) -> float:
    """Student's quantile. Source: Cornish-Fisher expansion, Abramowitz and Stegun 26.7.5."""
    z = _NORMAL.inv_cdf(1 - alpha)
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _latest(buckets: Sequence[Bucket], requests_min: int) -> list[Bucket]:
    """The newest buckets that together have enough requests, or all."""
    taken: list[Bucket] = []
    for bucket in reversed(buckets):
        taken.append(bucket)
        if sum(each.requests for each in taken) >= requests_min:
            break
    return taken


def _p95_ms(buckets: Sequence[Bucket]) -> float:
    measured = [(bucket.p95_ms, bucket.requests) for bucket in buckets if bucket.p95_ms is not None]
    requests = sum(count for _, count in measured)
    return sum(p95_ms * count for p95_ms, count in measured) / requests if requests else 0.0


def _said(what: str, found: float, of: float, most: float) -> str:
    return f"{found:.0f} {what} in {of:.0f} requests ({found / of:.1%}), at most {most:.1%}"
