"""Production changes bit by bit under alarms, and has as many instances as the settings say."""

from typing import Any

from tests.e2e.conftest import Loop
from tests.e2e.production import calling
from tests.support import datasets
from tests.support.waiting import eventually

MODEL, PROD = "gradual", "driftloop-gradual-prod"
TARGET = f"endpoint/{PROD}/variant/champion"


def _trained(loop: Loop, days: int, version: int) -> str:
    loop.upload(MODEL, f"{days}.csv", datasets.rainfall(0, days))
    assert loop.ended(f"{MODEL}-train", version)[-1]["PipelineExecutionStatus"] == "Succeeded"
    return loop.packages(MODEL)[-1]


def _production(loop: Loop) -> dict[str, Any]:
    found: dict[str, Any] = loop.sagemaker.describe_endpoint(EndpointName=PROD)
    return found


def _is_taken_back_under_an_alarm(loop: Loop) -> bool:
    """CloudWatch takes back a state that was set by hand when it next evaluates, so it is set until the update ends."""
    loop.client("cloudwatch").set_alarm_state(AlarmName=f"{PROD}-errors", StateValue="ALARM", StateReason="a test")
    return bool(_production(loop)["EndpointStatus"] != "Updating")


def test_a_first_release_comes_up_with_its_machines_and_scales(loop: Loop) -> None:
    package = _trained(loop, 6000, 1)
    loop.driftloop("approve", package, "--reason", "the first")

    (release,) = loop.ended(f"{MODEL}-release")

    scaled = loop.steps(release)["Scale"]["Metadata"]["Lambda"]["OutputParameters"]
    assert {"Name": "scaling", "Value": "2 to 4 instances, 1000 invocations a minute each"} in scaled
    (variant,) = _production(loop)["ProductionVariants"]
    assert variant["CurrentInstanceCount"] == 2
    scaling = loop.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[TARGET])["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 4)
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=TARGET)["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 1000


def test_the_second_takes_over_by_a_canary_and_nobody_waits_in_vain(loop: Loop) -> None:
    package = _trained(loop, 6001, 2)

    with calling(loop, MODEL):
        loop.driftloop("approve", package, "--reason", "the second")
        release = loop.ended(f"{MODEL}-release", 2)[-1]

    assert release["PipelineExecutionStatus"] == "Succeeded"
    assert loop.served(MODEL) == package
    deployment = _production(loop)["LastDeploymentConfig"]
    assert deployment["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    alarms = [alarm["AlarmName"] for alarm in deployment["AutoRollbackConfiguration"]["Alarms"]]
    assert alarms == [f"{PROD}-errors", f"{PROD}-latency"]


def test_an_alarm_during_the_canary_puts_the_old_version_back_and_the_release_says_so(loop: Loop) -> None:
    champion, package = loop.served(MODEL), _trained(loop, 6002, 3)

    with calling(loop, MODEL):
        loop.driftloop("approve", package, "--reason", "the third")
        eventually(lambda: _production(loop)["EndpointStatus"] == "Updating", 60)
        eventually(lambda: _is_taken_back_under_an_alarm(loop), 60)
        release = loop.ended(f"{MODEL}-release", 3)[-1]
        (back,) = loop.ended(f"{MODEL}-rollback")

    assert back["PipelineExecutionStatus"] == "Succeeded"
    assert release["PipelineExecutionStatus"] == "Failed"
    assert "rolled back by the service" in loop.steps(release)["Promoted"]["FailureReason"]
    assert "rolled back by the service" in loop.told(MODEL, "release-failed")
    assert loop.served(MODEL) == champion
