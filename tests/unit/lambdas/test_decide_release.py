"""Approvals and rejections become releases, one after the other, each noted and told once."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.shared.ledger.table import Put
from tests.unit.lambdas.world import (
    ARN,
    START,
    World,
    batch_of,
    execution_ended,
    failed_step,
    object_created,
    package_arn,
    package_changed,
)

ANA: dict[str, Any] = {"LastModifiedBy": {"IamIdentity": {"Arn": "arn:aws:iam::123456789012:user/ana"}}}


def _deliver(world: World, *events: dict[str, Any], attempts_max: int = 1) -> None:
    answer = world.decide_release(attempts_max=attempts_max).handle_batch(batch_of(*events))
    assert answer == {"batchItemFailures": []}


def _approve(world: World, version: int, minute: int = 30) -> None:
    world.add_package(version, "Approved", ApprovalDescription="looks fine", **ANA)
    _deliver(world, package_changed(version, minute=minute))


def _end(world: World, status: str = "Succeeded", minute: int = 45) -> None:
    _deliver(world, execution_ended(world.sagemaker.started[-1]["arn"], status, minute=minute))


def _state(world: World) -> dict[str, Any]:
    [row] = world.rows("RELEASE")
    return dict(row)


def test_a_registered_package_is_announced_and_not_released(world: World) -> None:
    world.add_package(1, "PendingManualApproval")

    _deliver(world, package_changed(1), package_changed(1, minute=31))

    [(kind, text)] = world.mail()
    assert kind == "pending-approval"
    assert package_arn(1) in text
    assert world.sagemaker.started == []


def test_an_approved_package_is_released_by_its_own_arn(world: World) -> None:
    world.add_package(2, "PendingManualApproval")

    _approve(world, 1)

    [release] = world.sagemaker.started
    assert release["pipeline"] == "driftloop-flights-release"
    assert release["ModelPackageArn"] == package_arn(1)
    assert _state(world)["current"]["stage"] == "RUNNING"
    assert _state(world)["current"]["execution_arn"] == release["arn"]


def test_who_and_why_stand_in_the_audit_trail(world: World) -> None:
    _approve(world, 1)

    approved, started = world.rows("AUDIT")
    assert (approved["what"], approved["who"]) == ("package.Approved", "arn:aws:iam::123456789012:user/ana")
    assert (approved["why"], approved["event_id"]) == ("looks fine", "event-package-1-30")
    assert (started["what"], started["subject"]) == ("release.started", package_arn(1))


def test_repeated_and_late_events_release_once(world: World) -> None:
    _approve(world, 1)

    _deliver(world, package_changed(1), package_changed(1, minute=31, status="PendingManualApproval"))
    _end(world)
    _deliver(world, package_changed(1), execution_ended(world.sagemaker.started[-1]["arn"], minute=50))

    assert len(world.sagemaker.started) == 1
    assert world.told() == ["release-done"]
    assert _state(world)["live"] == package_arn(1)


def test_two_approvals_are_released_one_after_the_other(world: World) -> None:
    _approve(world, 1)
    _approve(world, 2, minute=31)
    assert [release["ModelPackageArn"] for release in world.sagemaker.started] == [package_arn(1)]

    _end(world)
    _end(world, minute=60)

    assert [release["ModelPackageArn"] for release in world.sagemaker.started] == [package_arn(1), package_arn(2)]
    assert _state(world)["live"] == package_arn(2)
    assert _state(world)["live_before"] == [package_arn(1)]


def test_a_queued_package_whose_rejection_event_was_lost_is_not_released(world: World) -> None:
    _approve(world, 1)
    _approve(world, 2, minute=31)

    world.add_package(2, "Rejected")
    _end(world)

    assert len(world.sagemaker.started) == 1
    assert _state(world)["queue"] == []


def test_rejected_while_pending_releases_nothing_and_people_read_why(world: World) -> None:
    world.add_package(1, "Rejected", ApprovalDescription="too many false alarms", **ANA)

    _deliver(world, package_changed(1), package_changed(1))

    assert world.sagemaker.started == []
    [(kind, text)] = world.mail()
    assert kind == "rejected"
    assert "user/ana: too many false alarms" in text
    assert world.sqs.bodies(world.ingest_url) == []


def test_rejected_while_pending_asks_for_retraining_once(world: World) -> None:
    world.add_package(1, "Rejected", ApprovalDescription="try harder")

    _deliver(world, package_changed(1), package_changed(1), attempts_max=2)

    assert world.sqs.bodies(world.ingest_url) == [
        {
            "kind": "RetrainingRequested",
            "model": "flights",
            "reason": "rejected: try harder",
            "package_arn": package_arn(1),
            "time": "2026-03-01T06:30:00.000000Z",
        }
    ]


def test_rejected_while_live_rolls_production_back(world: World) -> None:
    _approve(world, 1)
    _end(world)
    _approve(world, 2, minute=50)
    _end(world, minute=60)

    world.add_package(2, "Rejected")
    _deliver(world, package_changed(2, minute=70))
    back = world.sagemaker.started[-1]
    assert (back["pipeline"], back["ModelPackageArn"]) == ("driftloop-flights-rollback", package_arn(1))
    _end(world, minute=80)

    assert _state(world)["live"] == package_arn(1)
    assert world.told() == ["release-done", "release-done", "rejected", "rollback-done"]
    assert len({release["ReleaseId"] for release in world.sagemaker.started}) == 3


def test_a_failed_release_is_told_with_the_steps_reason(world: World) -> None:
    _approve(world, 1)
    world.sagemaker.steps[world.sagemaker.started[0]["arn"]] = [
        {"StepName": "Before", "StepStatus": "Succeeded"},
        {"StepName": "Before2", "StepStatus": "Succeeded"},
        failed_step("Release", "ClientError: 3 golden records differ"),
    ]

    _end(world, "Failed")

    [(kind, text)] = world.mail()
    assert kind == "release-failed"
    assert "Release: ClientError: 3 golden records differ" in text
    assert _state(world)["live"] == ""


def _refuse(world: World, *steps: dict[str, Any], attempts_max: int = 2) -> None:
    """The release under way fails in these steps."""
    arn = world.sagemaker.started[-1]["arn"]
    world.sagemaker.steps[arn] = list(steps)
    _deliver(world, execution_ended(arn, "Failed", minute=70), attempts_max=attempts_max)


def _done(name: str) -> dict[str, Any]:
    return {"StepName": name, "StepStatus": "Succeeded"}


def _live(world: World) -> None:
    """Version 1 is live, version 2 is being released."""
    _approve(world, 1)
    _end(world)
    _approve(world, 2, minute=50)


def test_a_model_that_fails_its_tests_is_tried_again_while_attempts_remain_and_its_stages_go(world: World) -> None:
    metadata = {"batch_id": "b-1", "attempt": "1"}
    world.add_package(1, "Approved", CustomerMetadataProperties=metadata)
    _deliver(world, package_changed(1))

    for stage in ("dev", "staging"):
        world.sagemaker.stand(f"driftloop-flights-{stage}")

    _refuse(world, _done("DeployDev"), failed_step("TestDev", "p95 1200 ms, at most 1000 ms"))

    [request] = world.clients.sqs.bodies(world.ingest_url)
    assert (request["kind"], request["package_arn"]) == ("RetrainingRequested", package_arn(1))
    assert "p95 1200 ms" in request["reason"]
    assert world.sagemaker.deleted == ["driftloop-flights-dev", "driftloop-flights-staging"]
    assert world.sagemaker.configs == {}


def test_the_audit_trail_tells_what_was_done_at_each_stage(world: World) -> None:
    _approve(world, 1)
    ended = [("TestDev", 5, "Succeeded", ""), ("DeployDev", 1, "Succeeded", ""), ("TestStaging", 9, "Failed", "slow")]
    _refuse(
        world,
        *(
            {**_done(name), "StepStatus": status, "EndTime": START + timedelta(minutes=minute), "FailureReason": reason}
            for name, minute, status, reason in ended
        ),
        {"StepName": "RemoveDev", "StepStatus": "Executing"},
    )

    told = [(row["what"], row["why"]) for row in world.rows("AUDIT") if row["what"].startswith("step.")]
    assert [what for what, _ in told] == [
        "step.DeployDev.Succeeded",
        "step.TestDev.Succeeded",
        "step.TestStaging.Failed",
    ]
    assert told[-1][1] == "slow"


@pytest.mark.parametrize("step", ["DevReady", "StagingReady"])
def test_a_model_that_does_not_come_up_is_tried_again(world: World, step: str) -> None:
    world.add_package(1, "Approved", CustomerMetadataProperties={"batch_id": "b-1", "attempt": "1"})
    _deliver(world, package_changed(1))

    _refuse(world, failed_step(step, "it is Failed: The primary container did not pass the ping health check."))

    [request] = world.clients.sqs.bodies(world.ingest_url)
    assert "did not pass the ping health check" in request["reason"]


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("DeployDev", "ResourceLimitExceeded"),
        ("DevReady", "it is Failed: Unable to provision requested ML compute capacity"),
        ("Promoted", "it is Failed: The primary container did not pass the ping health check."),
    ],
)
def test_what_fails_for_another_reason_says_nothing_about_the_model(world: World, step: str, reason: str) -> None:
    world.add_package(1, "Approved", CustomerMetadataProperties={"batch_id": "b-1", "attempt": "1"})
    _deliver(world, package_changed(1))

    _refuse(world, failed_step(step, reason))

    assert world.clients.sqs.bodies(world.ingest_url) == []


def test_a_verdict_that_keeps_the_champion_leaves_production_as_it_was_put_back(world: World) -> None:
    _live(world)

    _refuse(
        world,
        *map(_done, ("StartExperiment", "Verdict", "Withdraw", "Withdrawn")),
        failed_step("Kept", "not promoted: keep: worse by 0.03", is_fail_step=True),
    )

    assert _state(world)["live"] == package_arn(1)
    assert _state(world)["current"] is None
    assert len(world.sagemaker.started) == 2


@pytest.mark.parametrize(
    "steps",
    [
        [_done("StartExperiment"), failed_step("Verdict", "the endpoint rolled back")],
        [_done("StartExperiment"), _done("Promote"), failed_step("VerifyProduction", "3 golden records differ")],
    ],
)
def test_a_release_that_fails_after_it_has_touched_production_is_undone(
    world: World, steps: list[dict[str, Any]]
) -> None:
    _live(world)

    _refuse(world, *steps)

    back = world.sagemaker.started[-1]
    assert (back["pipeline"], back["ModelPackageArn"]) == ("driftloop-flights-rollback", package_arn(1))
    _end(world, minute=80)
    assert _state(world)["live"] == package_arn(1)
    assert world.told()[-2:] == ["release-failed", "rollback-done"]


def test_a_start_that_failed_is_finished_by_the_next_event_as_the_same_release(world: World) -> None:
    error: Any = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
    world.sagemaker.failures.append(ClientError(error, "StartPipelineExecution"))
    world.add_package(1, "Approved")
    function = world.decide_release()

    failed = function.handle_batch(batch_of(package_changed(1)))
    assert _state(world)["current"]["stage"] == "STARTING"
    again = function.handle_batch(batch_of(package_changed(1)))

    assert failed == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert again == {"batchItemFailures": []}
    assert _state(world)["current"]["stage"] == "RUNNING"
    assert [row["what"] for row in world.rows("AUDIT")] == ["package.Approved", "release.started"]


def test_an_end_that_is_seen_before_the_start_was_recorded_counts(world: World) -> None:
    _approve(world, 1)
    function = world.decide_release()
    row = _state(world)
    row["current"] = {**row["current"], "stage": "STARTING", "execution_arn": ""}
    function.releases.table.write(Put(row))

    function.handle_batch(batch_of(execution_ended(world.sagemaker.started[0]["arn"])))

    assert len(world.sagemaker.started) == 1
    assert _state(world)["live"] == package_arn(1)


def test_a_notice_that_could_not_be_sent_is_sent_with_the_next_event(world: World) -> None:
    world.add_package(1, "PendingManualApproval")
    sns = world.clients.__dict__["sns"]
    world.clients.__dict__["sns"] = None
    failed = world.decide_release().handle_batch(batch_of(package_changed(1)))
    world.clients.__dict__["sns"] = sns

    _deliver(world, package_changed(1))

    assert failed == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert world.told() == ["pending-approval"]


def test_a_registry_that_is_behind_the_event_is_asked_again_later(world: World) -> None:
    world.add_package(1, "PendingManualApproval", LastModifiedTime=START)
    event = package_changed(1, status="Approved")
    event["detail"]["LastModifiedTime"] = "2026-03-01T06:30:00Z"

    answer = world.decide_release().handle_batch(batch_of(event))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert world.rows("PACKAGE") == []


@pytest.mark.parametrize("event", [package_changed(9), object_created("raw/flights/x.csv")])
def test_what_cannot_be_decided_is_a_dead_letter(world: World, event: dict[str, Any]) -> None:
    _deliver(world, event)

    assert len(world.sqs.bodies(world.dead_letters_url)) == 1


def test_the_end_of_somebody_elses_execution_changes_nothing(world: World) -> None:
    _approve(world, 1)
    before = _state(world)

    _deliver(world, execution_ended(f"{ARN}:pipeline/driftloop-flights-release/execution/by-hand", "Failed"))

    assert _state(world) == before
