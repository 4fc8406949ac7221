"""The words in which `start_retraining` calls a person: once an episode and cause."""

from collections.abc import Mapping
from typing import Final

from lambdas.shared.ledger.episodes import Episode
from lambdas.shared.people import Notice
from lambdas.start_retraining.decision import Cause

_ADVICE: Final[Mapping[Cause, str]] = {
    Cause.NO_HELP: "Nothing starts any more against this champion while the alarm stands. Look at the reports of the "
    "monitors and at why the runs' models were not released; upload data, or approve a model that you trust. A new "
    "champion, or an alarm that is gone for longer than the cool-down, lets retraining begin anew.",
    Cause.MONEY: "Retraining goes on by itself when the money of earlier runs is older than that; or raise "
    "retraining.budget_usd in the model's settings.",
    Cause.IMPOSSIBLE: "Retraining goes on by itself once that is mended.",
}


def stopped(model: str, cause: Cause, episode: Episode, why: str) -> Notice:
    """The alarm stands, and retraining does not go on by itself."""
    return Notice(
        id=f"{cause.value}#{episode.id}",
        kind=cause.value,
        subject=f"{model}: retraining stopped, a person has to look",
        text=f"The alarm on {model} stands against {episode.champion}, and no retraining is started: {why}.\n"
        f"{_ADVICE[cause]}",
    )
