"""Stacks as they are read: describe, events, resources, template."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.cloudformation import templates
from emulator.services.cloudformation.change_sets import change_set
from emulator.services.cloudformation.records import EVENT, STACK, stack
from emulator.services.cloudformation.sources import template_body

_HIDDEN = frozenset({"Resources", "TemplateBody"})
PAGE = 100


def describe_stacks(params: Params, ctx: Context) -> Params:
    rows = [stack(ctx.kernel, params["StackName"])] if params.get("StackName") else ctx.kernel.store.rows(STACK)
    return {"Stacks": [{key: value for key, value in row.items() if key not in _HIDDEN} for row in rows]}


def list_stacks(params: Params, ctx: Context) -> Params:
    wanted = params.get("StackStatusFilter")
    rows = [row for row in ctx.kernel.store.rows(STACK) if not wanted or row["StackStatus"] in wanted]
    names = ("StackId", "StackName", "CreationTime", "StackStatus", "StackStatusReason")
    return {"StackSummaries": [{key: row[key] for key in names if key in row} for row in rows]}


def describe_stack_events(params: Params, ctx: Context) -> Params:
    """Newest first, in pages."""
    row = stack(ctx.kernel, params["StackName"])
    events = ctx.kernel.store.rows(EVENT, f"{row['StackName']}/")[::-1]
    token = params.get("NextToken") or "0"
    if not token.isdecimal():
        raise AwsError("ValidationError", f"NextToken '{token}' is none that DescribeStackEvents gave")
    start = int(token)
    page: dict[str, Any] = {"StackEvents": events[start : start + PAGE]}
    if start + PAGE < len(events):
        page["NextToken"] = str(start + PAGE)
    return page


def describe_stack_resources(params: Params, ctx: Context) -> Params:
    if not params.get("StackName"):
        raise EmulatorError(
            "cloudformation: DescribeStackResources: PhysicalResourceId without StackName is not emulated yet"
        )
    row = stack(ctx.kernel, params["StackName"])
    found = [
        item
        for item in row["Resources"].values()
        if params.get("LogicalResourceId") in (None, item["LogicalResourceId"])
    ]
    common = {"StackId": row["StackId"], "StackName": row["StackName"]}
    return {"StackResources": [{**common, **item, "Timestamp": item["LastUpdatedTimestamp"]} for item in found]}


def list_stack_resources(params: Params, ctx: Context) -> Params:
    return {"StackResourceSummaries": list(stack(ctx.kernel, params["StackName"])["Resources"].values())}


def get_template(params: Params, ctx: Context) -> Params:
    """The template of the stack, or of one of its change sets, as it was given."""
    row = change_set(params, ctx) if params.get("ChangeSetName") else stack(ctx.kernel, params["StackName"])
    return {"TemplateBody": row.get("TemplateBody", ""), "StagesAvailable": ["Original", "Processed"]}


def get_template_summary(params: Params, ctx: Context) -> Params:
    """Parameters and resource types of a template or of a stack's."""
    body = (
        stack(ctx.kernel, params["StackName"])["TemplateBody"]
        if params.get("StackName")
        else template_body(params, ctx)
    )
    parsed = templates.parse(body)
    declared = [
        {
            "ParameterKey": name,
            "ParameterType": item["Type"],
            **({"DefaultValue": str(item["Default"])} if "Default" in item else {}),
        }
        for name, item in parsed.parameters.items()
    ]
    return {
        "Parameters": declared,
        "Description": parsed.description,
        "ResourceTypes": sorted({item.type for item in parsed.resources.values()}),
    }


def list_exports(params: Params, ctx: Context) -> Params:
    """What stacks export. Importing (Fn::ImportValue) is not emulated yet."""
    found = [
        {"ExportingStackId": row["StackId"], "Name": output["ExportName"], "Value": output["OutputValue"]}
        for row in ctx.kernel.store.rows(STACK)
        for output in row["Outputs"]
        if "ExportName" in output
    ]
    return {"Exports": found}


OPERATIONS: dict[str, Operation] = {
    "DescribeStacks": describe_stacks,
    "ListStacks": list_stacks,
    "DescribeStackEvents": describe_stack_events,
    "DescribeStackResources": describe_stack_resources,
    "ListStackResources": list_stack_resources,
    "GetTemplate": get_template,
    "ListExports": list_exports,
    "GetTemplateSummary": get_template_summary,
}
