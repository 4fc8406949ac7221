"""What `answer_waits` asks of CloudWatch, S3, SQS and EventBridge Scheduler is what the emulator answers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from emulator.kernel.ports import Kernel
from emulator.semantics.endpoints import capture
from lambdas.answer_waits.judge import Bucket
from lambdas.answer_waits.records import read_captured
from lambdas.answer_waits.schedules import Schedules
from lambdas.answer_waits.sources import HourlyLines, read_buckets
from lambdas.shared.events import Tick, parse_event
from tests.integration.test_cloudwatch import queue
from tests.support.waiting import eventually

Client = Callable[[str], Any]


def test_a_wait_ticks_with_the_time_in_it_slows_down_and_ends(client: Client, kernel: Kernel) -> None:
    url, arn = queue(client, "waits-tick")
    schedules = Schedules(
        client("scheduler"), "flights", "driftloop-flights", arn, "arn:aws:iam::123456789012:role/ticks"
    )
    deadline_at = kernel.clock.now() + timedelta(hours=1)

    schedules.open("tok0000001", deadline_at)
    schedules.open("tok0000001", deadline_at)
    schedules.slow_down("tok0000001", 3600, deadline_at)
    found = client("scheduler").get_schedule(Name="driftloop-flights-tok0000001")
    [message] = eventually(lambda: client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"))
    schedules.close("tok0000001")
    schedules.close("tok0000001")

    tick = parse_event(message["Body"])
    assert isinstance(tick, Tick)
    assert (tick.model, tick.token) == ("flights", "tok0000001")
    assert found["ScheduleExpression"] == "rate(60 minutes)"
    with pytest.raises(client("scheduler").exceptions.ResourceNotFoundException):
        client("scheduler").get_schedule(Name="driftloop-flights-tok0000001")


def test_a_variants_requests_errors_and_latency_are_read(client: Client, kernel: Kernel) -> None:
    now = kernel.clock.now()
    values = {
        "Invocations": ("None", {1.0: 40}),
        "Invocation5XXErrors": ("None", {0.0: 38, 1.0: 2}),
        "ModelLatency": ("Microseconds", {20_000.0: 40}),
    }
    variant = {"EndpointName": "waits-ab", "VariantName": "challenger"}
    kernel.measure_many("AWS/SageMaker", variant, values, now)

    buckets = read_buckets(
        client("cloudwatch"), "waits-ab", "challenger", now - timedelta(minutes=20), now + timedelta(minutes=10)
    )

    assert buckets == [Bucket(40.0, 2.0, pytest.approx(20.0))]


def test_lines_are_read_from_an_hour_on_in_their_order(client: Client, kernel: Kernel) -> None:
    s3 = client("s3")
    s3.create_bucket(Bucket="waits-lines")
    for hour, body in (("2026/03/01/05", b"old"), ("2026/03/01/06", b"a\nb\n"), ("2026/03/02/00", b"c")):
        s3.put_object(Bucket="waits-lines", Key=f"labels/{hour}/x.jsonl", Body=body)
    s3.put_object(Bucket="waits-lines", Key="labels/2026/03/02/00/manifest", Body=b"no lines")

    lines = HourlyLines(s3, "s3://waits-lines/labels", datetime.fromisoformat("2026-03-01T06:40:00+00:00"))

    assert list(lines) == [("2026/03/01/06", b"a"), ("2026/03/01/06", b"b"), ("2026/03/02/00", b"c")]
    assert (lines.objects, lines.is_cut) == (2, False)


@pytest.mark.parametrize(("inference_id", "known_as"), [("flight-7", "flight-7"), ("", "event-7")])
def test_what_an_endpoint_captures_is_read(inference_id: str, known_as: str) -> None:
    at = datetime.fromisoformat("2026-03-01T06:40:00.700000+00:00")
    config = {
        "DataCaptureConfig": {
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": "s3://waits-lines/capture",
            "CaptureOptions": [{"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        }
    }
    settings = capture.settings(config, "role")
    assert settings
    answered = ("text/csv", b"1,2\n", "text/csv; charset=utf-8", b"0.25\n")
    seen = capture.Captured(settings, "prod", "challenger", at, "event-7", inference_id, "", *answered)

    captured = read_captured([("2026/03/01/06", capture.line(seen).encode())], at)

    assert captured.rows == {known_as: (0.25,)}
