"""Which API calls a delivery is, by the kind of its target: for EventBridge rules and for EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.semantics.events import json_paths

AWS_NAME = "Event bus targets available in the EventBridge console"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html (read 2026-11-23)"
DIFFERS = "log stream names and the names of state machine executions are AWS's own secret; ours hold the delivery's id"


@dataclass(frozen=True)
class Call:
    """One AWS API call."""

    service: str
    operation: str
    params: dict[str, Any]


@dataclass(frozen=True)
class Message:
    """What is delivered: the target's text, the event behind it, an id of this delivery, and now in milliseconds.

    `has_paths`: parameters of the target may be JSON paths into the event; Scheduler's are not.
    """

    text: str
    event: Mapping[str, Any]
    delivery_id: str
    at_ms: int
    has_paths: bool = True


class UnknownTarget(ValueError):  # noqa: N818
    """No target of this ARN is delivered to; the message names the ARN's service."""


Target = Mapping[str, Any]
Plan = Callable[[Target, Message], list[Call]]


def kind(arn: str) -> str:
    """Which sort of target an ARN is; a key of CALLS, or `event-bus` or `api-destination`.

    Raises:
        UnknownTarget: it is none that is delivered to.
    """
    parts = arn.split(":", 5)
    service, resource = (parts[2], parts[5]) if len(parts) == 6 else ("", "")
    for name, (its_service, prefix) in _KINDS.items():
        if service == its_service and resource.startswith(prefix):
            return name
    raise UnknownTarget(f"Arn of service '{service or arn}' is not delivered to yet")


def calls(target: Target, message: Message) -> list[Call]:
    """The calls that deliver a message, in order."""
    return CALLS[kind(target["Arn"])](target, message)


def queue_url(arn: str) -> str:
    """The address of a queue, which is made of its ARN."""
    _, _, _, region, account, name = arn.split(":", 5)
    return f"https://sqs.{region}.amazonaws.com/{account}/{name}"


def _lambda(target: Target, message: Message) -> list[Call]:
    payload = message.text.encode()
    return [Call("lambda", "Invoke", {"FunctionName": target["Arn"], "InvocationType": "Event", "Payload": payload})]


def _sqs(target: Target, message: Message) -> list[Call]:
    """A FIFO queue gets its group; the repeated message is recognised by content, which the queue must have on."""
    request = {"QueueUrl": queue_url(target["Arn"]), "MessageBody": message.text}
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    return [Call("sqs", "SendMessage", {**request, "MessageGroupId": group} if group else request)]


def _sns(target: Target, message: Message) -> list[Call]:
    return [Call("sns", "Publish", {"TopicArn": target["Arn"], "Message": message.text})]


def _state_machine(target: Target, message: Message) -> list[Call]:
    request = {"stateMachineArn": target["Arn"], "input": message.text, "name": message.delivery_id}
    return [Call("stepfunctions", "StartExecution", request)]


def _pipeline(target: Target, message: Message) -> list[Call]:
    given = target.get("SageMakerPipelineParameters", {}).get("PipelineParameterList", [])
    request = {
        "PipelineName": target["Arn"].rsplit("/", 1)[1],
        "ClientRequestToken": message.delivery_id,
        "PipelineParameters": [{"Name": one["Name"], "Value": _value(one["Value"], message)} for one in given],
    }
    return [Call("sagemaker", "StartPipelineExecution", request)]


def _stream(target: Target, message: Message) -> list[Call]:
    parameters = target.get("KinesisParameters", {})
    path = parameters.get("PartitionKeyPath")
    key = _value(path, message) if path else parameters.get("PartitionKey") or message.event["id"]
    request = {"StreamName": target["Arn"].rsplit("/", 1)[1], "Data": message.text.encode(), "PartitionKey": key}
    return [Call("kinesis", "PutRecord", request)]


def _delivery_stream(target: Target, message: Message) -> list[Call]:
    name = target["Arn"].rsplit("/", 1)[1]
    return [Call("firehose", "PutRecord", {"DeliveryStreamName": name, "Record": {"Data": message.text.encode()}})]


def _log_group(target: Target, message: Message) -> list[Call]:
    where = {
        "logGroupName": target["Arn"].split(":log-group:", 1)[1].removesuffix(":*"),
        "logStreamName": message.delivery_id,
    }
    lines = [{"timestamp": message.at_ms, "message": message.text}]
    return [Call("logs", "CreateLogStream", where), Call("logs", "PutLogEvents", {**where, "logEvents": lines})]


def _value(value: str, message: Message) -> str:
    """A parameter's value: itself, or what the event has at its JSON path, as text."""
    if not message.has_paths or not json_paths.is_path(value):
        return value
    found = json_paths.find(message.event, value)
    return found if isinstance(found, str) else "" if found is json_paths.MISSING else _text(found)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


CALLS: dict[str, Plan] = {
    "lambda": _lambda,
    "sqs": _sqs,
    "sns": _sns,
    "state-machine": _state_machine,
    "sagemaker-pipeline": _pipeline,
    "kinesis": _stream,
    "firehose": _delivery_stream,
    "log-group": _log_group,
}
_KINDS = {
    "lambda": ("lambda", "function:"),
    "sqs": ("sqs", ""),
    "sns": ("sns", ""),
    "state-machine": ("states", "stateMachine:"),
    "sagemaker-pipeline": ("sagemaker", "pipeline/"),
    "kinesis": ("kinesis", "stream/"),
    "firehose": ("firehose", "deliverystream/"),
    "log-group": ("logs", "log-group:"),
    "event-bus": ("events", "event-bus/"),
    "api-destination": ("events", "api-destination/"),
}
