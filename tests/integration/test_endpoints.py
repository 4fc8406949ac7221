"""Endpoints as boto3 sees them: variants, capture in S3, metrics and alarms in CloudWatch, lists, deletion."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.kernel.ports import Kernel
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.requests import SKLEARN, tarball
from tests.unit.emulator.sagemaker.serving import INFERENCE

ROLE = "arn:aws:iam::123456789012:role/serve"
Clients = Callable[[str], Any]


class Stage:
    """A bucket, models and endpoints of one test, under names of its own."""

    def __init__(self, client: Clients) -> None:
        self.name = f"ep-{uuid.uuid4().hex[:8]}"
        self.sagemaker, self.runtime, self.s3 = client("sagemaker"), client("sagemaker-runtime"), client("s3")
        self.s3.create_bucket(Bucket=self.name)

    def model(self, name: str, code: str = INFERENCE) -> str:
        key = f"{name}.tar.gz"
        self.s3.put_object(Bucket=self.name, Key=key, Body=tarball(code__inference_py=code, name_txt=name))
        container = {"Image": SKLEARN, "ModelDataUrl": f"s3://{self.name}/{key}"}
        full = f"{self.name}-{name}"
        self.sagemaker.create_model(ModelName=full, PrimaryContainer=container, ExecutionRoleArn=ROLE)
        return full

    def config(self, name: str, *variants: dict[str, Any], **more: Any) -> str:
        full = f"{self.name}-{name}"
        self.sagemaker.create_endpoint_config(EndpointConfigName=full, ProductionVariants=list(variants), **more)
        return full

    def up(self, config: str, name: str = "") -> str:
        endpoint = f"{self.name}{name}"
        self.sagemaker.create_endpoint(EndpointName=endpoint, EndpointConfigName=config)
        self.at_rest(endpoint)
        return endpoint

    def at_rest(self, endpoint: str, status: str = "InService") -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            found: dict[str, Any] = self.sagemaker.describe_endpoint(EndpointName=endpoint)
            return found if found["EndpointStatus"] == status else None

        return eventually(probe)

    def ask(self, endpoint: str, **more: Any) -> tuple[str, str]:
        """The variant that answered, and its model."""
        request = {"EndpointName": endpoint, "Body": b"4", "ContentType": "application/json", **more}
        answer = self.runtime.invoke_endpoint(**request)
        return answer["InvokedProductionVariant"], json.loads(answer["Body"].read())["model"]


@pytest.fixture
def stage(client: Clients) -> Stage:
    return Stage(client)


def variant(name: str, model: str, weight: float = 1, count: int = 1) -> dict[str, Any]:
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": count,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": weight,
    }


def test_traffic_goes_by_weight_or_target_and_weights_move(stage: Stage) -> None:
    one, two = stage.model("one"), stage.model("two")
    endpoint = stage.up(stage.config("c", variant("champion", one, 1), variant("challenger", two, 0)))

    assert {stage.ask(endpoint) for _ in range(10)} == {("champion", "one")}
    assert stage.ask(endpoint, TargetVariant="challenger") == ("challenger", "two")
    wanted = [{"VariantName": "champion", "DesiredWeight": 0}, {"VariantName": "challenger", "DesiredWeight": 2}]
    stage.sagemaker.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=wanted)
    stage.at_rest(endpoint)

    assert {stage.ask(endpoint) for _ in range(10)} == {("challenger", "two")}


def test_what_is_captured_lies_in_s3(stage: Stage) -> None:
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{stage.name}/captured",
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        "CaptureContentTypeHeader": {"JsonContentTypes": ["application/json"]},
    }
    shadow = variant("challenger", stage.model("two"))
    config = stage.config(
        "c", variant("champion", stage.model("one")), DataCaptureConfig=capture, ShadowProductionVariants=[shadow]
    )
    endpoint = stage.up(config)

    for number in range(5):
        stage.ask(endpoint, InferenceId=f"r{number}")

    for name, model in (("champion", "one"), ("challenger", "two")):
        keys = eventually(lambda name=name: _keys(stage, f"captured/{endpoint}/{name}/", 5))
        records = [json.loads(line) for key in keys for line in _lines(stage, key)]
        assert sorted(record["eventMetadata"]["inferenceId"] for record in records) == [f"r{n}" for n in range(5)]
        outputs = [json.loads(record["captureData"]["endpointOutput"]["data"]) for record in records]
        assert {output["model"] for output in outputs} == {model}


def _keys(stage: Stage, prefix: str, count: int) -> list[str]:
    """The files below a prefix once they hold so many records."""
    found = stage.s3.list_objects_v2(Bucket=stage.name, Prefix=prefix).get("Contents", ())
    keys = [item["Key"] for item in found]
    return keys if sum(len(_lines(stage, key)) for key in keys) >= count else []


def _lines(stage: Stage, key: str) -> list[bytes]:
    body: bytes = stage.s3.get_object(Bucket=stage.name, Key=key)["Body"].read()
    return body.splitlines()


def test_requests_are_counted_in_cloudwatch(stage: Stage, client: Clients) -> None:
    config = stage.config("c", variant("champion", stage.model("one"), count=2))
    endpoint = stage.up(config)

    for _ in range(3):
        stage.ask(endpoint)
    with pytest.raises(ClientError, match="ModelError"):
        stage.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"0", ContentType="application/json")

    now = datetime.now(UTC)
    dimensions = [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": "champion"}]

    def total(name: str, statistic: str, more: list[dict[str, str]]) -> float:
        found = client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=name,
            Dimensions=[*dimensions, *more],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=[statistic],
        )["Datapoints"]
        return float(sum(point[statistic] for point in found))

    of_fleet = [{"Name": "EndpointConfigName", "Value": config}]
    eventually(lambda: total("Invocations", "Sum", of_fleet) == 4)
    assert total("Invocations", "Sum", []) == 4
    assert (total("Invocation5XXErrors", "Sum", []), total("InvocationsPerInstance", "Sum", [])) == (1, 2)
    assert 0 < total("OverheadLatency", "Average", []) < total("ModelLatency", "Maximum", []) * 1000


def test_an_alarm_in_alarm_takes_an_update_back(stage: Stage, client: Clients) -> None:
    before = stage.config("c1", variant("champion", stage.model("one")))
    after = stage.config("c2", variant("champion", stage.model("two")))
    endpoint = stage.up(before)
    client("cloudwatch").put_metric_alarm(
        AlarmName=stage.name,
        Namespace="x",
        MetricName="y",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
    )
    client("cloudwatch").set_alarm_state(AlarmName=stage.name, StateValue="ALARM", StateReason="test")
    routing = {
        "Type": "CANARY",
        "WaitIntervalInSeconds": 60,
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
    }

    stage.sagemaker.update_endpoint(
        EndpointName=endpoint,
        EndpointConfigName=after,
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": stage.name}]},
        },
    )
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        stage.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=after)

    described = stage.at_rest(endpoint)
    assert described["EndpointConfigName"] == before
    assert stage.name in described["FailureReason"]
    assert stage.ask(endpoint) == ("champion", "one")


def test_a_configuration_and_its_model_may_go_while_the_endpoint_serves(stage: Stage) -> None:
    model = stage.model("one")
    config = stage.config("c", variant("champion", model))
    endpoint = stage.up(config)

    stage.sagemaker.delete_endpoint_config(EndpointConfigName=config)
    stage.sagemaker.delete_model(ModelName=model)

    assert stage.ask(endpoint) == ("champion", "one")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        stage.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config)
    stage.sagemaker.delete_endpoint(EndpointName=endpoint)
    with pytest.raises(ClientError, match="ValidationError"):
        stage.ask(endpoint)
    eventually(lambda: _is_gone(stage, endpoint))


def _is_gone(stage: Stage, endpoint: str) -> bool:
    try:
        stage.sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        return "Could not find endpoint" in str(error)
    return False


def test_lists_filter_sort_and_page(stage: Stage, kernel: Kernel) -> None:
    model = stage.model("one")
    configs = [stage.config(name, variant("champion", model)) for name in ("a", "b", "c")]
    endpoints = [stage.up(config, f"-{config[-1]}") for config in configs]
    broken = stage.config("bad", variant("champion", stage.model("bad", "raise RuntimeError('no')")))
    failed = f"{stage.name}-bad"
    stage.sagemaker.create_endpoint(EndpointName=failed, EndpointConfigName=broken)
    stage.at_rest(failed, "Failed")

    def names(**filters: Any) -> list[str]:
        pages = stage.sagemaker.get_paginator("list_endpoints").paginate(
            NameContains=stage.name, PaginationConfig={"PageSize": 2}, **filters
        )
        return [item["EndpointName"] for page in pages for item in page["Endpoints"]]

    assert names() == [failed, *reversed(endpoints)]
    assert names(SortBy="Name", SortOrder="Ascending") == sorted([failed, *endpoints])
    assert names(StatusEquals="Failed") == [failed]
    assert names(CreationTimeAfter=kernel.clock.now()) == []
    found = stage.sagemaker.list_endpoint_configs(NameContains=stage.name, SortBy="Name", SortOrder="Ascending")
    assert [item["EndpointConfigName"] for item in found["EndpointConfigs"]] == sorted([broken, *configs])
    models = stage.sagemaker.list_models(NameContains=stage.name)["Models"]
    assert {item["ModelName"] for item in models} == {model, f"{stage.name}-bad"}
