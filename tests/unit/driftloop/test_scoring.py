"""AUC: the chance that a positive scores above a negative, ties counting half."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driftloop.scoring import auc


@pytest.mark.parametrize(
    ("outcomes", "scores", "expected"),
    [
        ([False, True], [0.1, 0.9], 1.0),
        ([True, False], [0.1, 0.9], 0.0),
        ([True, False], [0.5, 0.5], 0.5),
        ([False, False, True, True], [0.1, 0.4, 0.35, 0.8], 0.75),
        ([True, False, False], [0.5, 0.5, 0.1], 0.75),
        ([1, 0, 1, 0, 1], [3, 3, 3, 1, 2], 2 / 3),
    ],
)
def test_auc_is_the_share_of_pairs_in_the_right_order(
    outcomes: list[bool], scores: list[float], expected: float
) -> None:
    assert auc(outcomes, scores) == pytest.approx(expected)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, -3.5])), min_size=2, max_size=40))
def test_auc_is_what_counting_every_pair_gives(pairs: list[tuple[bool, float]]) -> None:
    positive = [score for outcome, score in pairs if outcome]
    negative = [score for outcome, score in pairs if not outcome]
    if not positive or not negative:
        with pytest.raises(ValueError, match="AUC needs both outcomes"):
            auc([outcome for outcome, _ in pairs], [score for _, score in pairs])
        return

    counted = sum((high > low) + (high == low) / 2 for high, low in product(positive, negative))

    found = auc([outcome for outcome, _ in pairs], [score for _, score in pairs])
    assert found == pytest.approx(counted / (len(positive) * len(negative)))


def test_scores_and_outcomes_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        auc([True, False], [0.5])
