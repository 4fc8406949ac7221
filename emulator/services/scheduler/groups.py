"""Schedule groups. Deleting one deletes its schedules."""

from __future__ import annotations

from emulator.kernel import timers
from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Operation, Params
from emulator.services.scheduler import records
from emulator.services.scheduler.records import DEFAULT_GROUP, GROUP, SCHEDULE


def create_schedule_group(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["Name"]
    with kernel.store.transaction():
        found = records.find_group(kernel, name)
        if found and found.get("ClientToken", "") != params.get("ClientToken"):
            raise AwsError("ConflictException", f"Schedule group {name} already exists.", 409)
        row = found or records.new_group(kernel, name, kernel.clock.now())
        more = {"Tags": params.get("Tags", []), "ClientToken": params.get("ClientToken")}
        kernel.store.put(GROUP, name, {**row, **more})
    return {"ScheduleGroupArn": row["Arn"]}


def get_schedule_group(params: Params, ctx: Context) -> Params:
    return _shown(records.group(ctx.kernel, params["Name"]))


def list_schedule_groups(params: Params, ctx: Context) -> Params:
    rows = {row["Name"]: row for row in ctx.kernel.store.rows(GROUP)}
    rows.setdefault(DEFAULT_GROUP, records.group(ctx.kernel, DEFAULT_GROUP))
    prefix = params.get("NamePrefix") or ""
    found = [_shown(rows[name]) for name in sorted(rows) if name.startswith(prefix)]
    return records.page(found, params, "ScheduleGroups", "Name")


def delete_schedule_group(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["Name"]
    if name == DEFAULT_GROUP:
        raise AwsError("ValidationException", "The default schedule group cannot be deleted.")
    with kernel.store.transaction():
        records.group(kernel, name)
        for row in kernel.store.rows(SCHEDULE, f"{name}/"):
            timers.of(kernel).stop(row["Arn"])
            kernel.store.delete(SCHEDULE, records.key(name, row["Name"]))
        kernel.store.delete(GROUP, name)
    return {}


def _shown(row: Params) -> Params:
    return {key: value for key, value in row.items() if key not in ("ClientToken", "Tags")}


OPERATIONS: dict[str, Operation] = {
    "CreateScheduleGroup": create_schedule_group,
    "GetScheduleGroup": get_schedule_group,
    "ListScheduleGroups": list_schedule_groups,
    "DeleteScheduleGroup": delete_schedule_group,
}
