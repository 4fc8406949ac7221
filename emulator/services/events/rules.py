"""Rules: PutRule and its siblings, and TestEventPattern."""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.events import patterns, schedules
from emulator.services.events import paging, records, scheduled
from emulator.services.events.records import DEFAULT_BUS, RULE

RULES_MAX = 300
_STATES = ("ENABLED", "DISABLED")


def put_rule(params: Params, ctx: Context) -> Params:
    """Create or replace a rule; its targets stay."""
    kernel, bus, name = ctx.kernel, records.bus_name(params), params["Name"]
    _check(params, bus)
    with kernel.store.transaction():
        records.bus(kernel, bus)
        before = kernel.store.get(RULE, records.rule_key(bus, name))
        if before is None and len(records.rules(kernel, bus)) >= RULES_MAX:
            raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        row = {
            "Name": name,
            "Arn": records.rule_arn(kernel, bus, name),
            "State": params.get("State", "ENABLED"),
            "EventBusName": bus,
            "Targets": before["Targets"] if before else [],
            "PutAt": kernel.clock.now(),
        }
        fields = ("Description", "RoleArn", "Tags", "EventPattern", "ScheduleExpression")
        row.update({key: params[key] for key in fields if params.get(key)})
        records.put_rule_row(kernel, row)
    scheduled.follow(kernel, row)
    return {"RuleArn": row["Arn"]}


def _check(params: Params, bus: str) -> None:
    if not params.get("EventPattern") and not params.get("ScheduleExpression"):
        raise AwsError("ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.")
    if params.get("State", "ENABLED") not in _STATES:
        raise EmulatorError(f"events: PutRule: State {params['State']} is not emulated yet; nothing was done")
    if params.get("EventPattern"):
        compiled(params["EventPattern"])
    if params.get("ScheduleExpression"):
        _check_schedule(params["ScheduleExpression"], bus)


def _check_schedule(expression: str, bus: str) -> None:
    if bus != DEFAULT_BUS:
        raise AwsError("ValidationException", "ScheduleExpression is supported only on the default event bus.")
    try:
        found = schedules.parse(expression)
    except schedules.InvalidSchedule as error:
        message = f"Parameter ScheduleExpression is not valid. Reason: {error}"
        raise AwsError("ValidationException", message) from error
    if isinstance(found, schedules.At):
        raise AwsError("ValidationException", "Parameter ScheduleExpression is not valid.")


def describe_rule(params: Params, ctx: Context) -> Params:
    row = records.rule(ctx.kernel, params["Name"], records.bus_name(params))
    return {**_shown(row), "CreatedBy": ctx.kernel.account_id}


def list_rules(params: Params, ctx: Context) -> Params:
    bus = records.bus_name(params)
    records.bus(ctx.kernel, bus)
    found = [_shown(row) for row in records.rules(ctx.kernel, bus, params.get("NamePrefix", ""))]
    return paging.answer(found, params, "Rules", "Name")


def list_rule_names_by_target(params: Params, ctx: Context) -> Params:
    bus = records.bus_name(params)
    records.bus(ctx.kernel, bus)
    found = [
        row
        for row in records.rules(ctx.kernel, bus)
        if any(target["Arn"] == params["TargetArn"] for target in row["Targets"])
    ]
    page = paging.answer(found, params, "RuleNames", "Name")
    return {**page, "RuleNames": [row["Name"] for row in page["RuleNames"]]}


def delete_rule(params: Params, ctx: Context) -> Params:
    """Refused while the rule has targets; deleting what is not there succeeds, as on AWS."""
    bus = records.bus_name(params)
    with ctx.kernel.store.transaction():
        row = ctx.kernel.store.get(RULE, records.rule_key(bus, params["Name"]))
        if row and row["Targets"]:
            raise AwsError("ValidationException", "Rule can't be deleted since it has targets.")
        ctx.kernel.store.delete(RULE, records.rule_key(bus, params["Name"]))
    if row:
        scheduled.forget(ctx.kernel, row)
    return {}


def _set_state(state: str) -> Operation:
    def operation(params: Params, ctx: Context) -> Params:
        with ctx.kernel.store.transaction():
            row = {**records.rule(ctx.kernel, params["Name"], records.bus_name(params)), "State": state}
            records.put_rule_row(ctx.kernel, row)
        scheduled.follow(ctx.kernel, row)
        return {}

    return operation


def test_event_pattern(params: Params, ctx: Context) -> Params:
    """Whether a pattern matches an event, without a rule."""
    pattern = compiled(params["EventPattern"])
    try:
        event = json.loads(params["Event"])
    except ValueError as error:
        raise AwsError("ValidationException", f"Parameter Event is not valid. Reason: not JSON: {error}") from error
    if not isinstance(event, dict):
        raise AwsError("ValidationException", "Parameter Event is not valid. Reason: Event is not an object")
    return {"Result": pattern.matches(event)}


def compiled(text: str) -> patterns.Pattern:
    """A pattern from its text.

    Raises:
        AwsError: InvalidEventPatternException.
    """
    try:
        return patterns.compile(text)
    except patterns.InvalidPattern as error:
        raise AwsError("InvalidEventPatternException", str(error)) from error


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("PutAt", "Tags", "Targets")}


OPERATIONS: dict[str, Operation] = {
    "PutRule": put_rule,
    "DescribeRule": describe_rule,
    "ListRules": list_rules,
    "ListRuleNamesByTarget": list_rule_names_by_target,
    "DeleteRule": delete_rule,
    "EnableRule": _set_state("ENABLED"),
    "DisableRule": _set_state("DISABLED"),
    "TestEventPattern": test_event_pattern,
}
