"""Every place where we reach into moto. A test here fails when moto changes, and then the seam has to be looked at."""

import inspect
import json
import os
import threading
from dataclasses import replace
from typing import Any

import boto3
import moto
import moto.backends
import moto.core.responses
import moto.core.utils
import moto.moto_server.werkzeug_app
import moto.s3.models
import moto.s3.notifications
import moto.sqs.models
import pytest
from moto.core.serialize import SerializationContext
from moto.iam.access_control import PermissionResult

from emulator.adapters import moto_services
from emulator.adapters.moto_services import MotoServices, S3Change, take_s3_changes
from tests.support.emulator import ACCOUNT_ID, REPOSITORY
from tests.unit.emulator.adapters.client import received, sent

PINNED = "5.2.5"


@pytest.fixture(scope="module")
def services() -> MotoServices:
    MotoServices(ACCOUNT_ID)
    moto.backends.get_backend("iam").reset()  # another test of this worker may have made it without AWS's policies
    return MotoServices(ACCOUNT_ID)  # a second one in a process must not open the seams again


def _call(services: MotoServices, service: str, operation: str, **params: Any) -> Any:
    return received(service, operation, services.handle(service, sent(service, operation, params)), params)


@pytest.fixture
def bucket(services: MotoServices, request: pytest.FixtureRequest) -> str:
    """A versioned bucket with EventBridge on."""
    name = "b" + request.node.name.replace("_", "-")[-50:]
    _call(services, "s3", "CreateBucket", Bucket=name)
    _call(services, "s3", "PutBucketVersioning", Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    on = {"EventBridgeConfiguration": {}}
    _call(services, "s3", "PutBucketNotificationConfiguration", Bucket=name, NotificationConfiguration=on)
    take_s3_changes()
    return name


def test_moto_is_the_version_whose_seams_these_are() -> None:
    assert moto.__version__ == PINNED
    assert f"]=={PINNED}" in (REPOSITORY / "pyproject.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("owner", "name", "arguments"),
    [
        (moto.core.utils, "method_names_from_class", ["clazz"]),
        (moto.s3.models.S3Backend, "delete_object", ["self", "bucket_name", "key_name", "version_id", "bypass"]),
        (moto.sqs.models.Queue, "wait_for_messages", ["self", "timeout"]),
        (SerializationContext, "__init__", ["self", "request_id"]),
    ],
)
def test_what_we_replace_or_call_takes_what_we_give(owner: Any, name: str, arguments: list[str]) -> None:
    source = inspect.getsource(inspect.getmodule(owner))
    start = source.index(f"def {name}(", source.index(f"class {owner.__name__}") if inspect.isclass(owner) else 0)
    declared = source[start : source.index("->", start)]

    assert [
        word.split(":")[0].strip() for word in declared.split("(", 1)[1].rsplit(")", 1)[0].split(",") if word.strip()
    ] == arguments


def test_the_list_of_modules_is_read_once_and_is_what_moto_lists(services: MotoServices) -> None:
    found = moto.backends.list_of_moto_modules()

    assert found is moto.backends.list_of_moto_modules()
    assert {"s3", "sqs", "iam", "dynamodb"} <= set(found)
    asks = inspect.getsource(moto.moto_server.werkzeug_app)
    assert "backends.list_of_moto_modules()" in asks  # looked up by name at each request, so that ours is found


def test_the_operations_of_a_class_are_looked_up_by_the_name_we_replace(services: MotoServices) -> None:
    from moto.sqs.responses import SQSResponse

    names = moto.core.responses.method_names_from_class(SQSResponse)

    assert names is moto.core.responses.method_names_from_class(SQSResponse)
    assert set(names) == set(moto.core.utils.method_names_from_class(SQSResponse))
    assert "method_names_from_class(" in inspect.getsource(moto.core.responses.BaseResponse)


def test_an_upload_tells_the_facts_of_the_object(services: MotoServices, bucket: str) -> None:
    put = _call(services, "s3", "PutObject", Bucket=bucket, Key="a b+ü", Body=b"hello")

    created = [change for change in take_s3_changes() if change.moto_event.startswith("s3:ObjectCreated")]

    expected = S3Change("s3:ObjectCreated:Put", bucket, "a b+ü", 5, put["ETag"].strip('"'), put["VersionId"])
    assert set(created) == {expected}


def test_changes_are_collected_for_the_thread_that_serves_the_request(services: MotoServices, bucket: str) -> None:
    other = threading.Thread(target=_call, args=(services, "s3", "PutObject"), kwargs={"Bucket": bucket, "Key": "k"})
    other.start()
    other.join()

    assert take_s3_changes() == []


def test_a_bucket_without_eventbridge_tells_nothing(services: MotoServices) -> None:
    _call(services, "s3", "CreateBucket", Bucket="quiet")
    _call(services, "s3", "PutObject", Bucket="quiet", Key="k", Body=b"x")
    _call(services, "s3", "DeleteObject", Bucket="quiet", Key="k")

    assert take_s3_changes() == []


def test_a_delete_marker_is_told_once_with_its_version(services: MotoServices, bucket: str) -> None:
    _call(services, "s3", "PutObject", Bucket=bucket, Key="k", Body=b"x")
    take_s3_changes()

    deleted = _call(services, "s3", "DeleteObject", Bucket=bucket, Key="k")

    marker = S3Change("s3:ObjectRemoved:DeleteMarkerCreated", bucket, "k", 0, "", deleted["VersionId"])
    assert take_s3_changes() == [marker]


def test_deleting_many_tells_each(services: MotoServices, bucket: str) -> None:
    for key in ("a", "b"):
        _call(services, "s3", "PutObject", Bucket=bucket, Key=key, Body=b"x")
    take_s3_changes()

    _call(services, "s3", "DeleteObjects", Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})

    assert {change.key for change in take_s3_changes() if "ObjectRemoved" in change.moto_event} == {"a", "b"}


