"""The second version of a model is judged beside the first, on real requests and labels that come late."""

from typing import Any

from tests.e2e.conftest import Loop
from tests.e2e.echoes import echoing, send_callbacks_again
from tests.e2e.production import ask, calling, experimenting, label, verdict, weather
from tests.support import datasets

MODEL, ENDPOINT = "rivals", "driftloop-rivals-prod"


def _train(loop: Loop, name: str, body: bytes, version: int) -> str:
    """Have a version trained and approved; answers its package."""
    loop.upload(MODEL, name, body)
    runs = loop.ended(f"{MODEL}-train", version)
    assert runs[-1]["PipelineExecutionStatus"] == "Succeeded"
    package = loop.packages(MODEL)[-1]
    loop.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    return package


def _label_later(loop: Loop, truths: dict[str, int]) -> None:
    """Tell what came to pass, an hour later."""
    loop.driftloop("advance", "PT1H")
    label(loop, MODEL, truths)
    loop.driftloop("advance", "PT11M")


def _verdict(loop: Loop, release: int) -> tuple[str, dict[str, Any]]:
    """The newest release's verdict and the report behind it, once it has ended."""
    return verdict(loop, loop.ended(f"{MODEL}-release", release)[-1])


def test_a_better_challenger_is_promoted_when_its_labels_have_come(loop: Loop) -> None:
    first = _train(loop, "few.csv", datasets.rainfall(0, 600), 1)
    (release,) = loop.ended(f"{MODEL}-release")
    assert release["PipelineExecutionStatus"] == "Succeeded", [
        s.get("FailureReason") for s in loop.steps(release).values()
    ]
    assert loop.served(MODEL) == first

    with calling(loop, MODEL) as caller, echoing(loop, MODEL):
        second = _train(loop, "many.csv", datasets.rainfall(0, 10_000), 2)
        experimenting(loop, MODEL, 2)
        send_callbacks_again(loop, MODEL)
        assert "can detect" in loop.told(MODEL, "experiment-started", 60)
        _label_later(loop, ask(loop, MODEL, weather(10_000, 11_500), "a"))
        said, report = _verdict(loop, 2)
        send_callbacks_again(loop, MODEL)

    assert caller.answers > 100
    assert (said, loop.served(MODEL)) == ("promote", second), report
    assert report["total"]["difference"]["n"] >= report["plan"]["champion_n"]
    assert report["total"]["difference"]["mean"] > 0


def test_though_every_message_came_twice_there_was_one_release_one_verdict_and_one_promotion(loop: Loop) -> None:
    second = loop.served(MODEL)

    twice = loop.journal("events.delivered", "e2e-echo-")
    assert {entry["target"].rpartition(":")[2] for entry in twice} == {
        "driftloop-rivals-release",
        "driftloop-rivals-waits",
    }
    assert len(loop.runs(f"{MODEL}-release")) == 2
    trail = [row["what"] for row in loop.ledger(f"AUDIT#{MODEL}") if row["subject"] == second]
    for once in ("package.Approved", "release.started", "experiment.promote", "release.done"):
        assert trail.count(once) == 1, trail
    updates = [entry["config"] for entry in loop.journal("endpoint.updating") if ENDPOINT in entry["subject"]]
    assert len(updates) == 2, "one for the experiment, one for the promotion"
    told = [notice["kind"] for notice in loop.notices() if notice["model"] == MODEL]
    assert [told.count(kind) for kind in ("experiment-started", "experiment-ended", "release-done")] == [1, 1, 2]


def test_a_challenger_that_is_no_better_is_kept_out_and_production_is_as_it_was(loop: Loop) -> None:
    (*_, champion) = [loop.served(MODEL)]
    config = loop.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]

    with calling(loop, MODEL):
        _train(loop, "one-more.csv", datasets.rainfall(0, 10_001), 3)
        experimenting(loop, MODEL, 3)
        _label_later(loop, ask(loop, MODEL, weather(10_000, 11_500), "b"))
        said, report = _verdict(loop, 3)

    assert (said, loop.served(MODEL)) == ("keep", champion), report
    assert loop.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"] == config
    kept = loop.steps(loop.runs(f"{MODEL}-release")[-1])["Kept"]["FailureReason"]
    assert kept.startswith("not promoted: keep: ")
    assert "not promoted" in loop.told(MODEL, "release-failed")


def test_without_labels_the_test_cannot_tell_and_the_champion_stays(loop: Loop) -> None:
    champion = loop.served(MODEL)

    with calling(loop, MODEL):
        _train(loop, "two-more.csv", datasets.rainfall(0, 10_002), 4)
        experimenting(loop, MODEL, 4)
        ask(loop, MODEL, weather(10_000, 10_050), "c")
        loop.driftloop("advance", "PT3H")
        said, _ = _verdict(loop, 4)

    assert (said, loop.served(MODEL)) == ("inconclusive", champion)
