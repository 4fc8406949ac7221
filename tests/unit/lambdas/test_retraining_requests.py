"""A rejected model's batch is tried again, once an attempt, while attempts remain."""

from typing import Any

from tests.unit.lambdas.world import (
    World,
    batch_of,
    execution_ended,
    failed_step,
    object_created,
    package_arn,
)


def _request(version: int = 1) -> dict[str, Any]:
    return {
        "kind": "RetrainingRequested",
        "model": "flights",
        "reason": "rejected: too many false alarms",
        "package_arn": package_arn(version),
        "time": "2026-03-01T07:00:00Z",
    }


def _trained(world: World, *, attempt: str = "1") -> dict[str, Any]:
    """A run that made package 1."""
    world.start_training().handle_batch(batch_of(object_created("raw/flights/january.csv")))
    run = world.sagemaker.started[-1]
    world.start_training().handle_batch(batch_of(execution_ended(run["arn"])))
    metadata = {"batch_id": run["BatchId"], "attempt": attempt}
    world.add_package(1, "Rejected", CustomerMetadataProperties=metadata)
    return run


def test_the_batch_runs_again_with_the_next_attempt_on_the_same_files(world: World) -> None:
    first = _trained(world)

    world.start_training(attempts_max=3).handle_batch(batch_of(_request()))

    second = world.sagemaker.started[-1]
    assert (second["BatchId"], second["Attempt"]) == (first["BatchId"], "2")
    assert second["OutputPrefix"].endswith("/attempt-2")
    assert len(world.manifest(first["BatchId"])["files"]) == 1
    assert world.states() == {"CONSUMED": 1}


def test_the_request_again_starts_no_other_attempt(world: World) -> None:
    _trained(world)
    function = world.start_training(attempts_max=3)

    function.handle_batch(batch_of(_request(), _request()))
    function.handle_batch(batch_of(execution_ended(world.sagemaker.started[-1]["arn"], minute=60)))
    function.handle_batch(batch_of(_request()))

    assert [run["Attempt"] for run in world.sagemaker.started] == ["1", "2"]


def test_a_request_during_a_run_waits_and_goes_before_new_files(world: World) -> None:
    first = _trained(world)
    function = world.start_training(attempts_max=2)
    function.handle_batch(batch_of(object_created("raw/flights/february.csv", minute=30)))

    function.handle_batch(batch_of(_request(), object_created("raw/flights/march.csv", minute=40)))
    function.handle_batch(batch_of(execution_ended(world.sagemaker.started[-1]["arn"], minute=50)))

    assert world.sagemaker.started[-1]["BatchId"] == first["BatchId"]
    assert world.rows("RERUN") == []


def test_without_attempts_left_people_are_told_and_nothing_runs(world: World) -> None:
    _trained(world)

    for _ in range(2):
        world.start_training(attempts_max=1).handle_batch(batch_of(_request()))

    assert len(world.sagemaker.started) == 1
    assert world.told() == ["no-attempts-left"]


def test_a_further_attempt_that_fails_leaves_the_files_as_the_first_settled_them(world: World) -> None:
    _trained(world)
    function = world.start_training(attempts_max=2)
    function.handle_batch(batch_of(_request()))
    run = world.sagemaker.started[-1]
    world.sagemaker.steps[run["arn"]] = [failed_step("Train", "InternalServerError")]

    function.handle_batch(batch_of(execution_ended(run["arn"], "Failed", minute=60)))

    assert world.states() == {"CONSUMED": 1}
    assert len(world.sagemaker.started) == 2
    assert world.told() == ["training-failed"]


def test_a_request_for_a_package_or_batch_that_does_not_exist_is_a_dead_letter(world: World) -> None:
    world.add_package(1, "Rejected")

    answer = world.start_training(attempts_max=2).handle_batch(batch_of(_request(1), _request(2)))

    assert answer == {"batchItemFailures": []}
    assert len(world.sqs.bodies(world.dead_letters_url)) == 2
