"""What a person's decision does, and what repeated, reordered and crowded decisions do not do."""

import json
from typing import Any

from tests.e2e.conftest import Loop
from tests.e2e.echoes import drained
from tests.e2e.production import BUCKET, calling, release_id
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
    eventually(lambda: "driftloop-twice-prod: InService" in loop.driftloop("status"))
    with calling(loop, "twice"):
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
    drained(loop, "driftloop-twice-release")

    assert len(loop.runs("twice-release")) == before
    assert loop.served("twice") == second


def test_the_live_version_rejected_goes_back_to_the_one_before(loop: Loop) -> None:
    first, second = loop.packages("twice")
    assert loop.served("twice") == second

    with calling(loop, "twice") as caller:
        loop.driftloop("reject", second, "--reason", "complaints")
        (back,) = loop.ended("twice-rollback")

    assert caller.answers > 10
    steps = loop.steps(back)
    assert {name: step["StepStatus"] for name, step in steps.items()} == dict.fromkeys(
        ("Promote", "Promoted", "Scale", "Monitor", "VerifyProduction"), "Succeeded"
    )
    assert _verified(loop, back) == {"verdict": "passed", "model_package_arn": first, "variants": "champion"}
    assert loop.served("twice") == first
    assert first in loop.told("twice", "rollback-done")


def _verified(loop: Loop, run: dict[str, Any]) -> dict[str, str]:
    """What the tests of production found after an execution changed it."""
    key = f"twice/releases/{release_id(run)}/production/report.json"
    report = json.loads(loop.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    (variant,) = [check for check in report["checks"] if check["group"] == "production"]
    (golden,) = [check for check in report["checks"] if check["group"] == "golden records"]
    assert golden["outcome"] == "passed"
    assert golden["facts"]["records"] > 0
    found = {name: report[name] for name in ("verdict", "model_package_arn")}
    return {**found, "variants": variant["facts"]["variants"]}


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
