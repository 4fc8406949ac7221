"""Tags, which only schedule groups have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.scheduler import records
from emulator.services.scheduler.records import GROUP

Tags = list[dict[str, Any]]


def tag_resource(params: Params, ctx: Context) -> Params:
    """Add tags; a key given again replaces its value."""
    new = {tag["Key"] for tag in params["Tags"]}
    _change(params, ctx.kernel, lambda tags: [*(tag for tag in tags if tag["Key"] not in new), *params["Tags"]])
    return {}


def untag_resource(params: Params, ctx: Context) -> Params:
    _change(params, ctx.kernel, lambda tags: [tag for tag in tags if tag["Key"] not in params["TagKeys"]])
    return {}


def list_tags_for_resource(params: Params, ctx: Context) -> Params:
    return {"Tags": _group(params, ctx.kernel).get("Tags", [])}


def _change(params: Params, kernel: Kernel, change: Callable[[Tags], Tags]) -> None:
    with kernel.store.transaction():
        row = _group(params, kernel)
        kernel.store.put(GROUP, row["Name"], {**row, "Tags": change(row.get("Tags", []))})


def _group(params: Params, kernel: Kernel) -> dict[str, Any]:
    _, found, name = params["ResourceArn"].partition(":schedule-group/")
    if not found:
        raise AwsError("ValidationException", f"{params['ResourceArn']} is no schedule group: only groups have tags.")
    return records.group(kernel, name)


OPERATIONS: dict[str, Operation] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
