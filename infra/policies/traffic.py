"""What changing production's traffic asks for besides the endpoint itself: alarms that are watched, and scaling.

Source: SageMaker developer guide, "Auto-Rollback Configuration and Monitoring" (the execution role describes the
alarms) and "Auto scaling prerequisites" (permissions, the service-linked role); service authorization reference,
"Application Auto Scaling". Read 2026-11.
"""

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from infra.names import ModelNames, arn
from infra.policies.statements import allow
from infra.release_settings import ReleaseSettings

_SERVICE = "sagemaker.application-autoscaling.amazonaws.com"


def watch_alarms(names: ModelNames, release: ReleaseSettings, stages: Sequence[str]) -> list[iam.PolicyStatement]:
    """See the alarms that put the old version back."""
    if "prod" not in stages or not release.has_rollback_alarms:
        return []
    return [allow("cloudwatch:DescribeAlarms", on=[arn("cloudwatch", f"alarm:{n}") for n in names.rollback_alarms])]


def move_weights(names: ModelNames, release: ReleaseSettings, stages: Sequence[str]) -> list[iam.PolicyStatement]:
    """Give the challenger more of the traffic."""
    if "prod" not in stages or not release.experiment.ramp:
        return []
    return [_change_capacities(names)]


def scale(names: ModelNames, release: ReleaseSettings, stages: Sequence[str]) -> list[iam.PolicyStatement]:
    """Register production's champion as a scalable target, or take off what earlier settings registered."""
    if "prod" not in stages:
        return []
    reading = "Application Auto Scaling knows no resource for reading"
    see = allow("application-autoscaling:DescribeScalableTargets", on="*", because=reading)
    if not release.scaling:
        return [see, _targets("DeregisterScalableTarget")]
    alarms = arn("cloudwatch", f"alarm:TargetTracking-endpoint/{names.endpoint}/*")
    role = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/aws-service-role/{_SERVICE}"
    return [
        see,
        _targets("DeregisterScalableTarget", "PutScalingPolicy", "RegisterScalableTarget"),
        _change_capacities(names),
        allow(
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:PutMetricAlarm",
            on=alarms,
            because="target tracking makes alarms of its own, whose names end at random",
        ),
        allow(
            "iam:CreateServiceLinkedRole",
            on=f"{role}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint",
            only_if={"StringLike": {"iam:AWSServiceName": _SERVICE}},
        ),
    ]


def _targets(*actions: str) -> iam.PolicyStatement:
    return allow(
        *(f"application-autoscaling:{action}" for action in actions),
        on=arn("application-autoscaling", "scalable-target/*"),
        because="a scalable target's ARN ends at random; the condition keeps it to SageMaker",
        only_if={"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}},
    )


def _change_capacities(names: ModelNames) -> iam.PolicyStatement:
    return allow("sagemaker:UpdateEndpointWeightsAndCapacities", on=arn("sagemaker", f"endpoint/{names.endpoint}"))
