"""Functions as records, with their code unpacked on disk."""

from __future__ import annotations

import shutil
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.lambda_.qualifiers import LATEST
from emulator.services.lambda_ import configuration, packages, records, versions
from emulator.services.lambda_.configuration import shown
from emulator.services.lambda_.engine import Engine
from emulator.services.lambda_.records import FUNCTION, MAPPING, QUALIFIED, VERSION, function, function_name, invalid

_CODE = ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri")
_CODE_SETTINGS = ("FunctionName", "Architectures", "DryRun", "Publish", "RevisionId")


def create_function(params: Params, ctx: Context) -> Params:
    """Store a function and unpack its zip; it is Active at once."""
    configuration.refuse_unknown("CreateFunction", params)
    name = function_name(params["FunctionName"])
    if ctx.kernel.store.get(FUNCTION, name):
        raise AwsError("ResourceConflictException", f"Function already exist: {name}", 409)
    code = packages.unpack(ctx.kernel, _folder(name), params["Code"])
    row = {
        "FunctionName": name,
        "FunctionArn": ctx.kernel.arn("lambda", f"function:{name}"),
        "Tags": params.get("Tags", {}),
        "Policies": {},
        **code,
        **configuration.of_new({**params, "FunctionName": name}, ctx, code["UnzippedBytes"]),
    }
    ctx.kernel.store.put(FUNCTION, name, _touched(row, ctx))
    if params.get("Publish"):
        return shown(versions.publish(row, ctx, {}))
    return shown(row)


def update_function_code(params: Params, ctx: Context) -> Params:
    """New code; running environments end with their invocation."""
    unknown = [key for key, value in params.items() if value and key not in (*_CODE, *_CODE_SETTINGS)]
    if unknown:
        raise EmulatorError(f"lambda: UpdateFunctionCode: {', '.join(unknown)} is not emulated yet; nothing was done")
    row = function(ctx.kernel, params["FunctionName"])
    records.check_revision(params, row)
    change = packages.unpack(
        ctx.kernel, _folder(row["FunctionName"]), {key: params[key] for key in _CODE if params.get(key)}
    )
    if params.get("Architectures"):
        change["Architectures"] = params["Architectures"]
    if params.get("DryRun"):
        return shown({**row, **{key: value for key, value in change.items() if key != "CodeDir"}})
    row = _update(row, change, ctx)
    return shown(versions.publish(row, ctx, {}), is_qualified=True) if params.get("Publish") else shown(row)


def update_function_configuration(params: Params, ctx: Context) -> Params:
    """New settings; running environments end with their invocation."""
    configuration.refuse_unknown("UpdateFunctionConfiguration", params)
    row = function(ctx.kernel, params["FunctionName"])
    records.check_revision(params, row)
    return shown(_update(row, configuration.changed(params, ctx, row["UnzippedBytes"], row), ctx))


def _update(row: dict[str, Any], change: dict[str, Any], ctx: Context) -> dict[str, Any]:
    row = _touched({**row, **change}, ctx)
    ctx.kernel.store.put(FUNCTION, row["FunctionName"], row)
    return row


def get_function(params: Params, ctx: Context) -> Params:
    found = _found(params, ctx)
    latest = records.latest(ctx.kernel, found.row["FunctionName"])
    answer = {
        "Configuration": shown(found.row, found.qualifier is not None),
        "Code": {"RepositoryType": "S3"},
        "Tags": latest["Tags"],
    }
    if latest.get("Reserved") is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": latest["Reserved"]}
    return answer


def get_function_configuration(params: Params, ctx: Context) -> Params:
    found = _found(params, ctx)
    return shown(found.row, found.qualifier is not None)


def _found(params: Params, ctx: Context) -> records.Target:
    return records.target(ctx.kernel, records.reference(params))


def list_functions(params: Params, ctx: Context) -> Params:
    """Functions by name; with FunctionVersion ALL their published versions too."""
    rows = [(row, False) for row in ctx.kernel.store.rows(FUNCTION)]
    if params.get("FunctionVersion") == "ALL":
        rows = [(row, True) for row, _ in rows] + [(row, True) for row in ctx.kernel.store.rows(VERSION)]
        rows.sort(key=lambda pair: (pair[0]["FunctionName"], int(pair[0].get("Version", "0"))))
    found, more = records.page([shown(row, is_qualified) for row, is_qualified in rows], params)
    return {"Functions": found, **more}


def delete_function(params: Params, ctx: Context) -> Params:
    """The function goes with its versions, or one version goes; event source mappings stay and find no function."""
    asked, kernel = records.reference(params), ctx.kernel
    row = records.latest(kernel, asked.name)
    if asked.qualifier == LATEST:
        raise invalid("$LATEST version cannot be deleted without deleting the function.")
    if asked.qualifier is not None:
        return versions.delete(asked, ctx)
    with kernel.store.transaction():
        kernel.store.delete(FUNCTION, asked.name)
        for kind in QUALIFIED:
            for key in versions.keys(kernel, kind, asked.name):
                kernel.store.delete(kind, key)
    Engine.of(kernel).forget(asked.name)
    shutil.rmtree(kernel.state_dir / _folder(row["FunctionName"]), ignore_errors=True)
    return {}


def list_tags(params: Params, ctx: Context) -> Params:
    return {"Tags": _tagged(params["Resource"], ctx)[2].get("Tags", {})}


def tag_resource(params: Params, ctx: Context) -> Params:
    kind, key, row = _tagged(params["Resource"], ctx)
    ctx.kernel.store.put(kind, key, {**row, "Tags": {**row.get("Tags", {}), **params["Tags"]}})
    return {}


def untag_resource(params: Params, ctx: Context) -> Params:
    kind, key, row = _tagged(params["Resource"], ctx)
    kept = {name: value for name, value in row.get("Tags", {}).items() if name not in params["TagKeys"]}
    ctx.kernel.store.put(kind, key, {**row, "Tags": kept})
    return {}


def _tagged(arn: str, ctx: Context) -> tuple[str, str, dict[str, Any]]:
    if ":event-source-mapping:" in arn:
        key = arn.rsplit(":", 1)[1]
        row = ctx.kernel.store.get(MAPPING, key)
        if row is None:
            raise AwsError("ResourceNotFoundException", f"The resource you requested does not exist: {arn}", 404)
        return MAPPING, key, row
    row = function(ctx.kernel, arn)
    return FUNCTION, row["FunctionName"], row


def _folder(name: str) -> str:
    """Where the code of a function is kept, below the state directory."""
    return f"lambda/{name}"


def _touched(row: dict[str, Any], ctx: Context) -> dict[str, Any]:
    row["LastModified"] = ctx.kernel.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    row["RevisionId"] = ctx.kernel.ids.uuid()
    return row


OPERATIONS: dict[str, Operation] = {
    "CreateFunction": create_function,
    "UpdateFunctionCode": update_function_code,
    "UpdateFunctionConfiguration": update_function_configuration,
    "GetFunction": get_function,
    "GetFunctionConfiguration": get_function_configuration,
    "ListFunctions": list_functions,
    "DeleteFunction": delete_function,
    "ListTags": list_tags,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
