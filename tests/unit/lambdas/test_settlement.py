"""The end of a run: what becomes of its files, who is told, what runs next."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from lambdas.shared.ledger.table import Put
from tests.unit.lambdas.world import (
    World,
    batch_of,
    execution_ended,
    failed_step,
    object_created,
    package_changed,
)

GOOD, BAD = "raw/flights/good.csv", "raw/flights/bad.csv"
BROKEN = failed_step("Train", "InternalServerError: try again")


def _run(world: World, *keys: str) -> dict[str, Any]:
    """Upload files and find the run that they started."""
    world.start_training().handle_batch(batch_of(*(object_created(key) for key in keys)))
    return world.sagemaker.started[-1]


def _end(world: World, run: dict[str, Any], status: str = "Failed", *steps: dict[str, Any], minute: int = 20) -> None:
    world.sagemaker.steps[run["arn"]] = list(steps)
    answer = world.start_training().handle_batch(batch_of(execution_ended(run["arn"], status, minute=minute)))
    assert answer == {"batchItemFailures": []}


def _accepted(key: str) -> dict[str, Any]:
    return {"key": key, "version_id": "v1", "verdict": "accepted", "reason": None, "rows": 10, "problems": []}


def _quarantined(key: str, reason: str | None = "column 'hour' is missing") -> dict[str, Any]:
    problems = [{"column": "hour", "problem": "null", "rows": [3, 9], "count": 2}]
    return {**_accepted(key), "verdict": "quarantined", "reason": reason, "problems": problems}


def test_a_run_that_succeeds_consumes_its_files_and_gives_the_lease_back(world: World) -> None:
    run = _run(world, GOOD)

    _end(world, run, "Succeeded")

    assert world.states() == {"CONSUMED": 1}
    assert world.rows("LEASE")[0]["state"] == "FREE"
    assert world.rows("BATCH")[0]["outcome"] == "SUCCEEDED"
    assert world.told() == []
    assert [row["what"] for row in world.rows("AUDIT")] == ["train.started", "train.ended"]


def test_a_bad_file_is_quarantined_alone_and_people_read_why(world: World) -> None:
    run = _run(world, GOOD, BAD)
    world.write_report(run["BatchId"], [_accepted(GOOD), _quarantined(BAD)])

    _end(world, run, "Succeeded")

    assert world.states() == {"CONSUMED": 1, "QUARANTINED": 1}
    [(kind, text)] = world.mail()
    assert kind == "file-quarantined"
    assert f"{BAD} (version v1): column 'hour' is missing" in text


def test_a_quarantined_file_without_a_reason_is_explained_by_its_problems(world: World) -> None:
    run = _run(world, BAD)
    world.write_report(run["BatchId"], [_quarantined(BAD, reason=None)])

    _end(world, run, "Failed", failed_step("Validate", "nothing accepted"))

    assert "column 'hour': null (rows 3, 9)" in world.mail()[0][1]


def test_below_the_threshold_the_data_is_consumed_and_people_read_the_reason(world: World) -> None:
    run = _run(world, GOOD)
    world.write_report(run["BatchId"], [_accepted(GOOD)])

    _end(world, run, "Failed", failed_step("BelowThreshold", "auc 0.51 is below 0.60", is_fail_step=True))

    assert world.states() == {"CONSUMED": 1}
    [(kind, text)] = world.mail()
    assert kind == "training-failed"
    assert "auc 0.51 is below 0.60" in text
    assert len(world.sagemaker.started) == 1


@pytest.mark.parametrize("was_judged", [True, False])
def test_a_broken_run_gives_its_files_back_and_they_start_again(world: World, was_judged: bool) -> None:
    run = _run(world, GOOD)
    if was_judged:
        world.write_report(run["BatchId"], [_accepted(GOOD)])

    _end(world, run, "Failed", BROKEN)

    first, second = world.sagemaker.started
    assert first["BatchId"] != second["BatchId"]
    assert world.states() == {"CLAIMED": 1}
    assert world.told() == ["training-failed"]


def test_after_three_broken_runs_a_file_is_quarantined_with_the_reason(world: World) -> None:
    _run(world, GOOD)

    for minute in (20, 40, 60):
        _end(world, world.sagemaker.started[-1], "Failed", BROKEN, minute=minute)

    assert len(world.sagemaker.started) == 3
    assert world.states() == {"QUARANTINED": 1}
    assert "InternalServerError" in world.rows("FILE")[0]["reason"]
    assert world.told().count("training-failed") == 3


def test_a_quarantined_file_uploaded_again_is_tried_again(world: World) -> None:
    run = _run(world, BAD)
    world.write_report(run["BatchId"], [_quarantined(BAD)])
    _end(world, run, "Failed", failed_step("Validate", "nothing accepted"))

    again = object_created(BAD, version="v2", etag=f"etag-{BAD}-v1", minute=30)
    world.start_training().handle_batch(batch_of(again))

    assert len(world.sagemaker.started) == 2
    assert world.states() == {"QUARANTINED": 1, "CLAIMED": 1}


def test_too_little_data_waits_for_company_and_does_not_fail_again_alone(world: World) -> None:
    run = _run(world, GOOD)
    world.write_report(run["BatchId"], [_accepted(GOOD)])
    _end(world, run, "Failed", failed_step("Validate", "40 rows accepted, expected at least 1000"))
    assert len(world.sagemaker.started) == 1
    assert world.states() == {"NEW": 1}

    _run(world, "raw/flights/more.csv")

    files = world.manifest(world.sagemaker.started[-1]["BatchId"])["files"]
    assert {file["key"] for file in files} == {GOOD, "raw/flights/more.csv"}


def test_a_run_that_a_person_stopped_is_not_started_again_by_itself(world: World) -> None:
    run = _run(world, GOOD)

    _end(world, run, "Stopped", {"StepName": "Train", "StepStatus": "Stopped", "Metadata": {}})

    assert len(world.sagemaker.started) == 1
    assert world.states() == {"NEW": 1}
    assert world.rows("LEASE")[0]["state"] == "FREE"
    assert world.told() == ["training-failed"]


def test_the_end_of_a_run_again_tells_nobody_twice(world: World) -> None:
    run = _run(world, GOOD)

    for _ in range(3):
        _end(world, run, "Failed", failed_step("BelowThreshold", "no good", is_fail_step=True))

    assert world.told() == ["training-failed"]
    assert [row["what"] for row in world.rows("AUDIT")] == ["train.started", "train.ended"]


def test_the_end_of_a_run_that_does_not_hold_the_lease_is_ignored(world: World) -> None:
    run = _run(world, GOOD)
    stranger = run["arn"].replace("/e0", "/somebodys")

    answer = world.start_training().handle_batch(batch_of(execution_ended(stranger, "Failed")))

    assert answer == {"batchItemFailures": []}
    assert world.states() == {"CLAIMED": 1}
    assert world.rows("LEASE")[0]["execution_arn"] == run["arn"]


def test_an_end_that_is_seen_before_the_start_was_recorded_settles_the_run(world: World) -> None:
    function = world.start_training()
    run = _run(world, GOOD)
    lease = {**world.rows("LEASE")[0], "state": "STARTING", "execution_arn": ""}
    function.books.runs.table.write(Put(lease))

    _end(world, run, "Succeeded")

    assert world.states() == {"CONSUMED": 1}
    assert len(world.sagemaker.started) == 1
    assert world.rows("LEASE")[0]["state"] == "FREE"


def test_a_settlement_that_stopped_half_way_is_finished_by_the_repeated_event(world: World) -> None:
    run = _run(world, GOOD, "raw/flights/other.csv")
    world.write_report(run["BatchId"], [_accepted(GOOD), _quarantined("raw/flights/other.csv")])
    sns = world.clients.__dict__["sns"]
    world.clients.__dict__["sns"] = None  # telling people fails, after the files were settled

    failed = world.start_training().handle_batch(batch_of(execution_ended(run["arn"])))
    world.clients.__dict__["sns"] = sns
    _end(world, run, "Succeeded")

    assert failed == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert world.states() == {"CONSUMED": 1, "QUARANTINED": 1}
    assert world.told() == ["file-quarantined"]


def test_a_report_that_is_no_report_counts_as_none(world: World) -> None:
    run = _run(world, GOOD)
    key = f"flights/batches/{run['BatchId']}/attempt-1/validation/report.json"
    world.clients.s3.put_object(Bucket="driftloop-artifacts", Key=key, Body=b'{"files": 3}')

    _end(world, run, "Succeeded")

    assert world.states() == {"CONSUMED": 1}


class Discreet:
    """S3 as it answers who may list only below a prefix: AccessDenied for what is not there."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_object(self, **request: Any) -> Any:
        try:
            return self._client.get_object(**request)
        except ClientError as exc:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "Access Denied"}}, "GetObject") from exc


def test_a_broken_run_without_a_report_is_settled_though_s3_does_not_say_that_there_is_none(world: World) -> None:
    run = _run(world, GOOD)
    world.clients.__dict__["s3"] = Discreet(world.clients.s3)

    _end(world, run, "Failed", BROKEN)

    assert world.states() == {"CLAIMED": 1}
    assert world.told() == ["training-failed"]


def test_a_status_that_is_no_end_is_ignored(world: World) -> None:
    run = _run(world, GOOD)

    _end(world, run, "Executing")

    assert world.rows("LEASE")[0]["state"] == "RUNNING"


def test_a_release_event_on_the_ingest_queue_is_a_dead_letter(world: World) -> None:
    world.start_training().handle_batch(batch_of(package_changed(1)))

    assert len(world.sqs.bodies(world.dead_letters_url)) == 1
