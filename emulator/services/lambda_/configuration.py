"""What a function is configured to be: checked, defaulted, rendered."""

from __future__ import annotations

import re
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Params
from emulator.semantics.lambda_ import destinations, limits
from emulator.services.lambda_ import packages
from emulator.services.lambda_.records import LAYER_VERSION, invalid

RUNTIMES = re.compile(r"python3\.\d+|nodejs(18|20|22|24)\.x|provided\.al2(023)?")
_DEFAULTS: dict[str, Any] = {
    "Description": "",
    "Timeout": 3,
    "MemorySize": 128,
    "Environment": {"Variables": {}},
    "TracingConfig": {"Mode": "PassThrough"},
    "EphemeralStorage": {"Size": 512},
    "Architectures": ["x86_64"],
}
_SETTINGS = (*_DEFAULTS, "Role", "Runtime", "Handler", "DeadLetterConfig", "Layers", "LoggingConfig")
_UNDERSTOOD = frozenset({*_SETTINGS, "Code", "FunctionName", "PackageType", "Publish", "RevisionId", "Tags"})
_LOG_LEVELS = ("ApplicationLogLevel", "SystemLogLevel")
_ONLY: dict[str, Any] = {"PackageType": "Zip"}
_TIMEOUT_MAX_S, _MEMORY_MAX_MB = 900, 10_240
_HIDDEN = ("CodeDir", "LayersDir", "LastVersion", "PublishedFrom", "Policies", "Reserved", "Tags", "UnzippedBytes")


def refuse_unknown(operation: str, params: Params) -> None:
    """Name what we do not emulate, before anything is done."""
    for name, value in params.items():
        if (value and name not in _UNDERSTOOD) or (name in _ONLY and value != _ONLY[name]):
            raise EmulatorError(f"lambda: {operation}: {name} is not emulated yet; nothing was done")
    if params.get("Runtime") and not RUNTIMES.fullmatch(params["Runtime"]):
        raise EmulatorError(
            f"lambda: {operation}: Runtime '{params['Runtime']}' is not emulated; "
            "python3.x, nodejs18.x to nodejs24.x, provided.al2 and provided.al2023 run"
        )


def of_new(params: Params, ctx: Context, unzipped_bytes: int) -> dict[str, Any]:
    """The settings of a function that is being made."""
    if not params.get("Runtime") or not params.get("Handler"):
        raise invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    return {**_DEFAULTS, **changed(params, ctx, unzipped_bytes, {"FunctionName": params["FunctionName"]})}


def changed(params: Params, ctx: Context, unzipped_bytes: int, row: dict[str, Any]) -> dict[str, Any]:
    """The settings that a request names, as they are kept.

    Raises:
        AwsError: AWS refuses a value.
        EmulatorError: we do not run it.
    """
    found = {name: params[name] for name in _SETTINGS if params.get(name) is not None}
    _check(found)
    if "Layers" in found:
        found |= _layers(ctx.kernel, found["Layers"], unzipped_bytes)
    if "Environment" in found:
        found["Environment"] = {"Variables": found["Environment"].get("Variables", {})}
    return {**found, "LoggingConfig": _logging(found.get("LoggingConfig", {}), row)}


def shown(row: dict[str, Any], is_qualified: bool = False) -> dict[str, Any]:
    """FunctionConfiguration of a row; its ARN carries the version when the caller asked for one."""
    fixed = {"Version": "$LATEST", "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip"}
    found = {**fixed, **{key: value for key, value in row.items() if key not in _HIDDEN}}
    if is_qualified:
        found["FunctionArn"] = f"{row['FunctionArn']}:{found['Version']}"
    return found


def _check(found: dict[str, Any]) -> None:
    for name, most in (("Timeout", _TIMEOUT_MAX_S), ("MemorySize", _MEMORY_MAX_MB)):
        if found.get(name, 0) > most:
            field = name[0].lower() + name[1:]
            raise AwsError(
                "ValidationException",
                f"1 validation error detected: Value '{found[name]}' at '{field}' failed to satisfy constraint: "
                f"Member must have value less than or equal to {most}",
            )
    problem = limits.variables_problem(found.get("Environment", {}).get("Variables", {}))
    if problem:
        raise invalid(problem)
    _check_dead_letters(found.get("DeadLetterConfig", {}).get("TargetArn"))


def _check_dead_letters(arn: str | None) -> None:
    if arn and not destinations.is_dead_letter_target(arn):
        raise EmulatorError(f"lambda: DeadLetterConfig: TargetArn '{arn}' is neither a queue nor a topic")


def _layers(kernel: Kernel, arns: list[str], unzipped_bytes: int) -> dict[str, Any]:
    rows = [_layer(kernel, arn) for arn in arns]
    problem = limits.layers_problem(arns, sum(row["UnzippedBytes"] for row in rows), unzipped_bytes)
    if problem:
        raise invalid(problem)
    listed = [{"Arn": arn, "CodeSize": row["CodeSize"]} for arn, row in zip(arns, rows, strict=True)]
    return {"Layers": listed, "LayersDir": packages.merge(kernel, [row["CodeDir"] for row in rows])}


def _layer(kernel: Kernel, arn: str) -> dict[str, Any]:
    row = next((row for row in kernel.store.rows(LAYER_VERSION) if row["LayerVersionArn"] == arn), None)
    if row is None:
        raise invalid(f"Layer version {arn} does not exist.")
    return row


def _logging(given: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """LoggingConfig with AWS's defaults; levels are of the JSON format only."""
    kept = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{row['FunctionName']}", **row.get("LoggingConfig", {})}
    found = {**kept, **given}
    if found["LogFormat"] == "JSON":
        return {**dict.fromkeys(_LOG_LEVELS, "INFO"), **found}
    if given.keys() & set(_LOG_LEVELS):
        raise invalid("ApplicationLogLevel and SystemLogLevel can only be set when LogFormat is JSON.")
    return {key: value for key, value in found.items() if key not in _LOG_LEVELS}
