"""S3 -> EventBridge -> SQS: one event per upload, in AWS's shape."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.waiting import eventually

Client = Callable[[str], Any]


@pytest.fixture
def wired(client: Client, request: pytest.FixtureRequest) -> tuple[str, str]:
    """A versioned bucket with EventBridge on, and a queue that gets all its events."""
    name = "events-" + request.node.name.replace("_", "-")[-40:].strip("-")
    s3, sqs, events = client("s3"), client("sqs"), client("events")
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.s3"], "detail": {"bucket": {"name": [name]}}}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return name, url


def _received(client: Client, url: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def enough() -> bool:
        answer = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        found.extend(json.loads(message["Body"]) for message in answer.get("Messages", []))
        return len(found) >= count

    eventually(enough)
    return found


def test_a_put_is_one_event_with_the_key_as_it_is(client: Client, wired: tuple[str, str]) -> None:
    bucket, url = wired

    put = client("s3").put_object(Bucket=bucket, Key="raw/a b+ü.csv", Body=b"hello")

    (event,) = _received(client, url, 1)
    assert event["detail-type"] == "Object Created"
    assert event["resources"] == [f"arn:aws:s3:::{bucket}"]
    detail = event["detail"]
    assert detail["reason"] == "PutObject"
    assert detail["object"]["key"] == "raw/a b+ü.csv"
    assert detail["object"]["size"] == 5
    assert detail["object"]["etag"] == put["ETag"].strip('"')
    assert detail["object"]["version-id"] == put["VersionId"]


def test_a_multipart_upload_is_one_event(client: Client, wired: tuple[str, str]) -> None:
    bucket, url = wired
    s3 = client("s3")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=1, Body=b"x" * 100)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload=parts)
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "big"})

    reasons = {e["detail"]["object"]["key"]: e["detail"]["reason"] for e in _received(client, url, 2)}

    assert reasons == {"big": "CompleteMultipartUpload", "copy": "CopyObject"}


def test_a_delete_in_a_versioned_bucket_says_that_it_left_a_marker(client: Client, wired: tuple[str, str]) -> None:
    bucket, url = wired
    client("s3").put_object(Bucket=bucket, Key="k", Body=b"1")
    client("s3").delete_object(Bucket=bucket, Key="k")

    events = {e["detail-type"]: e["detail"] for e in _received(client, url, 2)}

    assert events["Object Deleted"]["deletion-type"] == "Delete Marker Created"


def test_a_disabled_rule_gets_nothing(client: Client, wired: tuple[str, str]) -> None:
    bucket, url = wired
    client("events").disable_rule(Name=bucket)
    client("s3").put_object(Bucket=bucket, Key="unseen", Body=b"1")
    client("events").enable_rule(Name=bucket)
    client("s3").put_object(Bucket=bucket, Key="seen", Body=b"1")

    assert [e["detail"]["object"]["key"] for e in _received(client, url, 1)] == ["seen"]
