"""Uploads become runs: one at a time, on everything that waits, whatever the queue does to the events."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.unit.lambdas.world import (
    ARTIFACTS,
    RAW,
    World,
    batch_of,
    execution_ended,
    object_created,
    start_requested,
)

CSV = "raw/flights/january.csv"


def test_an_upload_starts_one_run_on_a_manifest_of_its_version(world: World) -> None:
    answer = world.start_training().handle_batch(batch_of(object_created(CSV, etag="abc", size=7)))

    assert answer == {"batchItemFailures": []}
    [run] = world.sagemaker.started
    assert run["DataManifest"] == f"s3://{ARTIFACTS}/flights/batches/{run['BatchId']}/manifest.json"
    assert run["OutputPrefix"] == f"s3://{ARTIFACTS}/flights/batches/{run['BatchId']}/attempt-1"
    assert world.manifest(run["BatchId"]) == {
        "model": "flights",
        "batch_id": run["BatchId"],
        "attempt": 1,
        "files": [{"bucket": RAW, "key": CSV, "version_id": "v1", "etag": "abc", "size_bytes": 7}],
    }
    assert world.states() == {"CLAIMED": 1}
    assert world.rows("LEASE")[0]["state"] == "RUNNING"


def test_files_of_one_batch_of_messages_train_together(world: World) -> None:
    uploads = [object_created(f"raw/flights/{n}.csv") for n in range(10)]

    world.start_training().handle_batch(batch_of(*uploads))

    [run] = world.sagemaker.started
    assert len(world.manifest(run["BatchId"])["files"]) == 10


def test_with_a_window_an_upload_only_asks_for_a_start_when_it_has_passed(world: World) -> None:
    function = world.start_training(window_s=2)

    function.handle_batch(batch_of(object_created(CSV)))
    asked = world.sqs.sent[-1]
    function.handle_batch(batch_of(asked["MessageBody"]))

    assert asked["DelaySeconds"] == 2
    assert asked["QueueUrl"] == world.ingest_url
    assert len(world.sagemaker.started) == 1


def test_the_same_event_again_changes_nothing(world: World) -> None:
    function = world.start_training()

    for _ in range(3):
        function.handle_batch(batch_of(object_created(CSV), object_created(CSV)))

    assert len(world.sagemaker.started) == 1
    assert world.states() == {"CLAIMED": 1}


@pytest.mark.parametrize(
    "key",
    ["raw/flights/été 2013/a+b & c%20d.csv", "raw/flights/#/x#y.csv", f"raw/flights/{'é' * 504}.csv"],
    ids=["odd", "hash", "longest"],
)
def test_a_key_with_spaces_plus_and_unicode_is_kept_as_it_is(world: World, key: str) -> None:

    version = "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"
    answer = world.start_training().handle_batch(batch_of(object_created(key, version=version, etag="abc")))

    assert answer == {"batchItemFailures": []}
    [run] = world.sagemaker.started
    assert world.manifest(run["BatchId"])["files"][0]["key"] == key


def test_the_same_content_again_is_a_duplicate_and_starts_nothing(world: World) -> None:
    function = world.start_training()
    function.handle_batch(batch_of(object_created(CSV, etag="same")))
    function.handle_batch(batch_of(execution_ended(world.sagemaker.started[0]["arn"])))

    function.handle_batch(batch_of(object_created("raw/flights/copy.csv", etag="same")))

    assert world.states() == {"CONSUMED": 1, "DUPLICATE": 1}
    assert len(world.sagemaker.started) == 1
    [copy] = [row for row in world.rows("FILE") if row["state"] == "DUPLICATE"]
    assert copy["of"] == f"{CSV}#v1"


def test_a_file_during_a_run_is_taken_by_the_next(world: World) -> None:
    function = world.start_training()
    function.handle_batch(batch_of(object_created(CSV)))

    function.handle_batch(batch_of(object_created("raw/flights/february.csv", minute=5)))
    assert len(world.sagemaker.started) == 1
    function.handle_batch(batch_of(execution_ended(world.sagemaker.started[0]["arn"])))

    first, second = world.sagemaker.started
    assert [file["key"] for file in world.manifest(first["BatchId"])["files"]] == [CSV]
    assert [file["key"] for file in world.manifest(second["BatchId"])["files"]] == ["raw/flights/february.csv"]
    assert world.states() == {"CONSUMED": 1, "CLAIMED": 1}


def test_too_few_files_wait_for_more(world: World) -> None:
    function = world.start_training(min_files=3)

    function.handle_batch(batch_of(object_created("raw/flights/1.csv"), object_created("raw/flights/2.csv")))
    assert world.sagemaker.started == []
    function.handle_batch(batch_of(object_created("raw/flights/3.csv")))

    [run] = world.sagemaker.started
    assert len(world.manifest(run["BatchId"])["files"]) == 3


def test_a_ready_object_says_that_the_batch_is_complete(world: World) -> None:
    function = world.start_training(min_files=3)
    function.handle_batch(batch_of(object_created(CSV)))

    function.handle_batch(batch_of(object_created("raw/flights/_READY", size=0)))

    [run] = world.sagemaker.started
    assert [file["key"] for file in world.manifest(run["BatchId"])["files"]] == [CSV]


def test_a_ready_object_counts_anew_each_time(world: World) -> None:
    function = world.start_training(min_files=3)

    for n in range(2):
        upload = object_created(f"raw/flights/{n}.csv", minute=n)
        ready = object_created("raw/flights/_READY", version=f"r{n}", etag="empty", size=0, minute=n)
        function.handle_batch(batch_of(upload, ready))
        function.handle_batch(batch_of(execution_ended(world.sagemaker.started[-1]["arn"], minute=20 + n)))

    assert len(world.sagemaker.started) == 2
    assert world.states() == {"CONSUMED": 4}


@pytest.mark.parametrize(
    ("key", "size", "expected"),
    [
        ("raw/flights/empty.csv", 0, "empty"),
        ("raw/flights/notes.txt", 10, ".csv"),
        ("raw/flights/table.xlsx", 10, ".csv"),
        ("raw/flights/csv", 10, ".csv"),
        (f"raw/flights/{'x' * 1012}", 10, ".csv"),
    ],
)
def test_what_cannot_be_data_is_quarantined_alone_and_told_once(
    world: World, key: str, size: int, expected: str
) -> None:
    function = world.start_training()

    for _ in range(2):
        answer = function.handle_batch(batch_of(object_created(key, size=size), object_created(CSV)))

    assert answer == {"batchItemFailures": []}
    assert world.states() == {"QUARANTINED": 1, "CLAIMED": 1}
    [(kind, text)] = world.mail()
    assert kind == "file-quarantined"
    assert key in text
    assert expected in text


@pytest.mark.parametrize(
    "event",
    [
        object_created("elsewhere/x.csv"),
        object_created("raw/rainfall/x.csv"),
        object_created("raw/flights/x.csv", bucket="another"),
        object_created("raw/flights/folder/", size=0),
    ],
)
def test_an_object_that_is_none_of_our_business_is_ignored(world: World, event: dict[str, object]) -> None:
    answer = world.start_training().handle_batch(batch_of(event))

    assert answer == {"batchItemFailures": []}
    assert world.rows("FILE") == []
    assert world.sagemaker.started == []


@pytest.mark.parametrize("body", ["not json", "[]", json.dumps({"detail-type": "Scheduled Event"}), json.dumps({})])
def test_a_message_that_is_no_event_goes_to_the_dead_letters_with_the_reason(world: World, body: str) -> None:
    answer = world.start_training().handle_batch(batch_of(body, object_created(CSV)))

    assert answer == {"batchItemFailures": []}
    [letter] = [sent for sent in world.sqs.sent if sent["QueueUrl"] == world.dead_letters_url]
    assert letter["MessageBody"] == body
    assert "expected" in letter["MessageAttributes"]["REASON"]["StringValue"]
    assert len(world.sagemaker.started) == 1


def test_a_start_that_fails_brings_its_messages_back_and_the_next_try_finishes_it(world: World) -> None:
    function = world.start_training()
    error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
    world.sagemaker.failures.append(ClientError(error, "StartPipelineExecution"))  # type: ignore[arg-type]

    first = function.handle_batch(batch_of(object_created(CSV)))
    assert world.rows("LEASE")[0]["state"] == "STARTING"
    second = function.handle_batch(batch_of(object_created(CSV)))

    assert first == {"batchItemFailures": [{"itemIdentifier": "m0"}]}
    assert second == {"batchItemFailures": []}
    assert len(world.sagemaker.started) == 1
    assert world.rows("LEASE")[0]["state"] == "RUNNING"


def test_a_half_done_start_is_finished_by_whoever_comes_next(world: World) -> None:
    function = world.start_training()
    error = {"Error": {"Code": "InternalFailure", "Message": "gone"}}
    world.sagemaker.failures.append(ClientError(error, "StartPipelineExecution"))  # type: ignore[arg-type]
    function.handle_batch(batch_of(object_created(CSV)))

    function.handle_batch(batch_of(start_requested(minute=9)))

    [run] = world.sagemaker.started
    assert [file["key"] for file in world.manifest(run["BatchId"])["files"]] == [CSV]


def test_a_start_request_with_nothing_waiting_starts_nothing(world: World) -> None:
    answer = world.start_training().handle_batch(batch_of(start_requested()))

    assert answer == {"batchItemFailures": []}
    assert world.sagemaker.started == []
    assert world.rows("LEASE") == []