def test_a_bucket_policy_is_recorded_and_denies_nothing(services: MotoServices, bucket: str) -> None:
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})

    _call(services, "s3", "PutBucketPolicy", Bucket=bucket, Policy=policy)
    _call(services, "s3", "PutObject", Bucket=bucket, Key="k", Body=b"x")

    assert json.loads(_call(services, "s3", "GetBucketPolicy", Bucket=bucket)["Policy"]) == json.loads(policy)
    assert _call(services, "s3", "GetObject", Bucket=bucket, Key="k")["Body"].read() == b"x"
    assert moto.s3.models.FakeBucket.get_permission(None, "s3:GetObject", "r") is PermissionResult.NEUTRAL
    assert ".get_permission(" in inspect.getsource(moto.s3.responses)


def test_policies_that_aws_manages_exist(services: MotoServices) -> None:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    _call(services, "iam", "CreateRole", RoleName="seam", AssumeRolePolicyDocument=trust)

    _call(services, "iam", "AttachRolePolicy", RoleName="seam", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")

    attached = _call(services, "iam", "ListAttachedRolePolicies", RoleName="seam")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["ReadOnlyAccess"]
    assert os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] == "true"


def test_the_account_is_ours(services: MotoServices) -> None:
    assert _call(services, "sts", "GetCallerIdentity")["Account"] == ACCOUNT_ID


def test_a_long_poll_lets_others_send_and_gets_what_they_sent(services: MotoServices) -> None:
    url = _call(services, "sqs", "CreateQueue", QueueName="long-poll")["QueueUrl"]
    polling, received_messages = threading.Event(), []
    wait = moto.sqs.models.Queue.wait_for_messages

    def told(queue: Any, timeout: int) -> None:
        polling.set()
        wait(queue, timeout)

    def poll() -> None:
        answer = _call(services, "sqs", "ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)
        received_messages.extend(answer.get("Messages", []))

    moto.sqs.models.Queue.wait_for_messages = told
    thread = threading.Thread(target=poll)
    try:
        thread.start()
        assert polling.wait(30)
        _call(services, "sqs", "SendMessage", QueueUrl=url, MessageBody="come")
        thread.join(timeout=30)
    finally:
        moto.sqs.models.Queue.wait_for_messages = wait

    assert [message["Body"] for message in received_messages] == ["come"]


def test_concurrent_uploads_of_one_key_all_succeed(services: MotoServices, bucket: str) -> None:
    problems: list[BaseException] = []

    def upload(number: int) -> None:
        try:
            for _ in range(10):
                _call(services, "s3", "PutObject", Bucket=bucket, Key="same", Body=str(number).encode())
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    versions = _call(services, "s3", "ListObjectVersions", Bucket=bucket)["Versions"]
    assert problems == []
    assert len(versions) == 40


def test_every_kept_service_is_one_that_moto_and_botocore_have() -> None:
    assert set(boto3.Session().get_available_services()) >= moto_services.KEPT
    for service in moto_services.KEPT:
        assert moto.backends.get_backend(service) is not None


def test_the_depths_of_queues_are_told_without_a_request(services: MotoServices) -> None:
    url = _call(services, "sqs", "CreateQueue", QueueName="depths")["QueueUrl"]
    for body in ("one", "two", "later"):
        _call(services, "sqs", "SendMessage", QueueUrl=url, MessageBody=body, DelaySeconds=900 * (body == "later"))
    _call(services, "sqs", "ReceiveMessage", QueueUrl=url)

    assert ("depths", 1, 1, 1) in services.queue_depths()


def test_a_topic_puts_a_message_into_a_queue_under_the_lock_of_sqs(
    services: MotoServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = _call(services, "sns", "CreateTopic", Name="locked")["TopicArn"]
    _call(services, "sqs", "CreateQueue", QueueName="locked")
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT_ID}:locked"
    _call(services, "sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=queue)
    owned: list[bool] = []
    add = moto.sqs.models.Queue.add_message

    def seen(*args: Any, **kwargs: Any) -> Any:
        owned.append(moto_services._LOCKS["sqs"]._is_owned())  # type: ignore[attr-defined]
        return add(*args, **kwargs)

    monkeypatch.setattr(moto.sqs.models.Queue, "add_message", seen)

    _call(services, "sns", "Publish", TopicArn=topic, Message="hello")

    assert owned == [True]


def test_a_session_made_without_a_request_is_one_that_sts_knows(services: MotoServices) -> None:
    role = services.assume_role(f"arn:aws:iam::{ACCOUNT_ID}:role/team/worker", "night-shift", "us-east-1")

    request = sent("sts", "GetCallerIdentity", {})
    scope = f"Credential={role.access_key_id}/20261123/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"
    asked = replace(request, headers={**request.headers, "Authorization": f"AWS4-HMAC-SHA256 {scope}"})
    answer = received("sts", "GetCallerIdentity", services.handle("sts", asked), {})
    assert answer["Arn"] == role.arn == f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/worker/night-shift"
