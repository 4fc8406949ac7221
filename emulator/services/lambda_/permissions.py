"""Resource policies of functions, versions and aliases. Recorded; not enforced yet."""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.lambda_.qualifiers import Reference
from emulator.services.lambda_ import records
from emulator.services.lambda_.records import FUNCTION, invalid

_CONDITIONS = {
    "SourceArn": ("ArnLike", "AWS:SourceArn"),
    "SourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "PrincipalOrgID": ("StringEquals", "aws:PrincipalOrgID"),
    "EventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
    "FunctionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "InvokedViaFunctionUrl": ("Bool", "lambda:InvokedViaFunctionUrl"),
}


def add_permission(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row, asked = _row(params, ctx)
        policy = _policy(row, asked)
        if any(statement["Sid"] == params["StatementId"] for statement in policy):
            message = (
                f"The statement id ({params['StatementId']}) provided already exists. "
                "Please provide a new statement id, or remove the existing statement."
            )
            raise AwsError("ResourceConflictException", message, 409)
        statement = _statement(params, records.qualified_arn(ctx.kernel, asked))
        _keep(ctx, row, asked, [*policy, statement])
    return {"Statement": json.dumps(statement)}


def remove_permission(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row, asked = _row(params, ctx)
        policy = _policy(row, asked)
        kept = [statement for statement in policy if statement["Sid"] != params["StatementId"]]
        if len(kept) == len(policy):
            raise AwsError(
                "ResourceNotFoundException", f"Statement {params['StatementId']} is not found in resource policy.", 404
            )
        _keep(ctx, row, asked, kept)
    return {}


def get_policy(params: Params, ctx: Context) -> Params:
    row, asked = _row(params, ctx)
    statements = _policy(row, asked)
    if not statements:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    return {"Policy": json.dumps(policy), "RevisionId": row["RevisionId"]}


def _row(params: Params, ctx: Context) -> tuple[dict[str, Any], Reference]:
    """The function that keeps the policies of its versions and aliases too; each has its own."""
    asked = records.reference(params)
    if asked.qualifier == "$LATEST":
        raise invalid("We currently do not support adding policies for $LATEST.")
    records.check(ctx.kernel, asked)
    row = records.latest(ctx.kernel, asked.name)
    if asked.qualifier is None:
        records.check_revision(params, row)
    return row, asked


def _policy(row: dict[str, Any], asked: Reference) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = row["Policies"].get(asked.qualifier or "", [])
    return found


def _keep(ctx: Context, row: dict[str, Any], asked: Reference, policy: list[dict[str, Any]]) -> None:
    row["Policies"] = {**row["Policies"], asked.qualifier or "": policy}
    ctx.kernel.store.put(FUNCTION, asked.name, row)


def _statement(params: Params, arn: str) -> dict[str, Any]:
    conditions: dict[str, dict[str, Any]] = {}
    for field, (operator, key) in _CONDITIONS.items():
        if params.get(field) is not None:
            value = params[field]
            conditions.setdefault(operator, {})[key] = str(value).lower() if isinstance(value, bool) else value
    return {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": _principal(params["Principal"]),
        "Action": params["Action"],
        "Resource": arn,
        **({"Condition": conditions} if conditions else {}),
    }


def _principal(principal: str) -> str | dict[str, str]:
    if principal == "*":
        return "*"
    if principal.endswith(".amazonaws.com"):
        return {"Service": principal}
    return {"AWS": f"arn:aws:iam::{principal}:root" if principal.isdecimal() else principal}


OPERATIONS: dict[str, Operation] = {
    "AddPermission": add_permission,
    "RemovePermission": remove_permission,
    "GetPolicy": get_policy,
}
