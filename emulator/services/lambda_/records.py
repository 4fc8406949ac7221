"""Rows of the Lambda service, and how a function, a version or an alias is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Kernel, Params
from emulator.semantics.lambda_ import qualifiers
from emulator.semantics.lambda_.qualifiers import LATEST, Reference

FUNCTION, MAPPING = "lambda.function", "lambda.event_source_mapping"
VERSION, ALIAS = "lambda.version", "lambda.alias"
EVENT_CONFIG, URL = "lambda.event_invoke_config", "lambda.function_url"
LAYER, LAYER_VERSION = "lambda.layer", "lambda.layer_version"
QUALIFIED = (VERSION, ALIAS, EVENT_CONFIG, URL)
"""The kinds whose keys are `name:qualifier`, which go with their function."""


@dataclass(frozen=True)
class Target:
    """What an invocation runs: a version's row, and the ARN that was asked for."""

    row: dict[str, Any]
    arn: str
    qualifier: str | None


def function_name(reference: str) -> str:
    """The name in a function's name, partial ARN or ARN.

    Raises:
        EmulatorError: a version or alias other than $LATEST is asked for, where we know only functions.
    """
    found = qualifiers.parse(reference)
    if found.qualifier not in (None, LATEST):
        raise EmulatorError(f"lambda: FunctionName '{reference}': versions and aliases are not emulated here yet")
    return found.name


def function(kernel: Kernel, reference: str) -> dict[str, Any]:
    """The row of a function, which is its $LATEST.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    return latest(kernel, function_name(reference))


def latest(kernel: Kernel, name: str) -> dict[str, Any]:
    """The row of a function by its bare name.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    found = kernel.store.get(FUNCTION, name)
    if found is None:
        raise not_found(kernel, Reference(name))
    return found


def reference(params: Params) -> Reference:
    """What `FunctionName` and `Qualifier` of a request name together."""
    try:
        return qualifiers.parse(params["FunctionName"], params.get("Qualifier"))
    except qualifiers.Mismatch as error:
        message = "The derived qualifier from the function name does not match the specified qualifier."
        raise AwsError("InvalidParameterValueException", message) from error


def target(kernel: Kernel, asked: Reference) -> Target:
    """The version that is meant, an alias drawing one of its versions.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    row = latest(kernel, asked.name)
    if asked.qualifier is None:
        return Target(row, row["FunctionArn"], None)
    arn = f"{row['FunctionArn']}:{asked.qualifier}"
    if asked.qualifier == LATEST:
        return Target(row, arn, LATEST)
    version = asked.qualifier if qualifiers.is_version(asked.qualifier) else _drawn(kernel, asked)
    found = row if version == LATEST else kernel.store.get(VERSION, f"{asked.name}:{version}")
    if found is None:
        raise not_found(kernel, asked)
    return Target(found, arn, asked.qualifier)


def check(kernel: Kernel, asked: Reference) -> None:
    """See that the function, and its version or alias, exists.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    latest(kernel, asked.name)
    if asked.qualifier in (None, LATEST):
        return
    kind = VERSION if qualifiers.is_version(str(asked.qualifier)) else ALIAS
    if kernel.store.get(kind, f"{asked.name}:{asked.qualifier}") is None:
        raise not_found(kernel, asked)


def qualified_arn(kernel: Kernel, asked: Reference) -> str:
    """The ARN of what is named; of the function itself when there is no qualifier."""
    resource = f"function:{asked.name}" + (f":{asked.qualifier}" if asked.qualifier else "")
    return kernel.arn("lambda", resource)


def not_found(kernel: Kernel, asked: Reference) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Function not found: {qualified_arn(kernel, asked)}", 404)


def invalid(problem: str) -> AwsError:
    return AwsError("InvalidParameterValueException", problem)


def check_revision(params: Params, row: dict[str, Any]) -> None:
    """A caller that names a revision means that one and no other.

    Raises:
        AwsError: PreconditionFailedException.
    """
    if params.get("RevisionId") and params["RevisionId"] != row["RevisionId"]:
        message = (
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )
        raise AwsError("PreconditionFailedException", message, 412)


def page(rows: list[dict[str, Any]], params: Params, most: int = 50) -> tuple[list[dict[str, Any]], Params]:
    """A page by `MaxItems` from `Marker` on, and what the answer says of the next.

    Raises:
        AwsError: the marker is none of ours.
    """
    marker = str(params.get("Marker") or 0)
    if not marker.isdecimal():
        raise invalid(f"Invalid marker: {marker}")
    begin = int(marker)
    size = min(params.get("MaxItems") or most, most)
    found = rows[begin : begin + size]
    return found, {"NextMarker": str(begin + size)} if begin + size < len(rows) else {}


def _drawn(kernel: Kernel, asked: Reference) -> str:
    alias = kernel.store.get(ALIAS, f"{asked.name}:{asked.qualifier}")
    if alias is None:
        raise not_found(kernel, asked)
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    return qualifiers.routed(alias["FunctionVersion"], weights, kernel.ids.unit() if weights else 0.0)
