"""Carries out what a policy or a new bound asks for: the variant's desired count changes, and the activity is kept."""

from __future__ import annotations

from datetime import UTC, datetime

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Params
from emulator.semantics.autoscaling import step_scaling, target_tracking
from emulator.semantics.autoscaling.target_tracking import Last, Reading
from emulator.services.application_autoscaling import activities, policies, records

_LOOKED_EVERY_S = 10.0
_FULFILLED_WITHIN_S = 3600.0
_READ_BACK_S = 5 * target_tracking.PERIOD_S


def triggered(kernel: Kernel, policy_arn: str, alarm: Params) -> None:
    """An alarm of a policy is in ALARM: scale if it is time."""
    row = policies.by_arn(kernel, policy_arn)
    if row is None:
        return
    wanted = _wanted(kernel, row, alarm)
    if wanted is not None:
        cause = f"monitor alarm {alarm['AlarmName']} in state ALARM triggered policy {row['PolicyName']}"
        change(kernel, row["ResourceId"], wanted, cause, row)


def change(kernel: Kernel, resource_id: str, wanted: int, cause: str, policy: Params | None = None) -> None:
    """Set the desired count and follow it until it is there; nothing is done while the endpoint is changing."""
    variant = records.variant_of(resource_id)
    before = records.described(kernel, resource_id)
    if before["EndpointStatus"] != "InService":
        return  # the alarm still stands in a minute
    count = [{"VariantName": variant.name, "DesiredInstanceCount": wanted}]
    request = {"EndpointName": variant.endpoint, "DesiredWeightsAndCapacities": count}
    activity = activities.begin(kernel, resource_id, wanted, cause)
    try:
        kernel.calls("sagemaker", "UpdateEndpointWeightsAndCapacities", request, records.service(kernel))
    except AwsError as error:
        activities.end(kernel, activity, "Failed", f"Failed to set desired instance count to {wanted}: {error.message}")
        return
    if policy:
        now, capacity = kernel.clock.now(), before["DesiredInstanceCount"]
        last = {"at": now, "before": capacity, "after": wanted}
        kernel.store.put(records.POLICY, f"{resource_id}|{policy['PolicyName']}", {**policy, "_Last": last})
    _follow(kernel, resource_id, wanted, activity)


def _follow(kernel: Kernel, resource_id: str, wanted: int, activity: Params) -> None:
    waited = 0.0
    while waited < _FULFILLED_WITHIN_S:
        try:
            now = records.described(kernel, resource_id)
        except AwsError as error:
            activities.end(kernel, activity, "Failed", error.message)
            return
        if now["EndpointStatus"] == "InService":
            is_there = now["CurrentInstanceCount"] == wanted
            said = "Change successfully fulfilled by sagemaker." if is_there else "sagemaker took the change back."
            status = "Successful" if is_there else "Failed"
            activities.end(kernel, activity, status, f"Successfully set desired instance count to {wanted}. {said}")
            return
        kernel.dispatcher.pause(_LOOKED_EVERY_S if waited else 0.2)
        waited += _LOOKED_EVERY_S
    activities.end(kernel, activity, "Unfulfilled", f"The change to {wanted} was not fulfilled in time.")


def _wanted(kernel: Kernel, row: Params, alarm: Params) -> int | None:
    """The capacity that a policy asks for, now that its alarm stands in ALARM."""
    target = records.target(kernel, row["ResourceId"])
    value = _newest(kernel, alarm)
    if value is None:
        return None
    capacity = records.described(kernel, row["ResourceId"])["DesiredInstanceCount"]
    config, now = policies.config_of(row), kernel.clock.now()
    last = Last(**row["_Last"]) if "_Last" in row else None
    if row["PolicyType"] == "StepScaling":
        reading = Reading(capacity, target["MinCapacity"], target["MaxCapacity"], value, alarm["Threshold"])
        wanted = step_scaling.scaled(config, reading, last, now)
    else:
        reading = Reading(capacity, target["MinCapacity"], target["MaxCapacity"], value, config["TargetValue"])
        is_high = alarm["ComparisonOperator"].startswith("GreaterThan")
        decide = target_tracking.scaled_out if is_high else target_tracking.scaled_in
        wanted = decide(config, reading, last, now)
    suspended = target["SuspendedState"]
    way = "DynamicScalingOutSuspended" if (wanted or 0) > capacity else "DynamicScalingInSuspended"
    return None if suspended.get(way) else wanted


def _newest(kernel: Kernel, alarm: Params) -> float | None:
    """The newest whole period of the alarm's metric."""
    end = int(kernel.clock.now().timestamp()) // alarm["Period"] * alarm["Period"]
    metric = {key: alarm[key] for key in ("Namespace", "MetricName", "Dimensions") if key in alarm}
    stat = {"Metric": metric, "Period": alarm["Period"], "Stat": alarm["Statistic"]}
    request: Params = {
        "MetricDataQueries": [{"Id": "m", "MetricStat": stat}],
        "StartTime": datetime.fromtimestamp(end - _READ_BACK_S, UTC),
        "EndTime": datetime.fromtimestamp(end, UTC),
        "ScanBy": "TimestampDescending",
    }
    values = kernel.calls("cloudwatch", "GetMetricData", request, records.service(kernel))["MetricDataResults"][0]
    return float(values["Values"][0]) if values["Values"] else None
