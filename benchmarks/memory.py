"""Memory of the emulator over many requests: `python -m benchmarks.memory [--requests 100000]`.

Ten kinds of requests take turns, none of which asks for anything to be kept for good: queues are purged, objects and
items written over. Prints the memory at each tenth; the exit code is 1 when it grew by more than the goal between the
second tenth (all caches are warm then) and the last.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.emulator import Client, Repeated, ask, create_function, emulator, health

GROWTH_MB = 10.0
PARTS = 10


@dataclass(frozen=True)
class Reading:
    """The emulator's own memory after so many requests; its children are not in it."""

    requests: int
    memory_mb: float


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=100_000)
    count = options.parse_args().requests
    readings: list[Reading] = []
    with emulator() as client:
        began = time.perf_counter()
        for reading in measure(client, count):
            readings.append(reading)
            took_s = time.perf_counter() - began
            print(f"{reading.requests:8} requests {reading.memory_mb:8.1f} MB {took_s:7.1f} s", flush=True)
    warm, last = readings[1], readings[-1]
    growth_mb, sent = last.memory_mb - warm.memory_mb, last.requests - warm.requests
    print(f"grew by {growth_mb:.1f} MB over the last {sent} requests, goal {GROWTH_MB:g} MB")
    sys.exit(growth_mb > GROWTH_MB)


def measure(client: Client, count: int) -> Iterator[Reading]:
    """Send `count` requests; answers a reading for each tenth."""
    ask(client, "advance", seconds=86_400)  # what is loaded once a day is loaded
    kinds = list(requests(client))
    purge = Repeated(client("sqs"), lambda: client("sqs").purge_queue(QueueUrl=_url(client)))
    for part in range(1, PARTS + 1):
        for number in range(count // PARTS):
            kinds[number % len(kinds)]()
            if number % 200 == 0:
                ask(client, "advance", seconds=61)  # a queue may be purged once a minute
                purge()
        yield Reading(part * count // PARTS, health(client)["memory_bytes"] / 1e6)


def requests(client: Client) -> Iterator[Callable[[], None]]:
    """One request of each kind, to be sent again and again."""
    for service, call in calls(client):
        yield Repeated(client(service), call)


def calls(client: Client) -> Iterator[tuple[str, Callable[[], object]]]:
    s3, sqs, dynamodb, events = client("s3"), client("sqs"), client("dynamodb"), client("events")
    cloudwatch, functions, sagemaker = client("cloudwatch"), client("lambda"), client("sagemaker")
    url = sqs.create_queue(QueueName="flat")["QueueUrl"]
    s3.create_bucket(Bucket="flat")
    s3.put_bucket_notification_configuration(Bucket="flat", NotificationConfiguration={"EventBridgeConfiguration": {}})
    dynamodb.create_table(
        TableName="flat",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    events.put_rule(Name="flat", EventPattern=json.dumps({"source": ["flat", "aws.s3"]}))
    events.put_targets(Rule="flat", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:flat"}])
    create_function(functions, "flat", "arn:aws:iam::123456789012:role/flat")
    sagemaker.create_model_package_group(ModelPackageGroupName="flat")
    small, large = os.urandom(1000), os.urandom(100_000)
    entry = {"Source": "flat", "DetailType": "Flat", "Detail": "{}"}
    item = {"id": {"S": "a"}, "text": {"S": "x" * 1000}}
    yield "sqs", lambda: sqs.send_message(QueueUrl=url, MessageBody="m" * 1000)
    yield "sqs", lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    yield "s3", lambda: s3.put_object(Bucket="flat", Key="small", Body=small)
    yield "s3", lambda: s3.put_object(Bucket="flat", Key="large", Body=large)
    yield "s3", lambda: s3.get_object(Bucket="flat", Key="large")
    yield "dynamodb", lambda: dynamodb.put_item(TableName="flat", Item=item)
    yield "events", lambda: events.put_events(Entries=[entry])
    yield "cloudwatch", lambda: cloudwatch.put_metric_data(Namespace="F", MetricData=[{"MetricName": "m", "Value": 1}])
    yield "lambda", lambda: functions.invoke(FunctionName="flat", Payload=b"{}")
    yield "sagemaker", lambda: sagemaker.list_model_packages(ModelPackageGroupName="flat")


def _url(client: Client) -> str:
    url: str = client("sqs").get_queue_url(QueueName="flat")["QueueUrl"]
    return url


if __name__ == "__main__":
    main()
