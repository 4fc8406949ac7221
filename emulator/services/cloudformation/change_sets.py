"""Change sets, as the CDK CLI deploys: planned when created, carried out when executed. Each belongs to its stack."""

from __future__ import annotations

from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.cloudformation import templates
from emulator.semantics.cloudformation.errors import TemplateError
from emulator.services.cloudformation import deployer
from emulator.services.cloudformation.records import CHANGE_SET, STACK, add_event, change, stack, stack_name
from emulator.services.cloudformation.sources import template_body

NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


def create_change_set(params: Params, ctx: Context) -> Params:
    """Plan the making of a stack. What cannot be deployed is refused here, before anything exists.

    Raises:
        AwsError: ValidationError, AlreadyExistsException.
        EmulatorError: the stack exists and the template differs: updates are not emulated yet.
    """
    store, name = ctx.kernel.store, stack_name(params["StackName"])
    body = template_body(params, ctx)
    existing = store.get(STACK, name)
    if existing and existing["StackStatus"] != "REVIEW_IN_PROGRESS":
        status, reason = _against_existing(existing, body)
    else:
        status, reason = "CREATE_COMPLETE", ""
        _plan(params, body, ctx)
        existing = existing or _new_stack(params, name, ctx)
    row = _change_set(params, body, existing, ctx, status, reason)
    store.put(CHANGE_SET, f"{name}/{params['ChangeSetName']}", row)
    return {"Id": row["ChangeSetId"], "StackId": existing["StackId"]}


def _against_existing(existing: dict[str, Any], body: str) -> tuple[str, str]:
    if existing["StackStatus"] != "CREATE_COMPLETE":
        raise AwsError(
            "ValidationError",
            f"Stack {existing['StackName']} is in {existing['StackStatus']} state and can not be updated; "
            "the emulator does not update or delete stacks yet: start it anew with `driftloop up --fresh`.",
        )
    if existing["TemplateBody"].strip() != body.strip():
        raise EmulatorError(
            f"cloudformation: CreateChangeSet: stack '{existing['StackName']}' exists and the template differs; "
            "updates are not emulated yet. Nothing was changed; start anew with `driftloop up --fresh`."
        )
    return "FAILED", NO_CHANGES


def _plan(params: Params, body: str, ctx: Context) -> list[templates.Resource]:
    given = {item["ParameterKey"]: item.get("ParameterValue", "") for item in params.get("Parameters", [])}
    try:
        return list(deployer.prepare(ctx, stack_name(params["StackName"]), body, given).plan.order)
    except TemplateError as error:
        raise AwsError("ValidationError", str(error)) from error


def _new_stack(params: Params, name: str, ctx: Context) -> dict[str, Any]:
    row = {
        "StackId": ctx.kernel.arn("cloudformation", f"stack/{name}/{ctx.kernel.ids.uuid()}"),
        "StackName": name,
        "CreationTime": ctx.kernel.clock.now(),
        "StackStatus": "REVIEW_IN_PROGRESS",
        "DisableRollback": True,
        "Tags": params.get("Tags", []),
        "Parameters": params.get("Parameters", []),
        "Capabilities": params.get("Capabilities", []),
        "Outputs": [],
        "Resources": {},
    }
    ctx.kernel.store.put(STACK, name, row)
    add_event(ctx.kernel, row, name, deployer.STACK_TYPE, "REVIEW_IN_PROGRESS", PhysicalResourceId=row["StackId"])
    return row


