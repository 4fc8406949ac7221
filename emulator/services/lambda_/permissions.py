"""Resource policies of functions. Recorded; not enforced yet."""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Operation, Params
from emulator.services.lambda_.records import FUNCTION, function


def add_permission(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = function(ctx.kernel, params["FunctionName"])
        if any(statement["Sid"] == params["StatementId"] for statement in row["Policy"]):
            message = f"The statement id ({params['StatementId']}) provided already exists."
            raise AwsError("ResourceConflictException", message, 409)
        statement = _statement(params, row["FunctionArn"])
        ctx.kernel.store.put(FUNCTION, row["FunctionName"], {**row, "Policy": [*row["Policy"], statement]})
    return {"Statement": json.dumps(statement)}


def remove_permission(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = function(ctx.kernel, params["FunctionName"])
        kept = [statement for statement in row["Policy"] if statement["Sid"] != params["StatementId"]]
        if len(kept) == len(row["Policy"]):
            raise AwsError(
                "ResourceNotFoundException", f"Statement {params['StatementId']} is not found in resource policy.", 404
            )
        ctx.kernel.store.put(FUNCTION, row["FunctionName"], {**row, "Policy": kept})
    return {}


def get_policy(params: Params, ctx: Context) -> Params:
    row = function(ctx.kernel, params["FunctionName"])
    if not row["Policy"]:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": row["Policy"]}
    return {"Policy": json.dumps(policy), "RevisionId": row["RevisionId"]}


def _statement(params: Params, arn: str) -> dict[str, Any]:
    principal = params["Principal"]
    conditions: dict[str, dict[str, str]] = {}
    if params.get("SourceArn"):
        conditions["ArnLike"] = {"AWS:SourceArn": params["SourceArn"]}
    if params.get("SourceAccount"):
        conditions["StringEquals"] = {"AWS:SourceAccount": params["SourceAccount"]}
    return {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": {"Service": principal} if principal.endswith(".amazonaws.com") else {"AWS": principal},
        "Action": params["Action"],
        "Resource": arn,
        **({"Condition": conditions} if conditions else {}),
    }


OPERATIONS: dict[str, Operation] = {
    "AddPermission": add_permission,
    "RemovePermission": remove_permission,
    "GetPolicy": get_policy,
}
