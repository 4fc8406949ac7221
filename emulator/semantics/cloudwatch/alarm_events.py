"""What the world is told when an alarm changes: EventBridge events, the SNS message, the Lambda payload.

An alarm is its DescribeAlarms record, with aware datetimes; a state is a `State`.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.semantics.cloudwatch.alarm_reasons import stamp

AWS_NAME = "Alarm events and actions"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html and "
    "alarms-and-actions-Lambda.html (read 2026-11-23); names and types of tests/conformance/eventbridge_schemas.json; "
    "the SNS message as users published it"
)
DIFFERS = "the SNS message names a region by its long name only for the regions below"

STATE_CHANGE = "CloudWatch Alarm State Change"
CONFIGURATION_CHANGE = "CloudWatch Alarm Configuration Change"
_REGIONS = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
}
_STATISTICS = {"SampleCount": "SAMPLE_COUNT"}

Json = dict[str, Any]


@dataclass(frozen=True)
class State:
    """An alarm's state at a time; `suppressed_by` when a composite alarm's actions were held back."""

    value: str
    reason: str
    at: datetime
    reason_data: str | None = None
    suppressed_by: str | None = None


def state_of(alarm: Json) -> State:
    """The state in an alarm's record."""
    return State(
        alarm["StateValue"],
        alarm["StateReason"],
        alarm["StateUpdatedTimestamp"],
        alarm.get("StateReasonData"),
        alarm.get("ActionsSuppressedBy"),
    )


def state_change(alarm: Json, before: State, after: State) -> Json:
    """The detail of `CloudWatch Alarm State Change`."""
    return {
        "alarmName": alarm["AlarmName"],
        "state": _state(after),
        "previousState": _state(before),
        "configuration": _short_configuration(alarm),
    }


def configuration_change(alarm: Json, operation: str, previous: Json | None = None) -> Json:
    """The detail of `CloudWatch Alarm Configuration Change`: create, update or delete."""
    state = state_of(alarm)
    suppressed = {"actionsSuppressedBy": state.suppressed_by} if state.suppressed_by else {}
    detail: Json = {
        "alarmName": alarm["AlarmName"],
        "operation": operation,
        "state": {**suppressed, "value": state.value, "timestamp": stamp(state.at)},
        "configuration": _configuration(alarm),
    }
    if previous is not None:
        detail["previousConfiguration"] = _configuration(previous)
    return detail


def lambda_payload(alarm: Json, before: State, after: State, account_id: str, region: str) -> Json:
    """What a function that is an alarm's action receives."""
    detail = state_change(alarm, before, after)
    return {
        "source": "aws.cloudwatch",
        "alarmArn": alarm["AlarmArn"],
        "accountId": account_id,
        "time": stamp(after.at),
        "region": region,
        "alarmData": detail,
    }


def sns_subject(alarm: Json, state: State, region: str) -> str:
    """The subject of the notice, at most 100 characters as SNS wants."""
    return f'{state.value}: "{alarm["AlarmName"]}" in {_REGIONS.get(region, region)}'[:100]


def sns_message(alarm: Json, before: State, after: State, account_id: str, region: str) -> str:
    """The JSON text that a topic receives."""
    message: Json = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription"),
        "AWSAccountId": account_id,
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": after.value,
        "NewStateReason": after.reason,
        "StateChangeTime": stamp(after.at),
        "Region": _REGIONS.get(region, region),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": before.value,
    }
    for name in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        message[name] = alarm.get(name, [])
    if "AlarmRule" in alarm:
        message |= _composite_part(alarm, after)
    else:
        message["Trigger"] = _trigger(alarm)
    return json.dumps(message, separators=(",", ":"))


def _composite_part(alarm: Json, after: State) -> Json:
    children = json.loads(after.reason_data)["triggeringAlarms"] if after.reason_data else []
    triggering = [
        {"Arn": child["arn"], "State": {"Value": child["state"]["value"], "Timestamp": child["state"]["timestamp"]}}
        for child in children
    ]
    return {"AlarmRule": alarm["AlarmRule"], "TriggeringChildren": triggering}


