"""Many callers at once on the same thing: nothing is lost, nothing answers 500."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

Client = Callable[[str], Any]
THREADS, EACH = 8, 12


def _at_once(work: Callable[[int], Any]) -> list[Any]:
    """`work(number)` for every number, on eight threads that begin together; any error is raised."""
    ready = threading.Barrier(THREADS)

    def run(thread: int) -> list[Any]:
        ready.wait(30)
        return [work(thread * EACH + number) for number in range(EACH)]

    with ThreadPoolExecutor(THREADS) as pool:
        return [answer for answers in pool.map(run, range(THREADS)) for answer in answers]


def test_the_same_key_written_by_eight_threads_keeps_every_version(client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="at-once")
    s3.put_bucket_versioning(Bucket="at-once", VersioningConfiguration={"Status": "Enabled"})
    bodies = [bytes([number]) * (1 + number * 3000) for number in range(THREADS * EACH)]

    def put_and_get(number: int) -> str:
        version: str = s3.put_object(Bucket="at-once", Key="k", Body=bodies[number])["VersionId"]
        assert s3.get_object(Bucket="at-once", Key="k", VersionId=version)["Body"].read() == bodies[number]
        return version

    versions = _at_once(put_and_get)

    found = s3.list_object_versions(Bucket="at-once")["Versions"]
    assert {item["VersionId"] for item in found} == set(versions)
    assert sorted(item["Size"] for item in found) == sorted(map(len, bodies))


def test_the_same_key_overwritten_and_read_by_eight_threads_is_always_one_whole_object(client: Client) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="overwritten")
    s3.put_object(Bucket="overwritten", Key="k", Body=b"\0" * 200_000)

    def put_and_get(number: int) -> bytes:
        s3.put_object(Bucket="overwritten", Key="k", Body=bytes([number]) * 200_000)
        body: bytes = s3.get_object(Bucket="overwritten", Key="k")["Body"].read()
        return body

    assert {(len(body), len(set(body))) for body in _at_once(put_and_get)} == {(200_000, 1)}


def test_the_same_package_group_numbers_every_version_once(client: Client) -> None:
    sagemaker = client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="at-once")

    arns = _at_once(lambda _: sagemaker.create_model_package(ModelPackageGroupName="at-once")["ModelPackageArn"])

    assert sorted(int(arn.rpartition("/")[2]) for arn in arns) == list(range(1, THREADS * EACH + 1))


def test_the_same_queue_hands_every_message_out_once(client: Client) -> None:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName="at-once", Attributes={"VisibilityTimeout": "600"})["QueueUrl"]
    sent = _at_once(lambda number: sqs.send_message(QueueUrl=url, MessageBody=str(number))["MessageId"])

    received = _at_once(lambda _: sqs.receive_message(QueueUrl=url).get("Messages", []))

    ids = [message["MessageId"] for messages in received for message in messages]
    assert (len(set(sent)), sorted(ids)) == (THREADS * EACH, sorted(sent))


def test_the_same_item_counted_up_in_transactions_counts_every_one(client: Client) -> None:
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName="at-once",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    count = {
        "TableName": "at-once",
        "Key": {"pk": {"S": "k"}},
        "UpdateExpression": "ADD n :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }

    _at_once(lambda _: dynamodb.transact_write_items(TransactItems=[{"Update": count}]))

    found = dynamodb.get_item(TableName="at-once", Key={"pk": {"S": "k"}})["Item"]
    assert found["n"]["N"] == str(THREADS * EACH)
