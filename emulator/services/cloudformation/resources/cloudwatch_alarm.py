"""AWS::CloudWatch::Alarm."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import Created, Deployment, Properties, ResourceType

_PROPERTIES = frozenset(
    {
        "ActionsEnabled",
        "AlarmActions",
        "AlarmDescription",
        "AlarmName",
        "ComparisonOperator",
        "DatapointsToAlarm",
        "Dimensions",
        "EvaluateLowSampleCountPercentile",
        "EvaluationPeriods",
        "ExtendedStatistic",
        "InsufficientDataActions",
        "MetricName",
        "Metrics",
        "Namespace",
        "OKActions",
        "Period",
        "Statistic",
        "Tags",
        "Threshold",
        "ThresholdMetricId",
        "TreatMissingData",
        "Unit",
    }
)


def create(deployment: Deployment, logical_id: str, properties: Properties) -> Created:
    name = properties.get("AlarmName") or deployment.physical_name(logical_id, 255)
    deployment.call("cloudwatch", "PutMetricAlarm", {**properties, "AlarmName": name})
    return Created(name, {"Arn": deployment.arn("cloudwatch", f"alarm:{name}")})


TYPE = ResourceType("AWS::CloudWatch::Alarm", _PROPERTIES, create)
