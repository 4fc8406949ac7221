"""Functions as records, with their code unpacked on disk."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import shutil
import zipfile
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.lambda_.engine import Engine
from emulator.services.lambda_.records import FUNCTION, MAPPING, function, function_name

_CONFIGURATION = {"Description": "", "Timeout": 3, "MemorySize": 128, "Environment": {"Variables": {}}}
_RECORDED = ("Architectures", "TracingConfig", "EphemeralStorage", "LoggingConfig")
_UNDERSTOOD = frozenset(
    {
        *_CONFIGURATION,
        *_RECORDED,
        "Code",
        "FunctionName",
        "Handler",
        "PackageType",
        "Publish",
        "Role",
        "Runtime",
        "Tags",
    }
)
_DEFAULTS: dict[str, Any] = {"PackageType": "Zip", "Publish": False}


def create_function(params: Params, ctx: Context) -> Params:
    """Store a function and unpack its zip; it is Active at once."""
    _refuse_unknown("CreateFunction", params)
    name = function_name(params["FunctionName"])
    if ctx.kernel.store.get(FUNCTION, name):
        raise AwsError("ResourceConflictException", f"Function already exist: {name}", 409)
    row = {
        "FunctionName": name,
        "FunctionArn": ctx.kernel.arn("lambda", f"function:{name}"),
        "Role": params["Role"],
        "Tags": params.get("Tags", {}),
        "Policy": [],
        **_configuration(params),
        **{key: params[key] for key in _RECORDED if params.get(key)},
        **_unpack(ctx.kernel, name, params["Code"]),
    }
    ctx.kernel.store.put(FUNCTION, name, _touched(row, ctx))
    return _shown(row)


def update_function_code(params: Params, ctx: Context) -> Params:
    """New code; running environments end with their invocation."""
    code = {
        key: params[key] for key in ("ZipFile", "S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri") if params.get(key)
    }
    row = function(ctx.kernel, params["FunctionName"])
    return _update(row, _unpack(ctx.kernel, row["FunctionName"], code), ctx)


def update_function_configuration(params: Params, ctx: Context) -> Params:
    _refuse_unknown("UpdateFunctionConfiguration", params)
    row = function(ctx.kernel, params["FunctionName"])
    names = ("Description", "Environment", "Handler", "MemorySize", "Role", "Runtime", "Timeout", *_RECORDED)
    return _update(row, {key: params[key] for key in names if key in params}, ctx)


def _update(row: dict[str, Any], change: dict[str, Any], ctx: Context) -> Params:
    row = _touched({**row, **change}, ctx)
    ctx.kernel.store.put(FUNCTION, row["FunctionName"], row)
    return _shown(row)


def get_function(params: Params, ctx: Context) -> Params:
    row = function(ctx.kernel, params["FunctionName"])
    return {"Configuration": _shown(row), "Code": {"RepositoryType": "S3"}, "Tags": row["Tags"]}


def get_function_configuration(params: Params, ctx: Context) -> Params:
    return _shown(function(ctx.kernel, params["FunctionName"]))


def list_functions(params: Params, ctx: Context) -> Params:
    return {"Functions": [_shown(row) for row in ctx.kernel.store.rows(FUNCTION)]}


def delete_function(params: Params, ctx: Context) -> Params:
    """The function and its code go; its event source mappings stay, as on AWS, and find no function."""
    row = function(ctx.kernel, params["FunctionName"])
    ctx.kernel.store.delete(FUNCTION, row["FunctionName"])
    Engine.of(ctx.kernel).forget(row["FunctionName"])
    shutil.rmtree(ctx.kernel.state_dir / "lambda" / row["FunctionName"], ignore_errors=True)
    return {}


def list_tags(params: Params, ctx: Context) -> Params:
    return {"Tags": _tagged(params["Resource"], ctx)[2].get("Tags", {})}


def tag_resource(params: Params, ctx: Context) -> Params:
    kind, key, row = _tagged(params["Resource"], ctx)
    ctx.kernel.store.put(kind, key, {**row, "Tags": {**row.get("Tags", {}), **params["Tags"]}})
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


def _configuration(params: Params) -> dict[str, Any]:
    runtime = params.get("Runtime", "")
    if not re.fullmatch(r"python3\.\d+", runtime):
        raise EmulatorError(f"lambda: CreateFunction: Runtime '{runtime}' is not emulated yet; only python3.x runs")
    chosen = {key: params.get(key) or default for key, default in _CONFIGURATION.items()}
    return {**chosen, "Runtime": runtime, "Handler": params["Handler"]}


def _refuse_unknown(operation: str, params: Params) -> None:
    for name, value in params.items():
        if (value and name not in _UNDERSTOOD) or (name in _DEFAULTS and value != _DEFAULTS[name]):
            raise EmulatorError(f"lambda: {operation}: {name} is not emulated yet; nothing was done")


def _unpack(kernel: Kernel, name: str, code: dict[str, Any]) -> dict[str, Any]:
    """Unpack the zip into a directory named after its digest; answers what the configuration says about the code."""
    archive = _archive(kernel, code)
    digest = hashlib.sha256(archive).digest()
    directory = kernel.state_dir / "lambda" / name / digest.hex()[:16]
    if not directory.exists():
        try:
            with zipfile.ZipFile(io.BytesIO(archive)) as found:
                found.extractall(directory)
        except zipfile.BadZipFile as error:
            raise AwsError(
                "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file."
            ) from error
    return {"CodeSha256": base64.b64encode(digest).decode(), "CodeSize": len(archive), "CodeDir": str(directory)}


def _archive(kernel: Kernel, code: dict[str, Any]) -> bytes:
    if code.get("ZipFile"):
        return bytes(code["ZipFile"])
    if not code.get("S3Bucket"):
        raise EmulatorError("lambda: Code: only ZipFile and S3Bucket/S3Key are emulated yet")
    where = {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}
    if code.get("S3ObjectVersion"):
        where["VersionId"] = code["S3ObjectVersion"]
    try:
        return bytes(kernel.calls("s3", "GetObject", where)["Body"])
    except AwsError as error:
        message = f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
        raise AwsError("InvalidParameterValueException", message) from error


def _touched(row: dict[str, Any], ctx: Context) -> dict[str, Any]:
    row["LastModified"] = ctx.kernel.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    row["RevisionId"] = ctx.kernel.ids.uuid()
    return row


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    hidden = ("CodeDir", "Policy", "Tags")
    fixed = {"Version": "$LATEST", "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip"}
    return {**fixed, **{key: value for key, value in row.items() if key not in hidden}}


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
}
