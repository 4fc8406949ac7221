"""A new model is compared with the one that production serves before anybody is asked to approve it."""

import random

from tests.e2e.conftest import Loop
from tests.e2e.production import calling
from tests.support import datasets

MODEL = "tarnished"


def test_what_is_surely_worse_than_the_champion_is_not_registered(loop: Loop) -> None:
    loop.upload(MODEL, "true.csv", datasets.rainfall(0, 5000))
    loop.ended(f"{MODEL}-train")
    (champion,) = loop.packages(MODEL)
    loop.driftloop("approve", champion, "--reason", "the first")
    loop.ended(f"{MODEL}-release")

    with calling(loop, MODEL):
        loop.upload(MODEL, "half of it made up.csv", _made_up(datasets.rainfall(5000, 11000), of_each=0.5))
        run = loop.ended(f"{MODEL}-train", 2)[-1]

    reason = loop.steps(run)["WorseThanChampion"]["FailureReason"]
    assert "of the hold-out the log loss is worse by" in reason
    assert champion in reason
    assert "(margin 0.02" in reason
    assert loop.packages(MODEL) == [champion]
    assert reason in loop.told(MODEL, "training-failed")
    assert loop.served(MODEL) == champion


def _made_up(content: bytes, of_each: float) -> bytes:
    """A table whose outcomes are drawn by lot for a share of the rows before the hold-out."""
    chance, rows = random.Random(1), content.count(b"\n") - 1
    trained_on = range(1, int(rows * 0.8))
    drawn = {(row, "rain"): chance.choice("01") for row in trained_on if chance.random() < of_each}
    return datasets.edited(content, drawn)
