"""How good a score is, once it is known what really happened."""

from __future__ import annotations

from collections.abc import Sequence


def auc(outcomes: Sequence[bool], scores: Sequence[float]) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half.

    Args:
        outcomes: what happened. Shape: (n,), bool.
        scores: what was predicted, higher for likelier. Shape: (n,), float.

    Raises:
        ValueError: all outcomes are the same, so that there is nothing to rank.
    """
    positives = sum(outcomes)
    negatives = len(outcomes) - positives
    if not positives or not negatives:
        raise ValueError(f"AUC needs both outcomes; found {positives} positive and {negatives} negative")
    ranked = sorted(zip(scores, outcomes, strict=True))
    rank_sum, start = 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        shared_rank = (start + 1 + end) / 2
        rank_sum += shared_rank * sum(outcome for _, outcome in ranked[start:end])
        start = end
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
