"""What watches a stack, deployed with it: alarms in full, composite alarms, dashboards, metric filters."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.stacks import deployed

Client = Callable[[str], Any]
METRIC = {"Namespace": "cfn/watch", "MetricName": "errors"}
RESOURCES = {
    "Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "cfn-watch"}},
    "Errors": {
        "Type": "AWS::Logs::MetricFilter",
        "Properties": {
            "LogGroupName": {"Ref": "Group"},
            "FilterPattern": "ERROR",
            "MetricTransformations": [
                {"MetricName": "errors", "MetricNamespace": "cfn/watch", "MetricValue": "1", "DefaultValue": 0}
            ],
        },
    },
    "Slow": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "cfn-slow",
            **METRIC,
            "ExtendedStatistic": "p90",
            "EvaluateLowSampleCountPercentile": "ignore",
            "Period": "60",
            "EvaluationPeriods": 3,
            "DatapointsToAlarm": 2,
            "Threshold": "5",
            "ComparisonOperator": "GreaterThanThreshold",
        },
    },
    "Rate": {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": "cfn-rate",
            "Metrics": [
                {"Id": "m1", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
                {"Id": "rate", "Expression": "RATE(m1)"},
            ],
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    },
    "Either": {
        "Type": "AWS::CloudWatch::CompositeAlarm",
        "Properties": {
            "AlarmName": "cfn-either",
            "AlarmRule": {"Fn::Sub": 'ALARM("${Slow}") OR ALARM("${Rate.Arn}")'},
        },
    },
    "Board": {
        "Type": "AWS::CloudWatch::Dashboard",
        "Properties": {"DashboardName": "cfn-board", "DashboardBody": json.dumps({"widgets": []})},
    },
}


def test_what_watches_a_stack_is_deployed_with_it(client: Client) -> None:
    deployed(client, "cfn-watch", RESOURCES, {})

    cloudwatch = client("cloudwatch")
    found = cloudwatch.describe_alarms(ChildrenOfAlarmName="cfn-either")["MetricAlarms"]
    slow, rate = found
    assert (slow["ExtendedStatistic"], slow["Threshold"], slow["DatapointsToAlarm"]) == ("p90", 5.0, 2)
    assert rate["Metrics"][1]["Expression"] == "RATE(m1)"
    assert cloudwatch.get_dashboard(DashboardName="cfn-board")["DashboardBody"] == '{"widgets": []}'
    filters = client("logs").describe_metric_filters(logGroupName="cfn-watch")["metricFilters"]
    assert filters[0]["metricTransformations"][0]["metricNamespace"] == "cfn/watch"


def test_an_alarm_that_would_not_be_evaluated_is_refused(client: Client) -> None:
    warm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"WarmUpConfiguration": {}}}

    with pytest.raises(ClientError, match="WarmUpConfiguration"):
        deployed(client, "cfn-warm", {"Warm": warm}, {})
