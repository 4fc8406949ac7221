"""Targets of schedules: judged when the schedule is put, and turned into API calls when it fires."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, OperationNotFoundError, StructureShape

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.semantics.events import target_calls
from emulator.semantics.events.target_calls import Call, Message
from emulator.semantics.scheduler import universal_targets

_COMMON = frozenset({"Arn", "RoleArn", "Input", "DeadLetterConfig", "RetryPolicy"})
_OWN = {
    "lambda": None,
    "sns": None,
    "state-machine": None,
    "firehose": None,
    "sqs": "SqsParameters",
    "kinesis": "KinesisParameters",
    "sagemaker-pipeline": "SageMakerPipelineParameters",
    "event-bus": "EventBridgeParameters",
}
_REQUIRED = frozenset({"kinesis", "event-bus"})
_JSON_INPUT = frozenset({"lambda", "state-machine", "event-bus"})


def check(target: dict[str, Any]) -> None:
    """Refuse what AWS refuses, and by name what is not emulated.

    Raises:
        AwsError: ValidationException.
        EmulatorError: the target, or something it asks for, is not emulated.
    """
    if universal_targets.is_universal(target["Arn"]):
        _operation(target["Arn"])
        _refuse(target, _COMMON)
        _parameters(target.get("Input") or "{}")
        return
    kind = _kind(target["Arn"])
    own = _OWN[kind]
    _refuse(target, _COMMON | ({own} if own else set()))
    if kind in _REQUIRED and not target.get(str(own)):
        raise AwsError("ValidationException", f"Target is missing {own} for {target['Arn']}.")
    if kind == "sqs" and target["Arn"].endswith(".fifo") and not target.get("SqsParameters", {}).get("MessageGroupId"):
        raise AwsError("ValidationException", "MessageGroupId is required for FIFO queues.")
    if kind in _JSON_INPUT and target.get("Input"):
        _parsed(target["Input"])


def calls(target: dict[str, Any], message: Message) -> list[Call]:
    """The API calls that invoke a target."""
    if universal_targets.is_universal(target["Arn"]):
        model = _operation(target["Arn"])
        given = _parameters(message.text if target.get("Input") else "{}")
        return [Call(_service(target["Arn"]), model.name, _with_bytes(model, given))]
    if target_calls.kind(target["Arn"]) == "event-bus":
        return [_put_events(target, message)]
    return target_calls.calls(target, message)


def refused(call: Call, answer: dict[str, Any]) -> AwsError | None:
    """The error that hides in an answer of success: PutEvents names entries that it did not take."""
    if call.service == "events" and answer.get("FailedEntryCount"):
        entry = answer["Entries"][0]
        return AwsError(entry["ErrorCode"], entry["ErrorMessage"])
    return None


def _put_events(target: dict[str, Any], message: Message) -> Call:
    parameters = target["EventBridgeParameters"]
    entry = {
        "Source": parameters["Source"],
        "DetailType": parameters["DetailType"],
        "Detail": message.text if target.get("Input") else "{}",
        "EventBusName": target["Arn"],
    }
    return Call("events", "PutEvents", {"Entries": [entry]})


def _kind(arn: str) -> str:
    try:
        kind = target_calls.kind(arn)
    except target_calls.UnknownTarget as error:
        raise EmulatorError(f"scheduler: Target: {error}; nothing was done") from error
    if kind not in _OWN:
        raise EmulatorError(f"scheduler: Target: Arn '{arn}' ({kind}) is not delivered to yet; nothing was done")
    return kind


def _refuse(target: dict[str, Any], understood: frozenset[str] | set[str]) -> None:
    unknown = sorted(key for key, value in target.items() if value and key not in understood)
    if unknown:
        what = ", ".join(unknown)
        raise EmulatorError(f"scheduler: Target: {what} of '{target['Arn']}' is not emulated yet; nothing was done")


def _service(arn: str) -> str:
    found = universal_targets.operation(arn)
    assert found is not None
    return found[0]


def _operation(arn: str) -> OperationModel:
    found = universal_targets.operation(arn)
    model = _model(*found) if found else None
    if model is None:
        raise AwsError("ValidationException", f"Provided Arn is not in correct format. {arn}")
    return model


@lru_cache(maxsize=256)
def _model(service: str, operation: str) -> OperationModel | None:
    try:
        found: OperationModel = botocore.session.Session().get_service_model(service).operation_model(operation)
    except (UnknownServiceError, OperationNotFoundError):
        return None
    return found


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise AwsError("ValidationException", f"Target Input is not valid JSON: {error}") from error


def _parameters(text: str) -> dict[str, Any]:
    found = _parsed(text)
    if not isinstance(found, dict):
        raise AwsError("ValidationException", "Target Input of a universal target must be a JSON object.")
    return found


def _with_bytes(model: OperationModel, given: dict[str, Any]) -> dict[str, Any]:
    """Text for what the operation takes as bytes, such as Lambda's Payload."""
    shape = model.input_shape
    members = shape.members if isinstance(shape, StructureShape) else {}
    return {
        name: value.encode()
        if isinstance(value, str) and name in members and members[name].type_name == "blob"
        else value
        for name, value in given.items()
    }
