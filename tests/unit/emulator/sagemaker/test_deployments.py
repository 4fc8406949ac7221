"""Updates of endpoints: traffic moves in stages, alarms take it back, and nobody who calls ever notices."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.kernel import traffic
from emulator.kernel.errors import AwsError
from emulator.services import sagemaker_runtime
from tests.support.emulator import World
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.serving import (
    Client,
    advance,
    at_rest,
    configure,
    deploy,
    invoke,
    leap,
    statuses,
    up,
)

BROKEN = "def model_fn(model_dir): raise RuntimeError('broken model')"


def canary(wait_s: int = 300, size: int = 30, *alarms: str) -> dict[str, Any]:
    routing = {
        "Type": "CANARY",
        "WaitIntervalInSeconds": wait_s,
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": size},
    }
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 120},
        **({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}),
    }


def rolling(size: int, *alarms: str) -> dict[str, Any]:
    policy = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": size}, "WaitIntervalInSeconds": 60}
    return {
        "RollingUpdatePolicy": policy,
        **({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}),
    }


def both(aws: World, count: int = 1) -> None:
    """Models one and two, each with a configuration of variant champion; the endpoint runs one."""
    deploy(aws, "one")
    deploy(aws, "two")
    configure(aws, "c1", {"one": 1.0}, "champion", count=count)
    configure(aws, "c2", {"two": 1.0}, "champion", count=count)
    up(aws, "c1")


def update(aws: World, config: str, **more: Any) -> None:
    aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName=config, **more)


def said(aws: World) -> list[str]:
    """What the new fleet said of itself."""
    return [
        variant["VariantStatus"][0]["StatusMessage"]
        for detail in aws.events.details("Endpoint Deployment State Change")
        for variant in detail.get("PendingDeploymentSummary", {}).get("ProductionVariants", ())
    ]


def shares(aws: World) -> list[tuple[str, float, int]]:
    route = traffic.of(aws.kernel.engines).route("e")
    return [(pool.config_name, pool.share, len(pool.instances)) for pool in route.variants[0].pools]


def test_a_client_that_calls_all_the_time_sees_no_failed_request_in_any_kind_of_update(aws: World) -> None:
    both(aws, count=2)
    configure(aws, "c3", {"one": 1.0, "two": 1.0}, "champion", "challenger")
    linear = {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 60,
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
    }
    leap(aws)

    with Client(aws) as client:
        for config, deployment in (
            ("c2", {}),
            ("c1", {"DeploymentConfig": canary()}),
            ("c2", {"DeploymentConfig": rolling(1)}),
            ("c1", {"DeploymentConfig": {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": linear}}}),
            ("c3", {}),
        ):
            before = len(statuses(aws))
            update(aws, config, **deployment)
            aws.events.wait(lambda kind, detail, at=before: statuses(aws)[at:] == ["UPDATING", "IN_SERVICE"])
        eventually(lambda: "challenger" in {answer["InvokedProductionVariant"] for answer in client.answers})

    assert client.failures == []
    assert client.models == {"one", "two"}


def test_a_canary_has_its_share_until_it_has_baked(aws: World) -> None:
    both(aws, count=2)

    update(aws, "c2", DeploymentConfig=canary(wait_s=300, size=50))
    eventually(lambda: len(said(aws)) == 3)
    described = aws.sagemaker("DescribeEndpoint", EndpointName="e")
    seen = [(name, share) for name, share, _ in shares(aws)]
    leap(aws)
    at_rest(aws, "c2")

    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Updating", "c1")
    assert described["PendingDeploymentSummary"]["EndpointConfigName"] == "c2"
    assert seen == [("c1", 0.5), ("c2", 0.5)]
    assert said(aws) == [
        "Launching 2 instance(s).",
        "Activating traffic on canary capacity of 1 instance(s).",
        "Baking for 300 seconds (WaitIntervalInSeconds) with traffic enabled on canary capacity of 1 instance(s).",
        "Activating traffic on full capacity of 2 instance(s).",
        "Baking for 120 seconds (TerminationWaitInSeconds) with traffic enabled on full capacity of 2 instance(s).",
    ]
    after = aws.sagemaker("DescribeEndpoint", EndpointName="e")
    assert "PendingDeploymentSummary" not in after
    assert after["LastDeploymentConfig"] == canary(wait_s=300, size=50)


def test_an_alarm_while_baking_takes_all_traffic_back_and_the_endpoint_still_reads_in_service(aws: World) -> None:
    both(aws)
    aws.alarms["errors"] = "OK"
    update(aws, "c2", DeploymentConfig=canary(300, 30, "errors"))
    eventually(lambda: len(said(aws)) == 3)

    aws.alarms["errors"] = "ALARM"
    leap(aws)

    aws.events.wait(lambda kind, detail: statuses(aws)[-3:] == ["UPDATING", "ROLLING_BACK", "IN_SERVICE"])
    described = aws.sagemaker("DescribeEndpoint", EndpointName="e")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "c1")
    assert "errors" in described["FailureReason"]
    assert shares(aws) == [("c1", 1.0, 1)]
    assert b'"one"' in invoke(aws)["Body"]


def test_an_alarm_in_the_last_bake_brings_the_old_fleet_back(aws: World) -> None:
    both(aws)
    aws.alarms["errors"] = "OK"
    update(aws, "c2", DeploymentConfig=canary(0, 30, "errors"))
    eventually(lambda: len(said(aws)) == 4)
    assert shares(aws) == [("c2", 1.0, 1)]

    aws.alarms["errors"] = "ALARM"
    leap(aws)

    aws.events.wait(lambda kind, detail: statuses(aws)[-1] == "IN_SERVICE" and len(statuses(aws)) == 5)
    assert shares(aws) == [("c1", 1.0, 1)]


def test_a_rolling_update_replaces_batch_by_batch_and_rolls_back_what_it_took(aws: World) -> None:
    both(aws, count=3)
    aws.alarms["errors"] = "OK"
    update(aws, "c2", DeploymentConfig=rolling(1, "errors"))
    eventually(lambda: len(said(aws)) == 3)
    first = shares(aws)

    aws.alarms["errors"] = "ALARM"
    with Client(aws) as client:
        leap(aws)
        aws.events.wait(lambda kind, detail: statuses(aws)[-2:] == ["ROLLING_BACK", "IN_SERVICE"])

    assert [(name, round(share, 2), size) for name, share, size in first] == [("c1", 0.67, 3), ("c2", 0.33, 1)]
    assert shares(aws) == [("c1", 1.0, 3)]
    assert client.failures == []


def test_a_new_fleet_that_does_not_answer_its_ping_never_gets_traffic(aws: World) -> None:
    both(aws)
    deploy(aws, "bad", BROKEN)
    configure(aws, "c3", {"bad": 1.0}, "champion")

    with Client(aws) as client:
        update(aws, "c3", DeploymentConfig=canary())
        aws.events.wait(lambda kind, detail: statuses(aws)[-2:] == ["ROLLING_BACK", "IN_SERVICE"])

    assert (client.failures, client.models) == ([], {"one"})
    assert "broken model" in aws.sagemaker("DescribeEndpoint", EndpointName="e")["FailureReason"]


def test_a_rollback_that_fails_leaves_a_mix_and_says_so(aws: World) -> None:
    both(aws, count=3)
    aws.alarms["errors"] = "OK"
    update(aws, "c2", DeploymentConfig=rolling(1, "errors"))
    eventually(lambda: len(said(aws)) == 3)
    advance(aws, 65)
    eventually(lambda: len(said(aws)) == 7)
    old = aws.kernel.engines["sagemaker"].fleet.leading("e")
    (old.blueprints["champion"].containers[0].pristine / "model" / "code" / "inference.py").write_text(BROKEN)

    aws.alarms["errors"] = "ALARM"
    leap(aws)

    described = eventually(lambda: in_status(aws, "UpdateRollbackFailed"))
    assert "The rollback failed" in described["FailureReason"]
    assert statuses(aws)[-2:] == ["ROLLING_BACK", "UPDATE_ROLLBACK_FAILED"]
    assert [(name, size) for name, _, size in shares(aws)] == [("c1", 2), ("c2", 2)]
    assert invoke(aws)["Body"]


def in_status(aws: World, status: str) -> dict[str, Any] | None:
    described = aws.sagemaker("DescribeEndpoint", EndpointName="e")
    return described if described["EndpointStatus"] == status else None


def test_what_guardrails_do_not_allow_is_refused_before_anything_happens(aws: World) -> None:
    both(aws)
    configure(aws, "c3", {"one": 1.0, "two": 1.0}, "champion", "challenger")

    with pytest.raises(AwsError, match="must be the same"):
        update(aws, "c3", DeploymentConfig=canary())
    with pytest.raises(AwsError, match=r"alarms that do not exist: \['nobody'\]"):
        update(aws, "c2", DeploymentConfig=canary(1, 30, "nobody"))
    with pytest.raises(AwsError, match="between 5 and 50"):
        update(aws, "c2", DeploymentConfig=rolling(1))

    assert statuses(aws) == ["CREATING", "IN_SERVICE"]


def test_the_last_deployment_configuration_can_be_used_again(aws: World) -> None:
    both(aws)
    leap(aws)
    update(aws, "c2", DeploymentConfig=canary())
    at_rest(aws, "c2")
    first = said(aws)

    update(aws, "c1", RetainDeploymentConfig=True)
    aws.events.wait(lambda kind, detail: statuses(aws)[-4:] == ["UPDATING", "IN_SERVICE"] * 2)

    assert said(aws)[len(first) :] == first


def test_instances_come_and_go_with_the_desired_count(aws: World) -> None:
    both(aws)

    with Client(aws) as client:
        for count in (3, 1):
            wanted = [{"VariantName": "champion", "DesiredInstanceCount": count}]
            before = len(statuses(aws))
            aws.sagemaker("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wanted)
            aws.events.wait(lambda kind, detail, at=before: statuses(aws)[at:] == ["UPDATING", "IN_SERVICE"])
            assert shares(aws) == [("c1", 1.0, count)]

    messages = [
        detail["ProductionVariants"][0]["VariantStatus"][0]["StatusMessage"]
        for detail in aws.events.details("Endpoint Deployment State Change")
    ]
    assert messages == ["Scaling out desired instance count to 3.", "Scaling in desired instance count to 1."]
    assert client.failures == []
    assert aws.sagemaker("DescribeEndpoint", EndpointName="e")["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_an_instance_that_dies_is_replaced_while_the_others_answer(aws: World) -> None:
    both(aws, count=3)
    before = {item.instance_id for item in traffic.of(aws.kernel.engines).route("e").variants[0].pools[0].instances}

    with pytest.raises(AwsError, match=r"server error \(0\)"):
        invoke(aws, body='"die"')
    eventually(lambda: aws.kernel.journal.entries("endpoint.instance.crashed"))
    with Client(aws) as client:
        eventually(lambda: aws.kernel.journal.entries("endpoint.instance.replaced"))

    after = {item.instance_id for item in traffic.of(aws.kernel.engines).route("e").variants[0].pools[0].instances}
    assert (len(after), len(before & after)) == (3, 2)
    assert client.failures == []
    assert aws.sagemaker("DescribeEndpoint", EndpointName="e")["EndpointStatus"] == "InService"


def test_each_request_is_measured(aws: World) -> None:
    both(aws, count=2)

    invoke(aws)
    with pytest.raises(AwsError):
        invoke(aws, body="0")
    sagemaker_runtime.close(aws.kernel)

    whole = {"EndpointName": "e", "VariantName": "champion"}
    found: dict[str, list[float]] = {}
    for namespace, name, dimensions, value, unit in aws.metrics:
        assert namespace == "AWS/SageMaker"
        assert unit == ("Microseconds" if "Latency" in name else "None")
        if dimensions == whole:
            found.setdefault(name, []).append(value)
        else:
            assert dimensions == {**whole, "EndpointConfigName": "c1"}
    assert (found["Invocations"], sorted(found["Invocation5XXErrors"])) == ([1, 1], [0, 1])
    assert (found["Invocation4XXErrors"], found["InvocationsPerInstance"]) == ([0, 0], [0.5, 0.5])
    assert all(100 < value < 5_000_000 for value in found["ModelLatency"])
