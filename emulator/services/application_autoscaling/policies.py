"""Operations on scaling policies, and the CloudWatch alarms that target tracking makes.

AWS_NAME: PutScalingPolicy, DescribeScalingPolicies, DeleteScalingPolicy
SOURCE: the API reference pages of these operations, read 2026-11
DIFFERS: predictive scaling and customised metric math are refused by name.
"""

from __future__ import annotations

from emulator.kernel.errors import AwsError, EmulatorError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.semantics.autoscaling import target_tracking
from emulator.services.application_autoscaling import records

_CONFIGS = {
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
    "StepScaling": "StepScalingPolicyConfiguration",
}


def put_scaling_policy(params: Params, ctx: Context) -> Params:
    records.check_kind(params, "PutScalingPolicy")
    kernel, resource_id = ctx.kernel, params["ResourceId"]
    records.target(kernel, resource_id)
    kind, config = _config(params)
    before = kernel.store.get(records.POLICY, _key(params))
    arn = before["PolicyARN"] if before else _arn(kernel, params)
    _forget_alarms(kernel, before)
    alarms = _make_alarms(kernel, arn, resource_id, config) if kind == "TargetTrackingScaling" else []
    row = {
        "PolicyARN": arn,
        "PolicyName": params["PolicyName"],
        "ServiceNamespace": "sagemaker",
        "ResourceId": resource_id,
        "ScalableDimension": records.DIMENSION,
        "PolicyType": kind,
        _CONFIGS[kind]: config,
        "Alarms": alarms,
        "CreationTime": before["CreationTime"] if before else kernel.clock.now(),
    }
    kernel.store.put(records.POLICY, _key(params), row)
    return {"PolicyARN": arn, "Alarms": alarms}


def describe_scaling_policies(params: Params, ctx: Context) -> Params:
    records.check_kind(params, "DescribeScalingPolicies")
    names, resource_id = params.get("PolicyNames"), params.get("ResourceId")
    rows = [
        row
        for row in ctx.kernel.store.rows(records.POLICY)
        if (not names or row["PolicyName"] in names) and resource_id in (None, row["ResourceId"])
    ]
    found, more = records.listed(rows, "PolicyARN", params)
    return {"ScalingPolicies": found, **more}


def delete_scaling_policy(params: Params, ctx: Context) -> Params:
    records.check_kind(params, "DeleteScalingPolicy")
    row = ctx.kernel.store.get(records.POLICY, _key(params))
    if row is None:
        raise AwsError("ObjectNotFoundException", f"No scaling policy found for {params['PolicyName']}")
    _delete(ctx.kernel, row)
    return {}


def delete_all(kernel: Kernel, resource_id: str) -> None:
    """A target goes, and its policies with it."""
    for row in kernel.store.rows(records.POLICY, f"{resource_id}|"):
        _delete(kernel, row)


def by_arn(kernel: Kernel, arn: str) -> Params | None:
    return next((row for row in kernel.store.rows(records.POLICY) if row["PolicyARN"] == arn), None)


def config_of(row: Params) -> Params:
    config: Params = row[_CONFIGS[row["PolicyType"]]]
    return config


def _delete(kernel: Kernel, row: Params) -> None:
    _forget_alarms(kernel, row)
    kernel.store.delete(records.POLICY, f"{row['ResourceId']}|{row['PolicyName']}")


def _key(params: Params) -> str:
    return f"{params['ResourceId']}|{params['PolicyName']}"


def _config(params: Params) -> tuple[str, Params]:
    kind = params.get("PolicyType", "StepScaling")
    if kind not in _CONFIGS:
        raise EmulatorError(f"application-autoscaling: PutScalingPolicy: PolicyType '{kind}' is not emulated yet")
    if _CONFIGS[kind] not in params:
        raise validation(f"{_CONFIGS[kind]} is required for PolicyType {kind}.")
    config: Params = params[_CONFIGS[kind]]
    if kind == "TargetTrackingScaling":
        _check_tracking(config)
    return kind, config


def _check_tracking(config: Params) -> None:
    given = [key for key in ("PredefinedMetricSpecification", "CustomizedMetricSpecification") if key in config]
    if len(given) != 1:
        raise validation("One of PredefinedMetricSpecification or CustomizedMetricSpecification must be specified.")
    predefined = config.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType", target_tracking.PREDEFINED)
    if predefined != target_tracking.PREDEFINED:
        raise EmulatorError(
            f"application-autoscaling: PutScalingPolicy: PredefinedMetricType '{predefined}' is not emulated yet"
        )
    if "Metrics" in config.get("CustomizedMetricSpecification", {}):
        raise EmulatorError("application-autoscaling: PutScalingPolicy: metric math is not emulated yet")


def _arn(kernel: Kernel, params: Params) -> str:
    resource = f"resource/sagemaker/{params['ResourceId']}:policyName/{params['PolicyName']}"
    return kernel.arn("autoscaling", f"scalingPolicy:{kernel.ids.uuid()}:{resource}")


def _make_alarms(kernel: Kernel, arn: str, resource_id: str, config: Params) -> list[Params]:
    variant = records.variant_of(resource_id)
    watched = target_tracking.metric(config, variant.endpoint, variant.name)
    names = [f"TargetTracking-{resource_id}-{which}-{kernel.ids.uuid()}" for which in ("AlarmHigh", "AlarmLow")]
    requests = target_tracking.alarms(config, watched, arn, names)
    for request in requests:
        kernel.calls("cloudwatch", "PutMetricAlarm", request, records.service(kernel))
    made = [request["AlarmName"] for request in requests]
    return [{"AlarmName": name, "AlarmARN": kernel.arn("cloudwatch", f"alarm:{name}")} for name in made]


def _forget_alarms(kernel: Kernel, row: Params | None) -> None:
    names = [alarm["AlarmName"] for alarm in row["Alarms"]] if row else []
    if names:
        kernel.calls("cloudwatch", "DeleteAlarms", {"AlarmNames": names}, records.service(kernel))


OPERATIONS: dict[str, Operation] = {
    "PutScalingPolicy": put_scaling_policy,
    "DescribeScalingPolicies": describe_scaling_policies,
    "DeleteScalingPolicy": delete_scaling_policy,
}
