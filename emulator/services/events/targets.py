"""Targets of rules: which kinds are delivered to, and their records."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.services.events.records import RULE, require_default_bus, rule

DELIVERED = frozenset({"lambda", "sns", "sqs"})
_UNDERSTOOD = frozenset({"Id", "Arn", "RoleArn", "Input", "SqsParameters", "DeadLetterConfig", "RetryPolicy"})


def put_targets(params: Params, ctx: Context) -> Params:
    """Add or replace targets. What would not be delivered as AWS does is refused here, by name."""
    require_default_bus(params)
    for target in params["Targets"]:
        _refuse_unknown(target)
    with ctx.kernel.store.transaction():
        row = rule(ctx.kernel, params["Rule"])
        kept = {target["Id"]: target for target in row["Targets"]}
        kept.update({target["Id"]: target for target in params["Targets"]})
        ctx.kernel.store.put(RULE, row["Name"], {**row, "Targets": list(kept.values())})
    return {"FailedEntryCount": 0, "FailedEntries": []}


def remove_targets(params: Params, ctx: Context) -> Params:
    require_default_bus(params)
    with ctx.kernel.store.transaction():
        row = rule(ctx.kernel, params["Rule"])
        kept = [target for target in row["Targets"] if target["Id"] not in params["Ids"]]
        ctx.kernel.store.put(RULE, row["Name"], {**row, "Targets": kept})
    return {"FailedEntryCount": 0, "FailedEntries": []}


def list_targets_by_rule(params: Params, ctx: Context) -> Params:
    require_default_bus(params)
    return {"Targets": rule(ctx.kernel, params["Rule"])["Targets"]}


def _refuse_unknown(target: dict[str, Any]) -> None:
    service = target["Arn"].split(":")[2] if target["Arn"].count(":") >= 5 else target["Arn"]
    if service not in DELIVERED:
        raise EmulatorError(
            f"events: PutTargets: target '{target['Id']}': Arn of service '{service}' is not delivered to yet"
        )
    unknown = sorted(key for key, value in target.items() if value and key not in _UNDERSTOOD)
    if unknown:
        raise EmulatorError(f"events: PutTargets: target '{target['Id']}': {', '.join(unknown)} is not emulated yet")


OPERATIONS: dict[str, Operation] = {
    "PutTargets": put_targets,
    "RemoveTargets": remove_targets,
    "ListTargetsByRule": list_targets_by_rule,
}
