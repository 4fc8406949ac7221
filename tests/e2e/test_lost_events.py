"""The test of all tests: no event of SageMaker reaches anybody, and the loop still gets through."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.conftest import Loop
from tests.support import datasets

MODEL = "unheard"
MINUTES_MAX = 60


@pytest.fixture
def silence(loop: Loop) -> Iterator[Loop]:
    """SageMaker works and says nothing."""
    loop.driftloop("fault", "drop-events", "aws.sagemaker/*", "--always")
    yield loop
    loop.driftloop("fault", "--clear")


def test_without_a_single_event_of_sagemaker_an_upload_still_becomes_a_live_version(silence: Loop) -> None:
    loop = silence
    loop.upload(MODEL, "weather.csv", datasets.rainfall())
    loop.ended(f"{MODEL}-train")

    _pass_time(loop, lambda: _has_heard(loop, "pending-approval") and not _runs(loop, "LEASE"))
    (package,) = loop.packages(MODEL)
    loop.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    _pass_time(loop, lambda: _has_heard(loop, "release-done"))

    assert loop.served(MODEL) == package
    assert loop.settled_files(MODEL, 1)["weather.csv"]["state"] == "CONSUMED"
    assert [run["PipelineExecutionStatus"] for run in loop.runs(f"{MODEL}-release")] == ["Succeeded"]
    assert len(loop.runs(f"{MODEL}-train")) == 1
    assert loop.journal("fault.struck", "aws.sagemaker/SageMaker Model Package State Change")


def _pass_time(loop: Loop, is_over: Callable[[], bool]) -> None:
    """Minute by minute, and what that starts gets its time; the reconciler looks each minute."""
    for _ in range(MINUTES_MAX):
        loop.driftloop("advance", "PT1M")
        if is_over():
            return
    raise AssertionError(f"not over after {MINUTES_MAX} minutes; people heard {loop.notices()}")


def _has_heard(loop: Loop, kind: str) -> bool:
    return any((notice["model"], notice["kind"]) == (MODEL, kind) for notice in loop.notices())


def _runs(loop: Loop, kind: str) -> bool:
    return any(row["state"] != "FREE" for row in loop.ledger(f"{kind}#{MODEL}"))
