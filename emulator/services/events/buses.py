"""Event buses and their resource policies. Policies are recorded; IAM is not enforced yet."""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.services.events import paging, records
from emulator.services.events.records import BUS, DEFAULT_BUS

AWS_NAME = "CreateEventBus, DescribeEventBus, ListEventBuses, UpdateEventBus, DeleteEventBus, PutPermission, …"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateEventBus.html (read 2026-11-23)"
DIFFERS = "KmsKeyIdentifier, DeadLetterConfig and LogConfig of a bus are refused; partner buses are refused"

BUSES_MAX = 100
_NOT_EMULATED = ("DeadLetterConfig", "EventSourceName", "KmsKeyIdentifier", "LogConfig")


def create_event_bus(params: Params, ctx: Context) -> Params:
    _refuse(params, "CreateEventBus")
    name, kernel = params["Name"], ctx.kernel
    if "/" in name:
        raise AwsError("ValidationException", f"Event bus name must not contain '/': {name}")
    with kernel.store.transaction():
        if records.find_bus(kernel, name):
            raise AwsError("ResourceAlreadyExistsException", f"Event bus {name} already exists.")
        if len(kernel.store.rows(BUS)) >= BUSES_MAX:
            raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        now = kernel.clock.now()
        row = {"Name": name, "Arn": records.bus_arn(kernel, name), "CreationTime": now, "LastModifiedTime": now}
        row |= {key: params[key] for key in ("Description", "Tags") if params.get(key)}
        kernel.store.put(BUS, name, row)
    return {"EventBusArn": row["Arn"], **({"Description": row["Description"]} if "Description" in row else {})}


def update_event_bus(params: Params, ctx: Context) -> Params:
    _refuse(params, "UpdateEventBus")
    row = _changed(ctx.kernel, records.bus_name(params, "Name"), {"Description": params.get("Description", "")})
    return {key: row[key] for key in ("Arn", "Name", "Description")}


def describe_event_bus(params: Params, ctx: Context) -> Params:
    return _shown(records.bus(ctx.kernel, records.bus_name(params, "Name")))


def list_event_buses(params: Params, ctx: Context) -> Params:
    rows = {row["Name"]: row for row in ctx.kernel.store.rows(BUS)}
    rows.setdefault(DEFAULT_BUS, records.bus(ctx.kernel, DEFAULT_BUS))
    found = [_shown(rows[name]) for name in sorted(rows) if name.startswith(params.get("NamePrefix") or "")]
    return paging.answer(found, params, "EventBuses", "Name")


def delete_event_bus(params: Params, ctx: Context) -> Params:
    """With its rules gone; deleting what is not there succeeds, as on AWS."""
    name = records.bus_name(params, "Name")
    if name == DEFAULT_BUS:
        raise AwsError("ValidationException", "Cannot delete event bus default.")
    if records.rules(ctx.kernel, name):
        raise AwsError("ValidationException", f"Cannot delete event bus {name}: it has rules.")
    ctx.kernel.store.delete(BUS, name)
    return {}


def put_permission(params: Params, ctx: Context) -> Params:
    """Record a whole policy, or one statement that lets an account put events."""
    name = records.bus_name(params)
    if params.get("Policy"):
        _changed(ctx.kernel, name, {"Policy": _parsed(params["Policy"])})
        return {}
    for field in ("Action", "Principal", "StatementId"):
        if not params.get(field):
            raise AwsError("ValidationException", f"Parameter {field} must be specified.")
    with ctx.kernel.store.transaction():
        row = records.bus(ctx.kernel, name)
        kept = [one for one in _statements(row) if one.get("Sid") != params["StatementId"]]
        policy = {"Version": "2012-10-17", "Statement": [*kept, _statement(params, row["Arn"])]}
        _changed(ctx.kernel, name, {"Policy": policy})
    return {}


def remove_permission(params: Params, ctx: Context) -> Params:
    name = records.bus_name(params)
    with ctx.kernel.store.transaction():
        before = _statements(records.bus(ctx.kernel, name))
        kept = (
            []
            if params.get("RemoveAllPermissions")
            else [one for one in before if one.get("Sid") != params.get("StatementId")]
        )
        if len(kept) == len(before):
            message = f"Statement with the provided id {params.get('StatementId')} does not exist."
            raise AwsError("ResourceNotFoundException", message)
        _changed(ctx.kernel, name, {"Policy": {"Version": "2012-10-17", "Statement": kept} if kept else None})
    return {}


def _refuse(params: Params, operation: str) -> None:
    unknown = sorted(name for name in _NOT_EMULATED if params.get(name))
    if unknown:
        raise EmulatorError(f"events: {operation}: {', '.join(unknown)} is not emulated yet; nothing was done")


def _changed(kernel: Kernel, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    with kernel.store.transaction():
        row = {**records.bus(kernel, name), **changes, "LastModifiedTime": kernel.clock.now()}
        kernel.store.put(BUS, name, {key: value for key, value in row.items() if value is not None})
    return row


def _parsed(text: str) -> dict[str, Any]:
    try:
        policy = json.loads(text)
    except ValueError as error:
        raise AwsError("ValidationException", f"This policy contains invalid Json: {error}") from error
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise AwsError("ValidationException", "This policy contains invalid Json: no Statement")
    return policy


def _statements(row: dict[str, Any]) -> list[dict[str, Any]]:
    found = row.get("Policy", {}).get("Statement", [])
    return found if isinstance(found, list) else [found]


def _statement(params: Params, arn: str) -> dict[str, Any]:
    account = params["Principal"]
    statement = {
        "Sid": params["StatementId"],
        "Effect": "Allow",
        "Principal": "*" if account == "*" else {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": params["Action"],
        "Resource": arn,
    }
    condition = params.get("Condition")
    if condition:
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    return statement


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in row.items() if key not in ("Policy", "Tags")}
    return {**shown, "Policy": json.dumps(row["Policy"])} if "Policy" in row else shown


OPERATIONS: dict[str, Operation] = {
    "CreateEventBus": create_event_bus,
    "DescribeEventBus": describe_event_bus,
    "ListEventBuses": list_event_buses,
    "UpdateEventBus": update_event_bus,
    "DeleteEventBus": delete_event_bus,
    "PutPermission": put_permission,
    "RemovePermission": remove_permission,
}
