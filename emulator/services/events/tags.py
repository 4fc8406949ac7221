"""Tags of rules and event buses."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.events import records
from emulator.services.events.records import BUS, DEFAULT_BUS


def tag_resource(params: Params, ctx: Context) -> Params:
    """Add tags; a key given again replaces its value."""
    new = {tag["Key"] for tag in params["Tags"]}
    _change(
        params["ResourceARN"], ctx.kernel, lambda tags: [*(t for t in tags if t["Key"] not in new), *params["Tags"]]
    )
    return {}


def untag_resource(params: Params, ctx: Context) -> Params:
    gone = params["TagKeys"]
    _change(params["ResourceARN"], ctx.kernel, lambda tags: [tag for tag in tags if tag["Key"] not in gone])
    return {}


def list_tags_for_resource(params: Params, ctx: Context) -> Params:
    return {"Tags": _row(params["ResourceARN"], ctx.kernel).get("Tags", [])}


def _change(arn: str, kernel: Kernel, change: Any) -> None:
    with kernel.store.transaction():
        row = _row(arn, kernel)
        row["Tags"] = change(row.get("Tags", []))
        if _is_bus(arn):
            kernel.store.put(BUS, row["Name"], row)
        else:
            records.put_rule_row(kernel, row)


def _row(arn: str, kernel: Kernel) -> dict[str, Any]:
    if _is_bus(arn):
        return records.bus(kernel, arn.split(":event-bus/", 1)[1])
    if ":rule/" not in arn:
        raise EmulatorError(f"events: tags of '{arn}' are not emulated yet; only rules and event buses have them")
    bus, _, name = arn.split(":rule/", 1)[1].rpartition("/")
    return records.rule(kernel, name, bus or DEFAULT_BUS)


def _is_bus(arn: str) -> bool:
    return ":event-bus/" in arn


OPERATIONS: dict[str, Operation] = {
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "ListTagsForResource": list_tags_for_resource,
}
