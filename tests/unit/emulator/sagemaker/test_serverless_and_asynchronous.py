"""Endpoints without instances of their own, and endpoints that answer later."""

from __future__ import annotations

import base64
import json
import threading
from typing import Any

import pytest

from emulator.kernel import traffic
from emulator.kernel.errors import AwsError, EmulatorError
from emulator.services import sagemaker_runtime
from tests.support.emulator import World
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.serving import advance, captures, configure, deploy, invoke, up, variant

SLOW = """
import json, os, time
def model_fn(model_dir):
    return open(os.path.join(model_dir, "name.txt")).read()
def transform_fn(model, data, content_type, accept):
    while not os.path.exists(json.loads(data)["until"]):
        pass
    return json.dumps({"model": model}), accept
"""


def serverless(aws: World, concurrency: int = 2, **more: Any) -> dict[str, Any]:
    item = {"VariantName": "champion", "ModelName": "one"}
    config = {"MemorySizeInMB": 2048, "MaxConcurrency": concurrency}
    variants = [{**item, "ServerlessConfig": config}]
    aws.sagemaker("CreateEndpointConfig", EndpointConfigName="s", ProductionVariants=variants, **more)
    return up(aws, "s")


def instances(aws: World) -> int:
    route = traffic.of(aws.kernel.engines).route("e")
    return sum(len(pool.instances) for pool in route.variants[0].pools)


def test_a_serverless_endpoint_sleeps_when_nobody_asks_and_wakes_for_the_next_request(aws: World) -> None:
    deploy(aws, "one")
    described = serverless(aws)
    first = invoke(aws)

    advance(aws, 660)
    asleep = instances(aws)
    second = invoke(aws)

    assert (asleep, instances(aws)) == (0, 1)
    assert b'"one"' in first["Body"]
    assert b'"one"' in second["Body"]
    [shown] = described["ProductionVariants"]
    assert (shown["CurrentInstanceCount"], shown["CurrentServerlessConfig"]["MaxConcurrency"]) == (0, 2)
    assert [entry["kind"] for entry in aws.kernel.journal.entries("endpoint.cold_start")] == ["endpoint.cold_start"]


def test_requests_beyond_the_maximum_concurrency_are_throttled(aws: World, tmp_path: Any) -> None:
    deploy(aws, "one", SLOW)
    serverless(aws, concurrency=1)
    until, answers = tmp_path / "now", []
    body = json.dumps({"until": str(until)})
    waiting = threading.Thread(target=lambda: answers.append(invoke(aws, body=body)))
    waiting.start()
    roads = traffic.of(aws.kernel.engines)
    name = roads.route("e").variants[0].pools[0].instances[0].instance_id
    eventually(lambda: not roads.await_idle([name], 0))

    with pytest.raises(AwsError, match="Rate exceeded") as refused:
        invoke(aws, body=body)
    until.touch()
    waiting.join()

    assert (refused.value.code, refused.value.status) == ("ThrottlingException", 429)
    assert len(answers) == 1


def test_what_serverless_endpoints_cannot_do_is_refused(aws: World) -> None:
    deploy(aws, "one")
    with pytest.raises(AwsError, match="DataCaptureConfig is not supported for serverless"):
        serverless(aws, DataCaptureConfig=captures())
    with pytest.raises(AwsError, match="ShadowProductionVariants is not supported for serverless"):
        serverless(aws, ShadowProductionVariants=[variant("shadow", "one")])
    serverless(aws)

    with pytest.raises(AwsError, match="exceeds the limit of 4194304"):
        invoke(aws, body="x" * (4 * 1024 * 1024 + 1))
    configure(aws, "real", {"one": 1.0}, "champion")
    aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="real")
    eventually(lambda: aws.sagemaker("DescribeEndpoint", EndpointName="e")["EndpointStatus"] == "InService")
    with pytest.raises(AwsError, match="instance-based endpoint cannot be updated to a serverless"):
        aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="s")


def asynchronous(aws: World, concurrency: int = 2, **output: Any) -> None:
    config = {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": concurrency},
        "OutputConfig": {"S3OutputPath": "s3://bucket/out/", "S3FailurePath": "s3://bucket/failed", **output},
    }
    configure(aws, "a", {"one": 1.0}, "champion", AsyncInferenceConfig=config)
    up(aws, "a")