def _change_set(
    params: Params, body: str, row: dict[str, Any], ctx: Context, status: str, reason: str
) -> dict[str, Any]:
    name = params["ChangeSetName"]
    planned = _plan(params, body, ctx) if status == "CREATE_COMPLETE" else []
    changes = [
        {"Action": "Add", "LogicalResourceId": resource.logical_id, "ResourceType": resource.type}
        for resource in planned
    ]
    return {
        "ChangeSetName": name,
        "ChangeSetId": ctx.kernel.arn("cloudformation", f"changeSet/{name}/{ctx.kernel.ids.uuid()}"),
        "StackId": row["StackId"],
        "StackName": row["StackName"],
        "Parameters": params.get("Parameters", []),
        "CreationTime": ctx.kernel.clock.now(),
        "Status": status,
        "StatusReason": reason,
        "ExecutionStatus": "AVAILABLE" if status == "CREATE_COMPLETE" else "UNAVAILABLE",
        "Changes": [{"Type": "Resource", "ResourceChange": item} for item in changes],
        "Tags": params.get("Tags", []),
        "TemplateBody": body,
        "RoleARN": params.get("RoleARN", ""),
    }


def describe_change_set(params: Params, ctx: Context) -> Params:
    row = _found(params, ctx)
    return {key: value for key, value in row.items() if key not in ("TemplateBody", "RoleARN") and value != ""}


def execute_change_set(params: Params, ctx: Context) -> Params:
    """Start making the stack; DescribeStackEvents tells how it goes."""
    row = _found(params, ctx)
    if row["ExecutionStatus"] != "AVAILABLE":
        message = f"ChangeSet [{row['ChangeSetId']}] cannot be executed in its current status of [{row['Status']}]"
        raise AwsError("InvalidChangeSetStatus", message)
    name = row["StackName"]
    given = {item["ParameterKey"]: item.get("ParameterValue", "") for item in row["Parameters"]}
    prepared = deployer.prepare(ctx, name, row["TemplateBody"], given, row["RoleARN"])
    change(
        ctx.kernel,
        name,
        StackStatus="CREATE_IN_PROGRESS",
        TemplateBody=row["TemplateBody"],
        Description=prepared.template.description,
        ChangeSetId=row["ChangeSetId"],
        Tags=row["Tags"],
        Parameters=row["Parameters"],
    )
    key = f"{name}/{row['ChangeSetName']}"
    ctx.kernel.store.put(CHANGE_SET, key, {**row, "ExecutionStatus": "EXECUTE_COMPLETE"})
    ctx.kernel.dispatcher.start(f"cloudformation {name}", partial(deployer.create_stack, ctx.kernel, prepared))
    return {}


def delete_change_set(params: Params, ctx: Context) -> Params:
    """Deleting what is not there succeeds, as on AWS."""
    name = (
        params["ChangeSetName"].split("/")[1] if params["ChangeSetName"].startswith("arn:") else params["ChangeSetName"]
    )
    if params.get("StackName"):
        ctx.kernel.store.delete(CHANGE_SET, f"{stack_name(params['StackName'])}/{name}")
    return {}


def list_change_sets(params: Params, ctx: Context) -> Params:
    row = stack(ctx.kernel, params["StackName"])
    names = (
        "StackId",
        "StackName",
        "ChangeSetId",
        "ChangeSetName",
        "ExecutionStatus",
        "Status",
        "StatusReason",
        "CreationTime",
    )
    found = ctx.kernel.store.rows(CHANGE_SET, f"{row['StackName']}/")
    return {"Summaries": [{key: item[key] for key in names if item.get(key)} for item in found]}


def _found(params: Params, ctx: Context) -> dict[str, Any]:
    wanted = params["ChangeSetName"]
    if wanted.startswith("arn:"):
        by_id = [row for row in ctx.kernel.store.rows(CHANGE_SET) if row["ChangeSetId"] == wanted]
        found = by_id[0] if by_id else None
    else:
        found = ctx.kernel.store.get(CHANGE_SET, f"{stack_name(params.get('StackName', ''))}/{wanted}")
    if found is None:
        raise AwsError("ChangeSetNotFound", f"ChangeSet [{wanted}] does not exist", 404)
    return found


OPERATIONS: dict[str, Operation] = {
    "CreateChangeSet": create_change_set,
    "DescribeChangeSet": describe_change_set,
    "ExecuteChangeSet": execute_change_set,
    "DeleteChangeSet": delete_change_set,
    "ListChangeSets": list_change_sets,
}
