"""Making a stack: resolve, call, record, in the plan's order. The first failure stops it with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Principal
from emulator.semantics.cloudformation import intrinsics, planning, templates
from emulator.semantics.cloudformation.errors import TemplateError
from emulator.semantics.cloudformation.intrinsics import Scope
from emulator.services.cloudformation.deployment import Created, Deployment
from emulator.services.cloudformation.records import STACK, add_event, change, stack
from emulator.services.cloudformation.resources import TYPES

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(frozen=True)
class Prepared:
    """A stack that can be made: its template, plan and names, and the principal who makes it."""

    stack_name: str
    template: templates.Template
    plan: planning.Plan
    scope: Scope
    principal: Principal


def prepare(ctx: Context, name: str, body: str, given: dict[str, str], role_arn: str = "") -> Prepared:
    """Parse, check and plan.

    Raises:
        TemplateError: it cannot be made.
    """
    template = templates.parse(body)
    known = {kind: found.properties for kind, found in TYPES.items()}
    refs = {**_pseudo(ctx.kernel, name), **planning.parameters(template, given)}
    for parameter, declared in template.parameters.items():
        if declared["Type"].startswith("AWS::SSM::Parameter::Value"):
            refs[parameter] = _ssm_value(ctx.kernel, str(refs[parameter]))
    scope = Scope(refs, template.mappings, template.conditions)
    planning.check_rules(template, scope)
    plan = planning.plan(template, scope, known)
    principal = Principal(role_arn, ctx.principal.account_id) if role_arn else ctx.principal
    return Prepared(name, template, plan, scope, principal)


def _pseudo(kernel: Kernel, name: str) -> dict[str, Any]:
    found = kernel.store.get(STACK, name)
    return {
        "AWS::AccountId": kernel.account_id,
        "AWS::NotificationARNs": [],
        "AWS::Partition": "aws",
        "AWS::Region": kernel.region,
        "AWS::StackId": found["StackId"] if found else "",
        "AWS::StackName": name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def _ssm_value(kernel: Kernel, name: str) -> str:
    try:
        return str(kernel.calls("ssm", "GetParameter", {"Name": name})["Parameter"]["Value"])
    except AwsError as error:
        message = f"Unable to fetch parameters [{name}] from parameter store for this account."
        if name.startswith("/cdk-bootstrap/"):
            message += " Run `cdk bootstrap` first."
        raise TemplateError(message) from error


def create_stack(kernel: Kernel, prepared: Prepared) -> None:
    """Make every resource; ends in CREATE_COMPLETE, or in CREATE_FAILED with what was made left in place."""
    name = prepared.stack_name
    row = stack(kernel, name)
    add_event(
        kernel,
        row,
        name,
        STACK_TYPE,
        "CREATE_IN_PROGRESS",
        PhysicalResourceId=row["StackId"],
        ResourceStatusReason="User Initiated",
    )
    deployment = Deployment(kernel, prepared.principal, name)
    for resource in prepared.plan.order:
        failure = _create_resource(kernel, deployment, resource, prepared.scope)
        if failure:
            _finish(
                kernel, name, "CREATE_FAILED", f"The following resource(s) failed to create: [{resource.logical_id}]. "
            )
            return
    try:
        change(kernel, name, Outputs=_outputs(prepared))
    except TemplateError as error:
        _finish(kernel, name, "CREATE_FAILED", str(error))
        return
    _finish(kernel, name, "CREATE_COMPLETE", "")


def _create_resource(kernel: Kernel, deployment: Deployment, resource: templates.Resource, scope: Scope) -> str:
    """Make one resource; answers why it failed, or nothing."""
    _record(kernel, deployment.stack_name, resource, "CREATE_IN_PROGRESS")
    try:
        properties = intrinsics.resolve(resource.properties, scope)
        made = TYPES[resource.type].create(deployment, resource.logical_id, properties)
    except (AwsError, TemplateError) as error:
        reason = str(error)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"Properties validation failed for resource {resource.logical_id}: {error!r}"
    else:
        _learn(scope, resource.logical_id, made)
        _record(kernel, deployment.stack_name, resource, "CREATE_COMPLETE", made.physical_id)
        return ""
    _record(kernel, deployment.stack_name, resource, "CREATE_FAILED", reason=reason)
    return reason


def _learn(scope: Scope, logical_id: str, made: Created) -> None:
    scope.refs[logical_id] = made.physical_id
    scope.attributes.update({(logical_id, name): value for name, value in made.attributes.items() if value is not None})


def _record(
    kernel: Kernel, name: str, resource: templates.Resource, status: str, physical_id: str = "", reason: str = ""
) -> None:
    row = stack(kernel, name)
    facts = {"PhysicalResourceId": physical_id, **({"ResourceStatusReason": reason} if reason else {})}
    item = {
        "LogicalResourceId": resource.logical_id,
        "ResourceType": resource.type,
        "ResourceStatus": status,
        "LastUpdatedTimestamp": kernel.clock.now(),
        **facts,
    }
    change(kernel, name, Resources={**row["Resources"], resource.logical_id: item})
    add_event(kernel, row, resource.logical_id, resource.type, status, **facts)


def _outputs(prepared: Prepared) -> list[dict[str, Any]]:
    found = []
    for name, body in prepared.template.outputs.items():
        if "Condition" in body and not intrinsics.is_true({"Condition": body["Condition"]}, prepared.scope):
            continue
        output = {"OutputKey": name, "OutputValue": str(intrinsics.resolve(body["Value"], prepared.scope))}
        if "Description" in body:
            output["Description"] = body["Description"]
        if "Export" in body:
            output["ExportName"] = str(intrinsics.resolve(body["Export"]["Name"], prepared.scope))
        found.append(output)
    return found


def _finish(kernel: Kernel, name: str, status: str, reason: str) -> None:
    row = change(kernel, name, StackStatus=status, StackStatusReason=reason)
    facts = {"ResourceStatusReason": reason} if reason else {}
    add_event(kernel, row, name, STACK_TYPE, status, PhysicalResourceId=row["StackId"], **facts)
    kernel.journal.append(f"cloudformation.stack.{status.lower()}", name, reason=reason)