def later(aws: World, body: str = "4", **more: Any) -> dict[str, Any]:
    key = f"s3://bucket/in/{len(aws.s3.objects)}.json"
    aws.s3.put(key, body)
    request = {"EndpointName": "e", "InputLocation": key, "ContentType": "application/json", **more}
    return aws.call("sagemaker-runtime", "InvokeEndpointAsync", request)


def written(aws: World, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return eventually(lambda: aws.s3.objects.get((bucket, key)))


def test_an_answer_comes_later_where_it_was_said_and_a_topic_is_told(aws: World) -> None:
    deploy(aws, "one")
    topics = {
        "SuccessTopic": "arn:aws:sns:us-east-1:123456789012:ok",
        "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"],
    }
    asynchronous(aws, NotificationConfig=topics)

    taken = later(aws, InferenceId="mine")

    body = written(aws, taken["OutputLocation"])
    [(topic, message)] = eventually(lambda: aws.published)
    said = json.loads(message)
    assert taken["OutputLocation"].startswith("s3://bucket/out/")
    assert b'"answer": 0.25' in body
    assert (topic[-2:], said["invocationStatus"], said["inferenceId"]) == ("ok", "Completed", "mine")
    assert said["responseParameters"] == {"contentType": "application/json", "outputLocation": taken["OutputLocation"]}
    assert base64.b64decode(said["responseBody"]["content"]) == body


def test_a_failure_goes_to_its_own_place_and_topic(aws: World) -> None:
    deploy(aws, "one")
    asynchronous(aws, NotificationConfig={"ErrorTopic": "arn:aws:sns:us-east-1:123456789012:bad"})

    taken = later(aws, body="0")

    assert b"ZeroDivisionError" in written(aws, taken["FailureLocation"])
    [(topic, message)] = eventually(lambda: aws.published)
    said = json.loads(message)
    assert (topic[-3:], said["invocationStatus"]) == ("bad", "Failed")
    assert said["failureReason"].startswith("ClientError: Received server error (500) from primary")
    assert "responseParameters" not in said


def test_no_more_requests_are_under_way_than_the_instances_take(aws: World, tmp_path: Any) -> None:
    deploy(aws, "one", SLOW)
    asynchronous(aws, concurrency=2)
    until = tmp_path / "now"
    tasks = [later(aws, body=json.dumps({"until": str(until)})) for _ in range(5)]
    queues = sagemaker_runtime.asynchronous.of(aws.kernel)

    running = eventually(lambda: queues.running("e") == 2 and queues.running("e"))
    until.touch()

    assert running == 2
    assert all(written(aws, task["OutputLocation"]) for task in tasks)


def test_real_time_and_asynchronous_requests_do_not_mix(aws: World) -> None:
    deploy(aws, "one")
    asynchronous(aws)

    with pytest.raises(AwsError, match="is asynchronous and does not take this request"):
        invoke(aws)
    with pytest.raises(EmulatorError, match="InvokeEndpointAsync: Filename is not emulated yet"):
        later(aws, Filename="x")
    assert aws.sagemaker("DescribeEndpoint", EndpointName="e")["AsyncInferenceConfig"]["OutputConfig"]


def test_a_request_that_waited_too_long_is_not_sent_any_more(aws: World) -> None:
    deploy(aws, "one")
    asynchronous(aws)
    wanted = [{"VariantName": "champion", "DesiredInstanceCount": 0}]
    aws.sagemaker("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wanted)
    eventually(lambda: aws.sagemaker("DescribeEndpoint", EndpointName="e")["EndpointStatus"] == "InService")

    taken = later(aws, RequestTTLSeconds=60)
    advance(aws, 120)
    one = [{"VariantName": "champion", "DesiredInstanceCount": 1}]
    aws.sagemaker("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=one)
    eventually(lambda: instances(aws) == 1)
    advance(aws, 10)

    assert b"not taken from the queue within 60 seconds" in written(aws, taken["FailureLocation"])
