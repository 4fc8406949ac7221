"""What a person's decision does, and what repeated, reordered and crowded decisions do not do."""

import json

from tests.e2e.conftest import Loop
from tests.support import datasets
from tests.support.waiting import eventually


def test_a_rejected_version_is_not_deployed_and_people_hear_why(loop: Loop) -> None:
    loop.upload("rainfall", "first.csv", datasets.rainfall(0, 5000))
    (run,) = loop.ended("rainfall-train")
    assert run["PipelineExecutionStatus"] == "Succeeded"
    loop.told("rainfall", "pending-approval")

    loop.driftloop("reject", "rainfall", "--reason", "made on a rainy day")

    assert "made on a rainy day" in loop.told("rainfall", "rejected")
    assert loop.runs("rainfall-release") == []
    endpoints = loop.sagemaker.list_endpoints(NameContains="rainfall")["Endpoints"]
    assert endpoints == []


def test_two_approvals_are_released_one_after_the_other(loop: Loop) -> None:
    loop.upload("twice", "first.csv", datasets.rainfall(0, 5000))
    eventually(lambda: loop.runs("twice-train"))
    loop.upload("twice", "during the first run.csv", datasets.rainfall(5000, 10000))
    loop.ended("twice-train", 2)
    first, second = loop.packages("twice")

    loop.driftloop("approve", first, "--reason", "one")
    loop.driftloop("approve", second, "--reason", "two")

    releases = loop.ended("twice-release", 2)
    assert [run["PipelineExecutionStatus"] for run in releases] == ["Succeeded", "Succeeded"]
    assert releases[1]["CreationTime"] >= releases[0]["LastModifiedTime"]
    assert loop.served("twice") == second


def test_a_file_that_came_during_a_run_was_trained_on_by_the_next(loop: Loop) -> None:
    first, second = loop.runs("twice-train")

    files = loop.settled_files("twice", 2)

    assert {row["state"] for row in files.values()} == {"CONSUMED"}
    assert files["first.csv"]["batch_id"] != files["during the first run.csv"]["batch_id"]
    assert second["CreationTime"] >= first["LastModifiedTime"]


def test_repeated_and_late_events_have_no_second_effect(loop: Loop) -> None:
    first, second = loop.packages("twice")
    sqs = loop.client("sqs")
    queue = sqs.get_queue_url(QueueName="driftloop-twice-release")["QueueUrl"]
    before = len(loop.runs("twice-release"))

    for number, (arn, status) in enumerate(
        [(second, "Approved"), (second, "Approved"), (first, "PendingManualApproval"), (first, "Approved")]
    ):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(_package_event(number, arn, status)))
    _drained(loop, "driftloop-twice-release")

    assert len(loop.runs("twice-release")) == before
    assert loop.served("twice") == second


def test_the_live_version_rejected_goes_back_to_the_one_before(loop: Loop) -> None:
    first, second = loop.packages("twice")
    assert loop.served("twice") == second

    loop.driftloop("reject", second, "--reason", "complaints")
    (back,) = loop.ended("twice-rollback")

    assert back["PipelineExecutionStatus"] == "Succeeded"
    assert loop.served("twice") == first
    assert first in loop.told("twice", "rollback-done")


def _drained(loop: Loop, queue: str) -> None:
    sqs = loop.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def is_empty() -> bool:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return [found[name] for name in names] == ["0", "0"]

    eventually(is_empty)


def _package_event(number: int, arn: str, status: str) -> dict[str, object]:
    return {
        "version": "0",
        "id": f"00000000-0000-0000-0000-00000000000{number}",
        "detail-type": "SageMaker Model Package State Change",
        "source": "aws.sagemaker",
        "account": "123456789012",
        "time": "2026-11-23T00:00:00Z",
        "region": "us-east-1",
        "resources": [arn],
        "detail": {
            "ModelPackageGroupName": "driftloop-twice",
            "ModelPackageVersion": int(arn.rsplit("/", 1)[1]),
            "ModelPackageArn": arn,
            "ModelPackageStatus": "Completed",
            "ModelApprovalStatus": status,
        },
    }
