"""Rules: PutRule and its siblings, TestEventPattern, and the default bus as a record."""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.events import patterns
from emulator.services.events.records import DEFAULT_BUS, RULE, require_default_bus, rule


def put_rule(params: Params, ctx: Context) -> Params:
    """Create or replace a rule; its targets stay."""
    require_default_bus(params)
    if params.get("ScheduleExpression"):
        raise EmulatorError("events: PutRule: ScheduleExpression is not emulated yet; nothing was done")
    if not params.get("EventPattern"):
        raise AwsError("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
    _compiled(params["EventPattern"])
    name = params["Name"]
    arn = ctx.kernel.arn("events", f"rule/{name}")
    with ctx.kernel.store.transaction():
        before = ctx.kernel.store.get(RULE, name) or {"Targets": []}
        row = {
            "Name": name,
            "Arn": arn,
            "EventPattern": params["EventPattern"],
            "State": params.get("State", "ENABLED"),
            "EventBusName": DEFAULT_BUS,
            "Targets": before["Targets"],
        }
        row.update({key: params[key] for key in ("Description", "RoleArn", "Tags") if params.get(key)})
        ctx.kernel.store.put(RULE, name, row)
    return {"RuleArn": arn}


def describe_rule(params: Params, ctx: Context) -> Params:
    require_default_bus(params)
    return _shown(rule(ctx.kernel, params["Name"]))


def list_rules(params: Params, ctx: Context) -> Params:
    require_default_bus(params)
    return {"Rules": [_shown(row) for row in ctx.kernel.store.rows(RULE, params.get("NamePrefix", ""))]}


def delete_rule(params: Params, ctx: Context) -> Params:
    """Refused while the rule has targets; deleting what is not there succeeds, as on AWS."""
    require_default_bus(params)
    row = ctx.kernel.store.get(RULE, params["Name"])
    if row and row["Targets"]:
        raise AwsError("ValidationException", "Rule can't be deleted since it has targets.")
    ctx.kernel.store.delete(RULE, params["Name"])
    return {}


def _set_state(state: str) -> Operation:
    def operation(params: Params, ctx: Context) -> Params:
        require_default_bus(params)
        with ctx.kernel.store.transaction():
            ctx.kernel.store.put(RULE, params["Name"], {**rule(ctx.kernel, params["Name"]), "State": state})
        return {}

    return operation


def test_event_pattern(params: Params, ctx: Context) -> Params:
    """Whether a pattern matches an event, without a rule."""
    pattern = _compiled(params["EventPattern"])
    try:
        event = json.loads(params["Event"])
    except ValueError as error:
        raise AwsError("ValidationException", f"Parameter Event is not valid. Reason: not JSON: {error}") from error
    if not isinstance(event, dict):
        raise AwsError("ValidationException", "Parameter Event is not valid. Reason: Event is not an object")
    return {"Result": pattern.matches(event)}


def describe_event_bus(params: Params, ctx: Context) -> Params:
    require_default_bus({"EventBusName": params.get("Name", DEFAULT_BUS)})
    return {"Name": DEFAULT_BUS, "Arn": ctx.kernel.arn("events", f"event-bus/{DEFAULT_BUS}")}


def list_event_buses(params: Params, ctx: Context) -> Params:
    return {"EventBuses": [describe_event_bus({}, ctx)]}


def _compiled(text: str) -> patterns.Pattern:
    try:
        return patterns.compile(text)
    except patterns.InvalidPattern as error:
        raise AwsError("InvalidEventPatternException", str(error)) from error


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("Tags", "Targets")}


def list_tags_for_resource(params: Params, ctx: Context) -> Params:
    return {"Tags": rule(ctx.kernel, params["ResourceARN"].rsplit("/", 1)[1]).get("Tags", [])}


OPERATIONS: dict[str, Operation] = {
    "PutRule": put_rule,
    "DescribeRule": describe_rule,
    "ListRules": list_rules,
    "DeleteRule": delete_rule,
    "EnableRule": _set_state("ENABLED"),
    "DisableRule": _set_state("DISABLED"),
    "TestEventPattern": test_event_pattern,
    "DescribeEventBus": describe_event_bus,
    "ListEventBuses": list_event_buses,
    "ListTagsForResource": list_tags_for_resource,
}
