"""Operations on scalable targets.

AWS_NAME: RegisterScalableTarget, DescribeScalableTargets, DeregisterScalableTarget
SOURCE: the API reference pages of these operations; application-auto-scaling-service-linked-roles.html; activities in
    public reports ("minimum capacity was set to 2"), read 2026-11
DIFFERS: variants of SageMaker endpoints only; scheduled actions and tags are refused by name. AWS's words for a missing
    endpoint are those of DescribeEndpoint.
"""

from __future__ import annotations

from functools import partial

from emulator.kernel.errors import validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.application_autoscaling import policies, records, scaling

_CHANGEABLE = ("MinCapacity", "MaxCapacity", "SuspendedState")


def register_scalable_target(params: Params, ctx: Context) -> Params:
    records.check_kind(params, "RegisterScalableTarget")
    kernel, resource_id = ctx.kernel, params["ResourceId"]
    capacity = records.described(kernel, resource_id)["DesiredInstanceCount"]
    with kernel.store.transaction():
        row = kernel.store.get(records.TARGET, resource_id) or _new(kernel, params)
        row.update({key: params[key] for key in _CHANGEABLE if key in params})
        _check(row)
        kernel.store.put(records.TARGET, resource_id, row)
    for wanted, words in ((row["MinCapacity"], "minimum"), (row["MaxCapacity"], "maximum")):
        if (capacity < wanted) if words == "minimum" else (capacity > wanted):
            cause = f"{words} capacity was set to {wanted}"
            kernel.dispatcher.start("scaling", partial(scaling.change, kernel, resource_id, wanted, cause))
    return {"ScalableTargetARN": row["ScalableTargetARN"]}


def describe_scalable_targets(params: Params, ctx: Context) -> Params:
    records.check_kind(params, "DescribeScalableTargets")
    wanted = params.get("ResourceIds")
    rows = [row for row in ctx.kernel.store.rows(records.TARGET) if not wanted or row["ResourceId"] in wanted]
    found, more = records.listed(rows, "ResourceId", params)
    return {"ScalableTargets": found, **more}


def deregister_scalable_target(params: Params, ctx: Context) -> Params:
    records.check_kind(params, "DeregisterScalableTarget")
    kernel, resource_id = ctx.kernel, params["ResourceId"]
    records.target(kernel, resource_id)
    policies.delete_all(kernel, resource_id)
    kernel.store.delete(records.TARGET, resource_id)
    return {}


def _new(kernel: Kernel, params: Params) -> Params:
    if "MinCapacity" not in params or "MaxCapacity" not in params:
        raise validation("MinCapacity and MaxCapacity are required to register a new scalable target.")
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": params["ResourceId"],
        "ScalableDimension": records.DIMENSION,
        "RoleARN": records.service_role(kernel),
        "CreationTime": kernel.clock.now(),
        "SuspendedState": {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        },
        "ScalableTargetARN": kernel.arn("application-autoscaling", f"scalable-target/{kernel.ids.alnum(32)}"),
    }


def _check(row: Params) -> None:
    if row["MinCapacity"] > row["MaxCapacity"]:
        raise validation("MaxCapacity must be greater than or equal to MinCapacity.")
    if row["MinCapacity"] < 1:
        raise validation("MinCapacity must be at least 1 for a variant of a real-time endpoint.")


OPERATIONS: dict[str, Operation] = {
    "RegisterScalableTarget": register_scalable_target,
    "DescribeScalableTargets": describe_scalable_targets,
    "DeregisterScalableTarget": deregister_scalable_target,
}
