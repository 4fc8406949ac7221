"""Tags of SageMaker resources, by ARN.

Source: API_AddTags, API_ListTags, API_DeleteTags (a key given again replaces its value; at most 50), read 2026-11.
"""

from __future__ import annotations

from emulator.kernel.errors import AwsError, validation
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.sagemaker import listing, names

KIND = "sagemaker.tags"
_MOST = 50


def of(kernel: Kernel, arn: str) -> dict[str, str]:
    return dict(kernel.store.get(KIND, arn) or {})


def put(kernel: Kernel, arn: str, tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Add tags to a resource; returns all it has now."""
    merged = of(kernel, arn) | {tag["Key"]: tag["Value"] for tag in tags or ()}
    if len(merged) > _MOST:
        raise AwsError("ResourceLimitExceeded", f"{arn} would have {len(merged)} tags, at most {_MOST} are allowed")
    if merged:
        kernel.store.put(KIND, arn, dict(merged))
    return merged


def forget(kernel: Kernel, arn: str) -> None:
    kernel.store.delete(KIND, arn)


def add_tags(params: Params, ctx: Context) -> Params:
    arn = _existing(params, ctx)
    with ctx.kernel.store.transaction():
        return {"Tags": _rendered(put(ctx.kernel, arn, params["Tags"]))}


def list_tags(params: Params, ctx: Context) -> Params:
    arn = _existing(params, ctx)
    page = listing.page(_rendered(of(ctx.kernel, arn)), params, key=lambda tag: (tag["Key"],))
    return listing.answer("Tags", page)


def delete_tags(params: Params, ctx: Context) -> Params:
    arn = _existing(params, ctx)
    with ctx.kernel.store.transaction():
        ctx.kernel.store.put(KIND, arn, {k: v for k, v in of(ctx.kernel, arn).items() if k not in params["TagKeys"]})
    return {}


def _existing(params: Params, ctx: Context) -> str:
    arn: str = params["ResourceArn"]
    if not names.is_known(ctx.kernel, arn):
        raise validation(f"Could not find resource with ARN {arn}.")
    return arn


def _rendered(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


OPERATIONS: dict[str, Operation] = {"AddTags": add_tags, "ListTags": list_tags, "DeleteTags": delete_tags}
