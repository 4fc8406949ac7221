"""Tags of alarms and dashboards, by ARN."""

from __future__ import annotations

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.cloudwatch.records import ALARM, DASHBOARD, TAGS, alarm_name, invalid

MOST = 50


def put(kernel: Kernel, arn: str, tags: list[dict[str, str]]) -> None:
    """Add tags; a key given again replaces its value."""
    merged = (kernel.store.get(TAGS, arn) or {}) | {tag["Key"]: tag["Value"] for tag in tags}
    if len(merged) > MOST:
        raise invalid(f"{arn} would have {len(merged)} tags; at most {MOST} are allowed")
    kernel.store.put(TAGS, arn, merged)


def forget(kernel: Kernel, arn: str) -> None:
    kernel.store.delete(TAGS, arn)


def tag_resource(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        put(ctx.kernel, _known(params, ctx), params["Tags"])
    return {}


def untag_resource(params: Params, ctx: Context) -> Params:
    arn = _known(params, ctx)
    with ctx.kernel.store.transaction():
        held = ctx.kernel.store.get(TAGS, arn) or {}
        ctx.kernel.store.put(TAGS, arn, {key: held[key] for key in held if key not in params["TagKeys"]})
    return {}


def list_tags_for_resource(params: Params, ctx: Context) -> Params:
    held = ctx.kernel.store.get(TAGS, _known(params, ctx)) or {}
    return {"Tags": [{"Key": key, "Value": value} for key, value in held.items()]}


def _known(params: Params, ctx: Context) -> str:
    arn: str = params["ResourceARN"]
    is_alarm = ":alarm:" in arn and ctx.kernel.store.get(ALARM, alarm_name(arn))
    is_dashboard = ":dashboard/" in arn and ctx.kernel.store.get(DASHBOARD, arn.rsplit("/", 1)[1])
    if not is_alarm and not is_dashboard:
        raise AwsError("ResourceNotFoundException", f"Unknown resource: {arn}", 404)
    return arn


OPERATIONS: dict[str, Operation] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
