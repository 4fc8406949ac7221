"""The judge keeps its promises: simulated with labels that are drawn and models that are noisy.

A record has a true chance p; a model says p with noise of its own on the logit scale; the label is drawn from p. Two
models with the same noise are equally good, whatever one sample of records makes of them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from lambdas.answer_waits.judge import Evidence, Plan, Spread, Verdict, judge, plan
from lambdas.answer_waits.moments import Moments
from lambdas.shared.settings import ExperimentSettings, GuardRails

Array = np.ndarray[Any, Any]

RUNS = 20_000
AT_ONCE = 500
RAILS = GuardRails(requests_min=100, error_rate_max=0.02, p95_ms_max=1000, null_rate_max=0.01)
PAIRED = ExperimentSettings("paired", "log_loss", 0.02, 0.05, 0.8, 0.1, (), 259_200, 3600, RAILS)
NOISE = 0.35


@dataclass(frozen=True)
class Nature:
    """How records and models come about."""

    noise_champion: float = NOISE
    noise_challenger: float = NOISE

    def losses(self, chance: np.random.Generator, shape: tuple[int, int]) -> tuple[Array, Array]:
        """Log losses of champion and challenger on the same records. Shape: runs, records."""
        logit = chance.normal(-1.2, 1.2, shape)
        labels = chance.random(shape) < 1 / (1 + np.exp(-logit))
        return (
            _log_loss(logit + chance.normal(0, self.noise_champion, shape), labels),
            _log_loss(logit + chance.normal(0, self.noise_challenger, shape), labels),
        )

    def spread(self) -> Spread:
        """As a comparison on a large hold-out would find it."""
        champion, challenger = self.losses(np.random.default_rng(1), (1, 400_000))
        return Spread(champion.std(), challenger.std(), (champion - challenger).std())

    def effect(self) -> float:
        """Champion's mean loss minus the challenger's."""
        champion, challenger = self.losses(np.random.default_rng(2), (1, 4_000_000))
        return float((champion - challenger).mean())


def _log_loss(logit: Array, labels: Array) -> Array:
    return np.logaddexp(0, np.where(labels, -logit, logit))


def _moments(values: Array) -> Iterator[Moments]:
    mean = values.mean(axis=1, keepdims=True)
    deviation = values - mean
    m2, m3 = (deviation**2).sum(axis=1), (deviation**3).sum(axis=1)
    for row in zip(mean[:, 0].tolist(), m2.tolist(), m3.tolist(), strict=True):
        yield Moments(values.shape[1], *row)


def _evidence(planned: Plan, nature: Nature, chance: np.random.Generator) -> Iterator[Evidence]:
    if planned.mode == "paired":
        champion, challenger = nature.losses(chance, (AT_ONCE, planned.challenger_n))
        for difference in _moments(champion - challenger):
            yield Evidence(difference=difference)
        return
    champion, _ = nature.losses(chance, (AT_ONCE, planned.champion_n))
    _, challenger = nature.losses(chance, (AT_ONCE, planned.challenger_n))
    for one, other in zip(_moments(champion), _moments(challenger), strict=True):
        yield Evidence(champion=one, challenger=other)


def _share_promoted(planned: Plan, nature: Nature, runs: int) -> float:
    chance = np.random.default_rng(20260301)
    promoted = sum(
        judge(planned, evidence, abort="", is_time_over=False).verdict is Verdict.PROMOTE
        for _ in range(runs // AT_ONCE)
        for evidence in _evidence(planned, nature, chance)
    )
    return promoted / runs


def _upper_bound(share: float, runs: int) -> float:
    """Wilson's, one-sided 95 %."""
    z = 1.6449
    middle = share + z**2 / (2 * runs)
    return (middle + z * math.sqrt(share * (1 - share) / runs + z**2 / (4 * runs**2))) / (1 + z**2 / runs)


SPLIT = replace(PAIRED, mode="split", minimum_effect=0.1)


@pytest.mark.parametrize(
    "aim",
    [
        pytest.param(PAIRED, id="paired"),
        pytest.param(replace(PAIRED, minimum_effect=1.0), id="paired, fewest records"),
        pytest.param(SPLIT, id="split"),
        pytest.param(replace(SPLIT, minimum_effect=1.0, start_weight=0.2), id="split, fewest records"),
        pytest.param(replace(PAIRED, minimum_effect=0.03, alpha=0.01), id="paired, alpha 1 %"),
    ],
)
def test_a_challenger_that_is_no_better_is_promoted_at_most_as_often_as_alpha_says(aim: ExperimentSettings) -> None:
    nature = Nature()
    planned = plan(aim, nature.spread())

    promoted = _share_promoted(planned, nature, RUNS)

    assert _upper_bound(promoted, RUNS) <= aim.alpha + 0.005


@pytest.mark.parametrize("aim", [PAIRED, SPLIT], ids=["paired", "split"])
def test_a_challenger_that_is_better_by_the_planned_effect_is_promoted_as_often_as_planned(
    aim: ExperimentSettings,
) -> None:
    nature = Nature(noise_champion=1.2 if aim.mode == "split" else 0.6)
    planned = plan(replace(aim, minimum_effect=nature.effect()), nature.spread())

    promoted = _share_promoted(planned, nature, 4_000)

    assert promoted == pytest.approx(aim.power, abs=0.05)


def test_a_challenger_that_is_worse_is_hardly_ever_promoted() -> None:
    nature = Nature(noise_challenger=0.6)
    planned = plan(PAIRED, nature.spread())

    assert _share_promoted(planned, nature, 4_000) < 0.001
