"""Change sets, as the CDK CLI deploys: planned when created, carried out when executed. Each belongs to its stack."""

from __future__ import annotations

from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.cloudformation import planning, templates
from emulator.semantics.cloudformation.errors import TemplateError
from emulator.services.cloudformation import deployer
from emulator.services.cloudformation.records import CHANGE_SET, STACK, add_event, change, stack, stack_name
from emulator.services.cloudformation.sources import template_body

_NOT_EMULATED = frozenset(
    {
        "DeploymentMode",
        "NotificationARNs",
        "ResourcesToImport",
        "RollbackConfiguration",
        "UsePreviousTemplate",
    }
)
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."


def create_change_set(params: Params, ctx: Context) -> Params:
    """Plan the making of a stack. What cannot be deployed is refused here, before anything exists.

    Raises:
        AwsError: ValidationError, AlreadyExistsException.
        EmulatorError: the stack exists and template, parameters or tags differ: updates are not emulated yet.
    """
    _refuse_unknown(params)
    store, name = ctx.kernel.store, stack_name(params["StackName"])
    key = f"{name}/{params['ChangeSetName']}"
    if store.get(CHANGE_SET, key):
        raise AwsError("AlreadyExistsException", f"ChangeSet {params['ChangeSetName']} already exists")
    body = template_body(params, ctx)
    existing = store.get(STACK, name)
    if existing and existing["StackStatus"] != "REVIEW_IN_PROGRESS":
        status, reason = _against_existing(params, existing, body)
    else:
        status, reason = "CREATE_COMPLETE", ""
        _require_create(params)
        _plan(params, body, ctx)
        existing = existing or _new_stack(params, name, ctx)
    row = _change_set(params, body, existing, ctx, status, reason)
    store.put(CHANGE_SET, key, row)
    return {"Id": row["ChangeSetId"], "StackId": existing["StackId"]}


def _refuse_unknown(params: Params) -> None:
    """Name what is asked for and not done. A resource to import that exists fails by itself, when it is made."""
    unknown = sorted(name for name, value in params.items() if value and name in _NOT_EMULATED)
    if params.get("DeploymentConfig", {}).get("Mode", "STANDARD") != "STANDARD":
        unknown.append("DeploymentConfig")
    if unknown:
        raise EmulatorError(
            f"cloudformation: CreateChangeSet: {', '.join(unknown)} is not emulated yet; nothing was done"
        )


def _require_create(params: Params) -> None:
    kind = params.get("ChangeSetType", "UPDATE")
    if kind == "UPDATE":
        raise AwsError("ValidationError", f"Stack [{params['StackName']}] does not exist")
    if kind != "CREATE":
        raise EmulatorError(f"cloudformation: CreateChangeSet: ChangeSetType '{kind}' is not emulated yet")


def _against_existing(params: Params, existing: dict[str, Any], body: str) -> tuple[str, str]:
    if params.get("ChangeSetType") == "CREATE":
        message = f"Stack [{existing['StackName']}] already exists and cannot be created again with the changeSet"
        raise AwsError("ValidationError", f"{message} [{params['ChangeSetName']}]")
    if existing["StackStatus"] != "CREATE_COMPLETE":
        raise AwsError(
            "ValidationError",
            f"Stack {existing['StackName']} is in {existing['StackStatus']} state and can not be updated; "
            "the emulator does not update or delete stacks yet: start it anew with `driftloop up --fresh`.",
        )
    differing = _differing(params, existing, body)
    if differing:
        raise EmulatorError(
            f"cloudformation: CreateChangeSet: stack '{existing['StackName']}' exists and {differing}; "
            "updates are not emulated yet. Nothing was changed; start anew with `driftloop up --fresh`."
        )
    return "FAILED", NO_CHANGES


def _differing(params: Params, existing: dict[str, Any], body: str) -> str:
    """What the change set would change, or nothing."""
    if existing["TemplateBody"].strip() != body.strip():
        return "the template differs"
    try:
        declared = templates.parse(body)
        before = planning.parameters(declared, _given(existing["Parameters"]))
        after = planning.parameters(declared, _given(params.get("Parameters", []), existing["Parameters"]))
    except TemplateError as error:
        raise AwsError("ValidationError", str(error)) from error
    differing = sorted(name for name, value in after.items() if value != before[name])
    if differing:
        return f"parameters differ ({', '.join(differing)})"
    return "" if _tags(params) == _tags(existing) else "the tags differ"


def _given(parameters: list[dict[str, Any]], before: list[dict[str, Any]] | None = None) -> dict[str, str]:
    """Values by parameter; `UsePreviousValue` takes the one of `before`, or leaves the template's default."""
    previous = _given(before) if before else {}
    given = {
        item["ParameterKey"]: item.get("ParameterValue", "") for item in parameters if not item.get("UsePreviousValue")
    }
    kept = {item["ParameterKey"] for item in parameters if item.get("UsePreviousValue")}
    return {**given, **{name: value for name, value in previous.items() if name in kept}}


def _tags(holder: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in holder.get("Tags", [])}


def _plan(params: Params, body: str, ctx: Context) -> list[templates.Resource]:
    given = _given(params.get("Parameters", []))
    return list(_prepared(ctx, stack_name(params["StackName"]), body, given).plan.order)


def _prepared(ctx: Context, name: str, body: str, given: dict[str, str], role_arn: str = "") -> deployer.Prepared:
    try:
        return deployer.prepare(ctx, name, body, given, role_arn)
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
    row = change_set(params, ctx)
    return {key: value for key, value in row.items() if key not in ("TemplateBody", "RoleARN") and value != ""}


def execute_change_set(params: Params, ctx: Context) -> Params:
    """Start making the stack; DescribeStackEvents tells how it goes. The stack's other change sets go, as on AWS."""
    row = change_set(params, ctx)
    if row["ExecutionStatus"] != "AVAILABLE":
        message = f"ChangeSet [{row['ChangeSetId']}] cannot be executed in its current status of [{row['Status']}]"
        raise AwsError("InvalidChangeSetStatus", message)
    name = row["StackName"]
    prepared = _prepared(ctx, name, row["TemplateBody"], _given(row["Parameters"]), row["RoleARN"])
    for other in ctx.kernel.store.rows(CHANGE_SET, f"{name}/"):
        ctx.kernel.store.delete(CHANGE_SET, f"{name}/{other['ChangeSetName']}")
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
    try:
        row = change_set(params, ctx)
    except AwsError as error:
        if error.code != "ChangeSetNotFound":
            raise
        return {}
    ctx.kernel.store.delete(CHANGE_SET, f"{row['StackName']}/{row['ChangeSetName']}")
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


def change_set(params: Params, ctx: Context) -> dict[str, Any]:
    """The change set that `ChangeSetName` (a name, then with `StackName`, or an ARN) means.

    Raises:
        AwsError: ChangeSetNotFound; ValidationError for a name without a stack.
    """
    wanted = params["ChangeSetName"]
    if wanted.startswith("arn:"):
        by_id = [row for row in ctx.kernel.store.rows(CHANGE_SET) if row["ChangeSetId"] == wanted]
        found = by_id[0] if by_id else None
    else:
        if not params.get("StackName"):
            raise AwsError(
                "ValidationError", "StackName must be specified if ChangeSetName is not specified as an ARN."
            )
        found = ctx.kernel.store.get(CHANGE_SET, f"{stack_name(params['StackName'])}/{wanted}")
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
