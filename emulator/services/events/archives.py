"""Archives: which events of a bus are kept for later replays."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.events import archiving, paging, records, rules
from emulator.services.events.archiving import ARCHIVE

AWS_NAME = "CreateArchive, DescribeArchive, ListArchives, UpdateArchive, DeleteArchive"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive-event.html (read 2026-11-23)"
DIFFERS = "counts are right at once (AWS: within a day); the managed rule of an archive is not listed among the rules"


def create_archive(params: Params, ctx: Context) -> Params:
    kernel, name = ctx.kernel, params["ArchiveName"]
    _check(params, "CreateArchive")
    records.bus(kernel, records.bus_name(params, "EventSourceArn"))
    with kernel.store.transaction():
        if kernel.store.get(ARCHIVE, name):
            raise AwsError("ResourceAlreadyExistsException", f"Archive {name} already exists.")
        row = {
            "ArchiveName": name,
            "ArchiveArn": kernel.arn("events", f"archive/{name}"),
            "EventSourceArn": params["EventSourceArn"],
            "State": "ENABLED",
            "RetentionDays": params.get("RetentionDays") or 0,
            "CreationTime": kernel.clock.now(),
            **{key: params[key] for key in ("Description", "EventPattern") if params.get(key)},
        }
        kernel.store.put(ARCHIVE, name, row)
    return _answer(row)


def update_archive(params: Params, ctx: Context) -> Params:
    kernel = ctx.kernel
    _check(params, "UpdateArchive")
    with kernel.store.transaction():
        fields = ("Description", "EventPattern", "RetentionDays")
        changes = {key: params[key] for key in fields if params.get(key) is not None}
        row = {**archive(kernel, params["ArchiveName"]), **changes}
        kernel.store.put(ARCHIVE, row["ArchiveName"], row)
    return _answer(row)


def describe_archive(params: Params, ctx: Context) -> Params:
    return _counted(archive(ctx.kernel, params["ArchiveName"]), ctx.kernel)


def list_archives(params: Params, ctx: Context) -> Params:
    wanted = {"EventSourceArn": params.get("EventSourceArn"), "State": params.get("State")}
    hidden = ("ArchiveArn", "Description", "EventPattern")
    found = [
        {key: value for key, value in _counted(row, ctx.kernel).items() if key not in hidden}
        for row in ctx.kernel.store.rows(ARCHIVE, params.get("NamePrefix") or "")
        if all(value in (None, row[key]) for key, value in wanted.items())
    ]
    return paging.answer(found, params, "Archives", "ArchiveName")


def delete_archive(params: Params, ctx: Context) -> Params:
    name = archive(ctx.kernel, params["ArchiveName"])["ArchiveName"]
    ctx.kernel.store.delete(ARCHIVE, name)
    archiving.forget(ctx.kernel, name)
    return {}


def archive(kernel: Kernel, name: str) -> dict[str, Any]:
    """The archive's row.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    found = kernel.store.get(ARCHIVE, name)
    if found is None:
        raise AwsError("ResourceNotFoundException", f"Archive {name} does not exist.")
    return found


def _check(params: Params, operation: str) -> None:
    if params.get("KmsKeyIdentifier"):
        raise EmulatorError(f"events: {operation}: KmsKeyIdentifier is not emulated yet; nothing was done")
    if params.get("EventPattern"):
        rules.compiled(params["EventPattern"])


def _counted(row: dict[str, Any], kernel: Kernel) -> dict[str, Any]:
    sizes = [one["SizeBytes"] for one in archiving.kept(kernel, row)]
    return {**row, "EventCount": len(sizes), "SizeBytes": sum(sizes)}


def _answer(row: dict[str, Any]) -> Params:
    return {key: row[key] for key in ("ArchiveArn", "State", "CreationTime")}


OPERATIONS: dict[str, Operation] = {
    "CreateArchive": create_archive,
    "UpdateArchive": update_archive,
    "DescribeArchive": describe_archive,
    "ListArchives": list_archives,
    "DeleteArchive": delete_archive,
}
