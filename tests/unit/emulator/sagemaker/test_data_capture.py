"""What endpoints capture, one record for each request; and shadow variants, which answer nobody."""

from __future__ import annotations

import json
import threading
from typing import Any

from emulator.services import sagemaker_runtime
from tests.support.emulator import World
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.serving import at_rest, captures, configure, deploy, invoke, up, variant

TYPES = {"CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]}}


def records(aws: World, variant: str = "champion") -> list[dict[str, Any]]:
    """All that was written for a variant."""
    lines = [
        line
        for key in aws.s3.keys("captured")
        if key.startswith(f"here/e/{variant}/")
        for line in aws.s3.get(f"s3://captured/{key}").decode().splitlines()
    ]
    return [json.loads(line) for line in lines]


def inference_ids(found: list[dict[str, Any]]) -> list[str]:
    return sorted(record["eventMetadata"]["inferenceId"] for record in found)


def test_each_of_thousands_of_concurrent_requests_leaves_one_record(aws: World) -> None:
    deploy(aws, "one")
    configure(aws, "c", {"one": 1.0}, "champion", DataCaptureConfig=captures(**TYPES))
    up(aws, "c")

    def call(worker: int) -> None:
        for number in range(250):
            invoke(aws, body=str(number + 1), InferenceId=f"{worker}-{number}", CustomAttributes="a=b")

    threads = [threading.Thread(target=call, args=(worker,)) for worker in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sagemaker_runtime.close(aws.kernel)

    found = records(aws)
    assert inference_ids(found) == sorted(f"{worker}-{number}" for worker in range(8) for number in range(250))
    assert len({record["eventMetadata"]["eventId"] for record in found}) == 2000
    for record in found:
        asked = int(record["captureData"]["endpointInput"]["data"])
        assert record["eventMetadata"]["inferenceId"].endswith(f"-{asked - 1}")
        assert json.loads(record["captureData"]["endpointOutput"]["data"])["answer"] == 1 / asked
        assert record["eventMetadata"]["customAttributes"] == ["a=b"]


def test_records_are_written_by_themselves_after_a_while_and_errors_leave_none(aws: World) -> None:
    deploy(aws, "one")
    configure(aws, "c", {"one": 1.0}, "champion", DataCaptureConfig=captures(**TYPES))
    described = up(aws, "c")

    invoke(aws, InferenceId="good")
    for body in ("0", "nothing"):
        try:
            invoke(aws, body=body, InferenceId="bad")
        except Exception as error:
            assert "ModelError" in str(error)  # noqa: PT017 - both fail, and that is not what is tested

    assert inference_ids(eventually(lambda: records(aws))) == ["good"]
    assert described["DataCaptureConfig"]["CaptureStatus"] == "Started"


def test_nothing_captured_is_lost_over_an_update(aws: World) -> None:
    deploy(aws, "one")
    deploy(aws, "two")
    configure(aws, "c1", {"one": 1.0}, "champion", DataCaptureConfig=captures())
    configure(aws, "c2", {"two": 1.0}, "champion")
    up(aws, "c1")

    invoke(aws, InferenceId="before")
    aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="c2")
    at_rest(aws, "c2")
    invoke(aws, InferenceId="after")
    sagemaker_runtime.close(aws.kernel)

    assert inference_ids(records(aws)) == ["before"]
    assert "DataCaptureConfig" not in aws.sagemaker("DescribeEndpoint", EndpointName="e")


def test_a_shadow_sees_every_request_and_only_its_capture_tells(aws: World) -> None:
    deploy(aws, "one")
    deploy(aws, "two")
    configure(
        aws,
        "c",
        {"one": 1.0},
        "champion",
        ShadowProductionVariants=[variant("challenger", "two")],
        DataCaptureConfig=captures(**TYPES),
    )
    described = up(aws, "c")

    answers = [invoke(aws, InferenceId=f"r{number}") for number in range(50)]
    sagemaker_runtime.close(aws.kernel)

    assert {answer["InvokedProductionVariant"] for answer in answers} == {"champion"}
    assert all(b'"one"' in answer["Body"] for answer in answers)
    assert inference_ids(records(aws)) == inference_ids(records(aws, "challenger")) != []
    shadowed = [record["captureData"]["endpointOutput"]["data"] for record in records(aws, "challenger")]
    assert all(json.loads(data)["model"] == "two" for data in shadowed)
    assert [item["VariantName"] for item in described["ShadowProductionVariants"]] == ["challenger"]


def test_a_shadow_that_fails_never_touches_the_caller(aws: World) -> None:
    deploy(aws, "one")
    deploy(aws, "bad", "def model_fn(d): return 1\ndef transform_fn(m, d, c, a): raise RuntimeError('broken')")
    shadows = [variant("challenger", "bad")]
    configure(aws, "c", {"one": 1.0}, "champion", ShadowProductionVariants=shadows, DataCaptureConfig=captures(**TYPES))
    up(aws, "c")

    answers = [invoke(aws) for _ in range(10)]
    sagemaker_runtime.close(aws.kernel)

    assert len(answers) == len(records(aws)) == 10
    assert records(aws, "challenger") == []
    failed = [
        value
        for _, name, dimensions, value, _ in aws.metrics
        if name == "Invocation5XXErrors" and dimensions == {"EndpointName": "e", "VariantName": "challenger"}
    ]
    assert sum(failed) == 10


def test_a_refused_delivery_is_tried_again_and_on_record(aws: World) -> None:
    deploy(aws, "one")
    configure(aws, "c", {"one": 1.0}, "champion", DataCaptureConfig=captures(**TYPES))
    up(aws, "c")
    aws.s3.refuses = 1

    invoke(aws, InferenceId="kept")
    sagemaker_runtime.close(aws.kernel)

    assert [entry["kind"] for entry in aws.kernel.journal.entries("endpoint.capture")] == ["endpoint.capture.refused"]
    assert inference_ids(eventually(lambda: records(aws))) == ["kept"]
