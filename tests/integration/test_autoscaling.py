"""Scalable targets and policies change the number of local model servers, in the kernel's time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator import bootstrap
from emulator.kernel import traffic
from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.pace import Timekeeper
from emulator.kernel.ports import Kernel
from emulator.services import cloudwatch
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.requests import SKLEARN, tarball
from tests.unit.emulator.sagemaker.serving import INFERENCE, variant

ROLE = "arn:aws:iam::123456789012:role/serve"
RESOURCE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/e/variant/champion",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}

BOUNDS = {"MinCapacity": "1", "MaxCapacity": "2"}


class Account:
    """An emulator without HTTP, whose time a test moves."""

    def __init__(self, kernel: Kernel, timekeeper: Timekeeper) -> None:
        self.kernel = kernel
        self._timekeeper = timekeeper

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.kernel.calls("application-autoscaling", operation, params)

    def sagemaker(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.kernel.calls("sagemaker", operation, params)

    def minutes(self, count: int, requests: int = 0) -> None:
        """So many minutes pass, with requests in each."""
        for _ in range(count):
            for _ in range(requests):
                request = {"EndpointName": "e", "Body": b"4", "ContentType": "application/json"}
                self.kernel.calls("sagemaker-runtime", "InvokeEndpoint", request)
            until = self.kernel.clock.now() + timedelta(minutes=1)
            assert self._timekeeper.advance(until, 60).is_there

    def instances(self) -> int:
        """How many model servers take requests."""
        route = traffic.of(self.kernel.engines).route("e")
        return sum(len(pool.instances) for pool in route.variants[0].pools)

    def alarms(self) -> list[dict[str, Any]]:
        found = self.kernel.calls("cloudwatch", "DescribeAlarms", {"AlarmNamePrefix": "TargetTracking-endpoint/e/"})
        return list(found["MetricAlarms"])


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    kernel, _, timekeeper = bootstrap.build(bootstrap.Options(tmp_path, 1))
    cloudwatch.Engine.of(kernel).start()
    made = Account(kernel, timekeeper)
    kernel.calls("s3", "CreateBucket", {"Bucket": "models"})
    body = tarball(code__inference_py=INFERENCE, name_txt="one")
    kernel.calls("s3", "PutObject", {"Bucket": "models", "Key": "m.tar.gz", "Body": body})
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://models/m.tar.gz"}
    made.sagemaker("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    made.sagemaker("CreateEndpointConfig", EndpointConfigName="c", ProductionVariants=[variant("champion", "m")])
    made.sagemaker("CreateEndpoint", EndpointName="e", EndpointConfigName="c")
    eventually(lambda: made.sagemaker("DescribeEndpoint", EndpointName="e")["EndpointStatus"] == "InService")
    yield made
    kernel.dispatcher.stop()


def track(account: Account, target: float = 5.0) -> dict[str, Any]:
    account("RegisterScalableTarget", **RESOURCE, MinCapacity=1, MaxCapacity=4)
    config = {
        "TargetValue": target,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    return account(
        "PutScalingPolicy",
        **RESOURCE,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=config,
    )


def test_a_missing_endpoint_or_variant_cannot_be_registered(account: Account) -> None:
    for resource, message in (
        ("endpoint/nope/variant/champion", "Could not find endpoint"),
        ("endpoint/e/variant/nope", "Could not find variant nope"),
        ("table/e", "Unsupported service namespace"),
    ):
        with pytest.raises(AwsError, match=message):
            account("RegisterScalableTarget", **{**RESOURCE, "ResourceId": resource}, MinCapacity=1, MaxCapacity=2)
    with pytest.raises(AwsError, match="MinCapacity and MaxCapacity are required"):
        account("RegisterScalableTarget", **RESOURCE, MinCapacity=1)
    with pytest.raises(EmulatorError, match="ServiceNamespace 'ecs' is not emulated yet"):
        account("DescribeScalableTargets", ServiceNamespace="ecs")


def test_traffic_above_the_target_adds_model_servers_and_quiet_traffic_takes_them_away(account: Account) -> None:
    made = track(account)

    account.minutes(5, requests=12)
    busy = account.instances()
    account.minutes(20, requests=1)

    assert [alarm["AlarmName"].split("-")[-6] for alarm in made["Alarms"]] == ["AlarmHigh", "AlarmLow"]
    assert (busy, account.instances()) == (3, 1)
    activities = account("DescribeScalingActivities", **RESOURCE)["ScalingActivities"]
    assert [item["Description"] for item in activities] == [
        "Setting desired instance count to 1.",
        "Setting desired instance count to 3.",
    ]
    assert {item["StatusCode"] for item in activities} == {"Successful"}
    assert "AlarmHigh" in activities[1]["Cause"]
    assert activities[1]["Cause"].endswith("in state ALARM triggered policy p")


def test_a_new_bound_takes_effect_at_once(account: Account) -> None:
    account("RegisterScalableTarget", **RESOURCE, MinCapacity=2, MaxCapacity=3)

    eventually(lambda: account.instances() == 2)
    [activity] = account("DescribeScalingActivities", ServiceNamespace="sagemaker")["ScalingActivities"]
    assert activity["Cause"] == "minimum capacity was set to 2"
    [target] = account("DescribeScalableTargets", ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 3)
    assert target["RoleARN"].endswith("AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")


def test_step_scaling_acts_when_its_alarm_does(account: Account) -> None:
    account("RegisterScalableTarget", **RESOURCE, MinCapacity=1, MaxCapacity=4)
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}]
    config = {"AdjustmentType": "ChangeInCapacity", "StepAdjustments": steps}
    policy = account("PutScalingPolicy", **RESOURCE, PolicyName="s", StepScalingPolicyConfiguration=config)
    dimensions = [{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "champion"}]
    account.kernel.calls(
        "cloudwatch",
        "PutMetricAlarm",
        {
            "AlarmName": "mine",
            "AlarmActions": [policy["PolicyARN"]],
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocations",
            "Dimensions": dimensions,
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 3.0,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    )

    account.minutes(3, requests=10)

    assert account.instances() == 3


def test_a_registered_variant_stays_as_it_is_until_it_is_deregistered(account: Account) -> None:
    track(account)
    larger = {**variant("champion", "m"), "InstanceType": "ml.m5.xlarge"}
    for name, item in (("other", variant("other", "m")), ("larger", larger)):
        account.sagemaker("CreateEndpointConfig", EndpointConfigName=name, ProductionVariants=[item])

    for name in ("other", "larger"):
        with pytest.raises(AwsError, match=r'The variant\(s\) "\[champion\]" must be deregistered as scalable targets'):
            account.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName=name)
    account("DeregisterScalableTarget", **RESOURCE)

    account.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="other")
    assert account("DescribeScalingPolicies", ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    assert account.alarms() == []
    with pytest.raises(AwsError, match="No scalable target registered"):
        account("DeregisterScalableTarget", **RESOURCE)


def test_an_endpoint_that_is_deleted_is_deregistered(account: Account) -> None:
    track(account)

    account.sagemaker("DeleteEndpoint", EndpointName="e")

    assert account("DescribeScalableTargets", ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert account.alarms() == []


def test_a_policy_that_is_put_again_keeps_its_arn_and_replaces_its_alarms(account: Account) -> None:
    before, after = track(account, 5.0), track(account, 8.0)

    assert before["PolicyARN"] == after["PolicyARN"]
    assert {alarm["Threshold"] for alarm in account.alarms()} == {8.0, 8.0 * 0.9}
    account("DeleteScalingPolicy", **RESOURCE, PolicyName="p")
    assert account.alarms() == []


def test_a_stack_brings_a_target_and_its_policy(account: Account) -> None:
    target = {"Type": "AWS::ApplicationAutoScaling::ScalableTarget", "Properties": {**RESOURCE, **BOUNDS}}
    policy = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "p",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": "70",
                "ScaleInCooldown": "60",
                "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
            },
        },
    }
    body = json.dumps({"Resources": {"Target": target, "Policy": policy}})
    names = {"StackName": "scaled", "ChangeSetName": "c"}
    account.kernel.calls(
        "cloudformation", "CreateChangeSet", {**names, "ChangeSetType": "CREATE", "TemplateBody": body}
    )
    account.kernel.calls("cloudformation", "ExecuteChangeSet", names)

    [made] = eventually(lambda: account("DescribeScalingPolicies", ServiceNamespace="sagemaker")["ScalingPolicies"])
    assert (made["ResourceId"], len(made["Alarms"])) == (RESOURCE["ResourceId"], 2)
    assert made["TargetTrackingScalingPolicyConfiguration"]["ScaleInCooldown"] == 60
