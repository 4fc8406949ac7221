"""Published versions and aliases."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.semantics.lambda_ import qualifiers
from emulator.semantics.lambda_.qualifiers import Reference
from emulator.services.lambda_ import records
from emulator.services.lambda_.configuration import shown
from emulator.services.lambda_.engine import Engine
from emulator.services.lambda_.records import ALIAS, FUNCTION, QUALIFIED, VERSION, invalid

_NOT_OF_A_VERSION = ("LastVersion", "Policies", "Reserved", "Tags")


def publish_version(params: Params, ctx: Context) -> Params:
    """A version of what $LATEST is now; the last one when nothing has changed since.

    Raises:
        AwsError: the code or the revision is not what the caller thinks.
    """
    row = records.function(ctx.kernel, params["FunctionName"])
    records.check_revision(params, row)
    wanted = params.get("CodeSha256")
    if wanted and wanted != row["CodeSha256"]:
        raise invalid(
            f"CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({row['CodeSha256']}). "
            "Please try again with the CodeSHA256 in $LATEST."
        )
    described = {} if params.get("Description") is None else {"Description": params["Description"]}
    return shown(publish(row, ctx, described), is_qualified=True)


def publish(row: dict[str, Any], ctx: Context, described: dict[str, str]) -> dict[str, Any]:
    """The version's row; it never changes again."""
    store, name = ctx.kernel.store, row["FunctionName"]
    with store.transaction():
        number = int(row.get("LastVersion", 0))
        last = store.get(VERSION, f"{name}:{number}")
        if last and last["PublishedFrom"] == row["RevisionId"]:
            return last
        version = {
            **{key: value for key, value in row.items() if key not in _NOT_OF_A_VERSION},
            **described,
            "Version": str(number + 1),
            "RevisionId": ctx.kernel.ids.uuid(),
            "PublishedFrom": row["RevisionId"],
        }
        store.put(VERSION, f"{name}:{number + 1}", version)
        store.put(FUNCTION, name, {**row, "LastVersion": number + 1})
    return version


def list_versions_by_function(params: Params, ctx: Context) -> Params:
    row = records.function(ctx.kernel, params["FunctionName"])
    rows = [row, *sorted(_of(ctx.kernel, VERSION, row["FunctionName"]), key=lambda version: int(version["Version"]))]
    found, more = records.page([shown(version, is_qualified=True) for version in rows], params)
    return {"Versions": found, **more}


def delete(asked: Reference, ctx: Context) -> Params:
    """Delete one version; AWS keeps one that an alias points to."""
    name, version = asked.name, str(asked.qualifier)
    if not qualifiers.is_version(version):
        raise invalid("Deletion of aliases is not currently supported.")
    users = [alias["Name"] for alias in _of(ctx.kernel, ALIAS, name) if version in _versions_of(alias)]
    if users:
        arn = ctx.kernel.arn("lambda", f"function:{name}")
        message = f"{arn}:{version} is referenced by aliases: {', '.join(users)}"
        raise AwsError("ResourceConflictException", message, 409)
    for kind in QUALIFIED:
        ctx.kernel.store.delete(kind, f"{name}:{version}")
    Engine.of(ctx.kernel).forget(name, version)
    return {}


def keys(kernel: Kernel, kind: str, name: str) -> list[str]:
    """The keys of all rows of a kind that belong to a function."""
    return [
        f"{name}:{row['Qualifier'] if 'Qualifier' in row else row.get('Version') or row['Name']}"
        for row in _of(kernel, kind, name)
    ]


def create_alias(params: Params, ctx: Context) -> Params:
    row = records.function(ctx.kernel, params["FunctionName"])
    name, key = row["FunctionName"], f"{row['FunctionName']}:{params['Name']}"
    arn = f"{row['FunctionArn']}:{params['Name']}"
    if ctx.kernel.store.get(ALIAS, key):
        raise AwsError("ResourceConflictException", f"Alias already exists: {arn}", 409)
    alias = {"AliasArn": arn, "Name": params["Name"], "FunctionName": name, "Description": ""}
    return _put(ctx, key, {**alias, **_chosen(params)})


def update_alias(params: Params, ctx: Context) -> Params:
    """Change what is named; an empty RoutingConfig ends the routing."""
    alias = _alias(params, ctx)
    records.check_revision(params, alias)
    return _put(ctx, f"{alias['FunctionName']}:{alias['Name']}", {**alias, **_chosen(params)})


def _chosen(params: Params) -> dict[str, Any]:
    return {
        key: params[key] for key in ("FunctionVersion", "Description", "RoutingConfig") if params.get(key) is not None
    }


def _put(ctx: Context, key: str, alias: dict[str, Any]) -> Params:
    weights = alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    problem = qualifiers.routing_problem(alias["FunctionVersion"], weights)
    if problem:
        raise invalid(problem)
    for version in (alias["FunctionVersion"], *weights):
        records.check(ctx.kernel, Reference(alias["FunctionName"], version))
    if not weights:
        alias.pop("RoutingConfig", None)
    alias["RevisionId"] = ctx.kernel.ids.uuid()
    ctx.kernel.store.put(ALIAS, key, alias)
    return _shown_alias(alias)


def get_alias(params: Params, ctx: Context) -> Params:
    return _shown_alias(_alias(params, ctx))


def list_aliases(params: Params, ctx: Context) -> Params:
    """Aliases of a function; with FunctionVersion those that go to that version."""
    row, wanted = records.function(ctx.kernel, params["FunctionName"]), params.get("FunctionVersion")
    rows = _of(ctx.kernel, ALIAS, row["FunctionName"])
    kept = [_shown_alias(alias) for alias in rows if wanted is None or wanted in _versions_of(alias)]
    found, more = records.page(kept, params)
    return {"Aliases": found, **more}


def delete_alias(params: Params, ctx: Context) -> Params:
    """An alias goes with what is configured for it; one that is not there is no error, as on AWS."""
    row = records.function(ctx.kernel, params["FunctionName"])
    for kind in QUALIFIED:
        ctx.kernel.store.delete(kind, f"{row['FunctionName']}:{params['Name']}")
    return {}


def _alias(params: Params, ctx: Context) -> dict[str, Any]:
    row = records.function(ctx.kernel, params["FunctionName"])
    alias = ctx.kernel.store.get(ALIAS, f"{row['FunctionName']}:{params['Name']}")
    if alias is None:
        arn = f"{row['FunctionArn']}:{params['Name']}"
        raise AwsError("ResourceNotFoundException", f"Cannot find alias arn: {arn}", 404)
    return alias


def _versions_of(alias: dict[str, Any]) -> set[str]:
    return {alias["FunctionVersion"], *alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})}


def _shown_alias(alias: dict[str, Any]) -> Params:
    return {key: value for key, value in alias.items() if key != "FunctionName"}


def _of(kernel: Kernel, kind: str, name: str) -> list[dict[str, Any]]:
    return kernel.store.rows(kind, f"{name}:")


OPERATIONS: dict[str, Operation] = {
    "PublishVersion": publish_version,
    "ListVersionsByFunction": list_versions_by_function,
    "CreateAlias": create_alias,
    "UpdateAlias": update_alias,
    "GetAlias": get_alias,
    "ListAliases": list_aliases,
    "DeleteAlias": delete_alias,
}