def _trigger(alarm: Json) -> Json:
    found: Json = {
        "Period": alarm.get("Period"),
        "EvaluationPeriods": alarm["EvaluationPeriods"],
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "ComparisonOperator": alarm["ComparisonOperator"],
        "Threshold": alarm.get("Threshold"),
        "TreatMissingData": alarm.get("TreatMissingData", "missing"),
        "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile", ""),
    }
    found = {name: value for name, value in found.items() if value is not None}
    if "Metrics" in alarm:
        return found | {"Metrics": [_trigger_query(query) for query in alarm["Metrics"]]}
    return _trigger_metric(alarm) | found


def _trigger_metric(alarm: Json) -> Json:
    if "ExtendedStatistic" in alarm:
        statistic = {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": alarm["ExtendedStatistic"]}
    else:
        name = alarm["Statistic"]
        statistic = {"StatisticType": "Statistic", "Statistic": _STATISTICS.get(name, name.upper())}
    return {
        "MetricName": alarm["MetricName"],
        "Namespace": alarm["Namespace"],
        **statistic,
        "Unit": alarm.get("Unit"),
        "Dimensions": [{"value": one["Value"], "name": one["Name"]} for one in alarm.get("Dimensions", [])],
    }


def _trigger_query(query: Json) -> Json:
    found: Json = {name: query[name] for name in ("Id", "Expression", "Label", "Period") if name in query}
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        dimensions = [{"value": one["Value"], "name": one["Name"]} for one in metric.get("Dimensions", [])]
        shown = {"Dimensions": dimensions, "MetricName": metric["MetricName"], "Namespace": metric["Namespace"]}
        found["MetricStat"] = {"Metric": shown, "Period": stat["Period"], "Stat": stat["Stat"]}
    return {**found, "ReturnData": query.get("ReturnData", True)}


def _state(state: State) -> Json:
    held = {}
    if state.suppressed_by:
        held = {
            "actionsSuppressedBy": state.suppressed_by,
            "actionsSuppressedReason": f"Actions suppressed by {state.suppressed_by}",
        }
    data = {} if state.reason_data is None else {"reasonData": state.reason_data}
    return {**held, "value": state.value, "reason": state.reason, **data, "timestamp": stamp(state.at)}


def _short_configuration(alarm: Json) -> Json:
    found: Json = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" not in alarm:
        return found | {"metrics": _metrics(alarm)}
    found["alarmRule"] = alarm["AlarmRule"]
    for name in ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"):
        if name in alarm:
            found[name[0].lower() + name[1:]] = alarm[name]
    return found


_CONFIGURED = (
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "Threshold",
    "ComparisonOperator",
    "TreatMissingData",
    "EvaluateLowSampleCountPercentile",
)


def _configuration(alarm: Json) -> Json:
    found = {name[0].lower() + name[1:]: alarm[name] for name in _CONFIGURED if alarm.get(name) is not None}
    return {
        **found,
        **_short_configuration(alarm),
        "alarmName": alarm["AlarmName"],
        "actionsEnabled": alarm["ActionsEnabled"],
        "timestamp": stamp(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "okActions": alarm["OKActions"],
        "alarmActions": alarm["AlarmActions"],
        "insufficientDataActions": alarm["InsufficientDataActions"],
    }


def _metrics(alarm: Json) -> list[Json]:
    if "Metrics" in alarm:
        return [_query(query) for query in alarm["Metrics"]]
    stat = alarm.get("ExtendedStatistic") or alarm["Statistic"]
    metric = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions") if name in alarm}
    query = {"MetricStat": {"Metric": metric, "Period": alarm["Period"], "Stat": stat}, "ReturnData": True}
    return [_query({"Id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"])), **query})]


def _query(query: Json) -> Json:
    found: Json = {"id": query["Id"]}
    for name in ("Expression", "Label", "Period"):
        if name in query:
            found[name.lower()] = query[name]
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        dimensions = {one["Name"]: one["Value"] for one in metric.get("Dimensions", [])}
        shown = {"dimensions": dimensions, "name": metric["MetricName"], "namespace": metric["Namespace"]}
        found["metricStat"] = {"metric": shown, "period": stat["Period"], "stat": stat["Stat"]}
    return {**found, "returnData": query.get("ReturnData", True)}
