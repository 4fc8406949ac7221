"""Targets of rules: which kinds are delivered to, and their records."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.events import inputs, json_paths, target_calls
from emulator.services.events import connections, paging, records

TARGETS_MAX = 5
_COMMON = frozenset(
    {"Id", "Arn", "RoleArn", "Input", "InputPath", "InputTransformer", "DeadLetterConfig", "RetryPolicy"}
)
_OWN = {
    "sqs": {"SqsParameters"},
    "kinesis": {"KinesisParameters"},
    "sagemaker-pipeline": {"SageMakerPipelineParameters"},
    "api-destination": {"HttpParameters"},
}
_NEED_A_ROLE = frozenset({"state-machine", "kinesis", "firehose", "sagemaker-pipeline", "api-destination"})


def put_targets(params: Params, ctx: Context) -> Params:
    """Add or replace targets. What would not be delivered as AWS does is refused here, by name."""
    bus = records.bus_name(params)
    for target in params["Targets"]:
        _check(target, bus, ctx)
    with ctx.kernel.store.transaction():
        row = records.rule(ctx.kernel, params["Rule"], bus)
        kept = {target["Id"]: target for target in row["Targets"]}
        kept.update({target["Id"]: target for target in params["Targets"]})
        if len(kept) > TARGETS_MAX:
            raise AwsError("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
        records.put_rule_row(ctx.kernel, {**row, "Targets": list(kept.values())})
    return {"FailedEntryCount": 0, "FailedEntries": []}


def remove_targets(params: Params, ctx: Context) -> Params:
    with ctx.kernel.store.transaction():
        row = records.rule(ctx.kernel, params["Rule"], records.bus_name(params))
        kept = [target for target in row["Targets"] if target["Id"] not in params["Ids"]]
        records.put_rule_row(ctx.kernel, {**row, "Targets": kept})
    return {"FailedEntryCount": 0, "FailedEntries": []}


def list_targets_by_rule(params: Params, ctx: Context) -> Params:
    row = records.rule(ctx.kernel, params["Rule"], records.bus_name(params))
    return paging.answer(sorted(row["Targets"], key=lambda one: str(one["Id"])), params, "Targets", "Id")


def _check(target: dict[str, Any], bus: str, ctx: Context) -> None:
    subject = f"target '{target['Id']}'"
    try:
        kind = target_calls.kind(target["Arn"])
    except target_calls.UnknownTarget as error:
        raise EmulatorError(f"events: PutTargets: {subject}: {error}") from error
    unknown = sorted(key for key, value in target.items() if value and key not in _COMMON | _OWN.get(kind, set()))
    if unknown:
        raise EmulatorError(f"events: PutTargets: {subject}: {', '.join(unknown)} is not emulated yet")
    if kind in _NEED_A_ROLE and not target.get("RoleArn"):
        raise AwsError("ValidationException", f"RoleArn is required for target {target['Arn']}.")
    _check_account(target, ctx)
    _check_input(target)
    _check_kind(kind, target, bus, ctx)


def _check_account(target: dict[str, Any], ctx: Context) -> None:
    region, account = target["Arn"].split(":")[3:5]
    if (region, account) != (ctx.kernel.region, ctx.kernel.account_id):
        where = f"region '{region}' of account '{account}'"
        raise EmulatorError(f"events: PutTargets: target '{target['Id']}': {where} is not emulated; nothing was done")


def _check_input(target: dict[str, Any]) -> None:
    try:
        inputs.check(target)
        for path in _paths(target):
            json_paths.parse(path)
    except (inputs.InvalidInput, json_paths.InvalidPath) as error:
        raise AwsError("ValidationException", str(error)) from error


def _paths(target: dict[str, Any]) -> list[str]:
    given = [one["Value"] for one in target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])]
    return [*filter(json_paths.is_path, given), *target.get("KinesisParameters", {}).values()]


def _check_kind(kind: str, target: dict[str, Any], bus: str, ctx: Context) -> None:
    arn = target["Arn"]
    if kind == "sqs" and arn.endswith(".fifo") and not target.get("SqsParameters", {}).get("MessageGroupId"):
        message = f"Parameter(s) SqsParameters must be specified for target: {target['Id']}."
        raise AwsError("ValidationException", message)
    if kind == "api-destination":
        connections.destination_of_arn(ctx.kernel, arn)
    if kind == "event-bus" and arn == records.bus_arn(ctx.kernel, bus):
        raise AwsError("ValidationException", f"Event bus {bus} cannot be a target of its own rule.")


OPERATIONS: dict[str, Operation] = {
    "PutTargets": put_targets,
    "RemoveTargets": remove_targets,
    "ListTargetsByRule": list_targets_by_rule,
}
