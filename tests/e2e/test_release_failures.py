"""What goes wrong in a release stays out of production, says why, and nobody who calls production ever notices."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e import packages
from tests.e2e.conftest import Loop
from tests.e2e.packages import remade
from tests.e2e.production import ask, calling, experimenting, label, verdict, weather
from tests.support import datasets
from tests.support.waiting import eventually

MODEL, ENDPOINT = "fragile", "driftloop-fragile-prod"


@pytest.fixture(scope="module")
def champion(loop: Loop) -> str:
    """The version that production serves before anything goes wrong."""
    loop.upload(MODEL, "weather.csv", datasets.rainfall(0, 5000))
    loop.ended(f"{MODEL}-train")
    (package,) = loop.packages(MODEL)
    approve(loop, package)
    (release,) = loop.ended(f"{MODEL}-release")
    assert release["PipelineExecutionStatus"] == "Succeeded", _reasons(loop, release)
    return package


def approve(loop: Loop, package: str) -> None:
    loop.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")


def released(loop: Loop, package: str) -> dict[str, Any]:
    """Approve a version; answers its release once it has ended."""
    before = count(loop)
    approve(loop, package)
    return loop.ended(f"{MODEL}-release", before + 1)[-1]


def count(loop: Loop) -> int:
    """How many releases there were."""
    return len(loop.runs(f"{MODEL}-release"))


def config(loop: Loop) -> str:
    """What production serves from."""
    return str(loop.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"])


def _reasons(loop: Loop, run: dict[str, Any]) -> dict[str, str]:
    return {name: step["FailureReason"] for name, step in loop.steps(run).items() if "FailureReason" in step}


def _endpoints(loop: Loop) -> list[str]:
    return [item["EndpointName"] for item in loop.sagemaker.list_endpoints(NameContains=MODEL)["Endpoints"]]


def test_a_model_that_cannot_be_loaded_fails_in_dev_and_another_attempt_is_asked_for(loop: Loop, champion: str) -> None:
    before, broken = config(loop), remade(loop, champion, packages.CANNOT_BE_LOADED)
    assert len(loop.runs(f"{MODEL}-train")) == 1, "nobody has asked for another attempt yet"

    with calling(loop, MODEL):
        release = released(loop, broken)

    assert set(loop.steps(release)) == {"DeployDev", "DevReady"}
    for words in ("DevReady", "driftloop-fragile-dev", "did not pass the ping health check", "CloudWatch logs"):
        assert words in _told(loop, broken)
    assert config(loop) == before
    eventually(lambda: _endpoints(loop) == [ENDPOINT])
    (_, again) = loop.ended(f"{MODEL}-train", 2)
    assert "attempt-2" in again["PipelineExecutionDisplayName"]
    assert "retraining.requested" in _trail(loop, broken)


def test_a_challenger_that_breaks_a_guard_rail_is_out_at_the_very_next_evaluation(loop: Loop, champion: str) -> None:
    before, release = config(loop), count(loop) + 1

    with calling(loop, MODEL):
        approve(loop, remade(loop, champion, packages.BREAKS_IN_THE_COLD))
        run = experimenting(loop, MODEL, release)
        ask(loop, MODEL, [(packages.COLD_DAY, 0)] * 40, "cold")
        loop.driftloop("advance", "PT1M")
        run = loop.ended(f"{MODEL}-release", release)[-1]

    said, report = verdict(loop, run)
    assert said == "keep"
    assert report["reason"].startswith("guard-rail: ")
    assert "5xx" in report["reason"]
    experiment = next(row for row in loop.ledger(f"EXPERIMENT#{MODEL}") if row["sk"] == report["release_id"])
    assert experiment["looked_at"] == experiment["started_at"], "no evaluation before the one that ended it"
    lasted = datetime.fromisoformat(report["decided_at"]) - datetime.fromisoformat(report["started_at"])
    assert lasted < timedelta(minutes=2)
    assert report["reason"] in loop.told(MODEL, "experiment-ended")
    assert (loop.served(MODEL), config(loop)) == (champion, before)


def test_a_second_approval_during_an_experiment_queues_and_is_released_when_it_has_ended(
    loop: Loop, champion: str
) -> None:
    first, second = remade(loop, champion, packages.BREAKS_IN_THE_COLD), remade(loop, champion)
    release = count(loop) + 1

    with calling(loop, MODEL):
        approve(loop, first)
        experimenting(loop, MODEL, release)
        approve(loop, second)
        eventually(lambda: "release.queued" in _trail(loop, second))
        assert count(loop) == release
        ask(loop, MODEL, [(packages.COLD_DAY, 0)] * 40, "colder")
        loop.driftloop("advance", "PT1M")
        experimenting(loop, MODEL, release + 1)
        label(loop, MODEL, ask(loop, MODEL, weather(5000, 5120), "queued"))
        loop.driftloop("advance", "PT2M")
        runs = loop.ended(f"{MODEL}-release", release + 1)[-2:]

    assert [verdict(loop, run)[0] for run in runs] == ["keep", "keep"]
    assert runs[1]["CreationTime"] >= runs[0]["LastModifiedTime"]
    told = [what for what in _trail(loop, second) if what.startswith(("release.", "experiment."))]
    assert told[:2] == ["release.queued", "release.started"]
    assert sorted(told[2:]) == ["experiment.keep", "release.failed"], "told in the same second"
    assert loop.served(MODEL) == champion


def test_a_model_that_is_slow_under_load_passes_in_dev_and_fails_in_staging(loop: Loop, champion: str) -> None:
    before, slow = config(loop), remade(loop, champion, packages.SLOW_UNDER_LOAD)

    with calling(loop, MODEL):
        release = released(loop, slow)

    steps = loop.steps(release)
    assert steps["TestDev"]["StepStatus"] == "Succeeded"
    assert steps["TestStaging"]["StepStatus"] == "Failed"
    assert not {"StartExperiment", "Promote"} & steps.keys()
    assert "budget 250 ms" in _reasons(loop, release)["TestStaging"]
    assert config(loop) == before
    eventually(lambda: _endpoints(loop) == [ENDPOINT])
    assert "retraining.requested" in _trail(loop, slow)


def test_a_model_whose_artifact_is_gone_fails_by_its_name_and_leaves_nothing_behind(loop: Loop, champion: str) -> None:
    before, empty = config(loop), remade(loop, champion)
    uri = packages.lose_artifact(loop, empty)

    with calling(loop, MODEL):
        release = released(loop, empty)

    assert uri in _reasons(loop, release)["DeployDev"]
    assert uri in _told(loop, empty)
    assert config(loop) == before
    eventually(lambda: _endpoints(loop) == [ENDPOINT])
    version = empty.rpartition("/")[2]
    for kind, names in (("Models", "list_models"), ("EndpointConfigs", "list_endpoint_configs")):
        assert getattr(loop.sagemaker, names)(NameContains=f"-v{version}-")[kind] == []


def test_an_update_that_the_service_takes_back_silently_is_noticed_and_production_goes_back(
    loop: Loop, champion: str
) -> None:
    before, taken_back = config(loop), remade(loop, champion)
    loop.driftloop("fault", "endpoint-update-rolls-back", ENDPOINT)

    with calling(loop, MODEL):
        release = released(loop, taken_back)
        (back,) = loop.ended(f"{MODEL}-rollback")

    version = taken_back.rpartition("/")[2]
    (wanted,) = loop.sagemaker.list_endpoint_configs(NameContains=f"{ENDPOINT}-v{version}-")["EndpointConfigs"]
    reason = _reasons(loop, release)["Verdict"]
    for words in (wanted["EndpointConfigName"], before, "rolled back by the service"):
        assert words in reason
        assert words in _told(loop, taken_back)
    assert back["PipelineExecutionStatus"] == "Succeeded"
    assert set(loop.steps(back)) == {"Promote", "Promoted", "Scale", "Monitor", "VerifyProduction"}
    assert loop.served(MODEL) == champion
    assert champion in loop.told(MODEL, "rollback-done")


def test_an_endpoint_without_machines_fails_the_release_and_asks_nobody_to_train(loop: Loop, champion: str) -> None:
    version = remade(loop, champion)
    loop.driftloop("fault", "endpoint-creation-fails", "driftloop-fragile-dev")

    with calling(loop, MODEL):
        release = released(loop, version)

    assert "InsufficientInstanceCapacity" in _reasons(loop, release)["DevReady"]
    assert "retraining.requested" not in _trail(loop, version)
    eventually(lambda: _endpoints(loop) == [ENDPOINT])


def _trail(loop: Loop, package: str) -> list[str]:
    """What the audit trail says of a version, in order."""
    return [row["what"] for row in loop.ledger(f"AUDIT#{MODEL}") if row["subject"] == package]


def _told(loop: Loop, package: str) -> str:
    """Wait for the notice that the release of a version failed."""

    def found() -> str | None:
        texts = [n["text"] for n in loop.notices() if n["kind"] == "release-failed"]
        return next((text for text in texts if package in text), None)

    return eventually(found)
