"""What was scaled, when and why.

AWS_NAME: DescribeScalingActivities
SOURCE: API_DescribeScalingActivities (newest first, six weeks); texts of activities in public reports, read 2026-11
DIFFERS: activities that were not carried out (IncludeNotScaledActivities) are not recorded.
"""

from __future__ import annotations

from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.application_autoscaling import records


def begin(kernel: Kernel, resource_id: str, wanted: int, cause: str) -> Params:
    """An activity that is under way."""
    now = kernel.clock.now()
    row: Params = {
        "ActivityId": kernel.ids.uuid(),
        "ServiceNamespace": "sagemaker",
        "ResourceId": resource_id,
        "ScalableDimension": records.DIMENSION,
        "Description": f"Setting desired instance count to {wanted}.",
        "Cause": cause,
        "StartTime": now,
        "StatusCode": "InProgress",
        "StatusMessage": f"Successfully set desired instance count to {wanted}. Waiting for change to be fulfilled by "
        "sagemaker.",
        "_Order": f"{now.timestamp():020.6f}",
    }
    kernel.store.put(records.ACTIVITY, row["ActivityId"], row)
    kernel.journal.append("autoscaling.activity", resource_id, wanted=wanted, cause=cause)
    return row


def end(kernel: Kernel, row: Params, status: str, message: str) -> None:
    changes = {"StatusCode": status, "StatusMessage": message, "EndTime": kernel.clock.now()}
    kernel.store.put(records.ACTIVITY, row["ActivityId"], {**row, **changes})


def describe_scaling_activities(params: Params, ctx: Context) -> Params:
    records.check_kind(params, "DescribeScalingActivities")
    resource_id = params.get("ResourceId")
    rows = [row for row in ctx.kernel.store.rows(records.ACTIVITY) if resource_id in (None, row["ResourceId"])]
    rows.sort(key=lambda row: str(row["_Order"]), reverse=True)
    start = int(params.get("NextToken") or 0)
    size = params.get("MaxResults") or 50
    found = [{key: value for key, value in row.items() if key != "_Order"} for row in rows[start : start + size]]
    more = {"NextToken": str(start + size)} if len(rows) > start + size else {}
    return {"ScalingActivities": found, **more}


OPERATIONS: dict[str, Operation] = {"DescribeScalingActivities": describe_scaling_activities}
