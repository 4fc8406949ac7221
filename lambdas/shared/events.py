"""The events of the loop as values: what may arrive on a queue, and nothing of what to do about it.

AWS's own JSON casing ends here. `infra` writes its rules with the names below, so rule and reader cannot disagree.

Source: EventBridge event references of Amazon S3, Amazon SageMaker and Amazon CloudWatch; samples in `tests/events`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

S3_SOURCE: Final = "aws.s3"
SAGEMAKER_SOURCE: Final = "aws.sagemaker"
CLOUDWATCH_SOURCE: Final = "aws.cloudwatch"
OBJECT_CREATED: Final = "Object Created"
EXECUTION_CHANGED: Final = "SageMaker Model Building Pipeline Execution Status Change"
PACKAGE_CHANGED: Final = "SageMaker Model Package State Change"
ENDPOINT_CHANGED: Final = "SageMaker Endpoint State Change"
ALARM_CHANGED: Final = "CloudWatch Alarm State Change"
TERMINAL_STATUSES: Final = ("Succeeded", "Failed", "Stopped", "CompletedWithFailures")
START_REQUESTED: Final = "StartRequested"
RETRAINING_REQUESTED: Final = "RetrainingRequested"
TICK: Final = "Tick"
RECONSIDER: Final = "Reconsider"
RECONCILE: Final = "Reconcile"
CALLBACK: Final = "pipelineExecutionArn"
"""A callback step's message has no kind; this field tells it from the others."""


class InvalidEventError(ValueError):
    """A message that is not what its queue carries; no retry will mend it.

    Attributes:
        field: the field that is wrong, dotted.
    """

    def __init__(self, field: str, expected: str, found: object) -> None:
        self.field = field
        super().__init__(f"message field '{field}': expected {expected}, found {found!r}; see tests/events for samples")


@dataclass(frozen=True)
class ObjectCreated:
    """S3 has a new version of an object. The key is as it was given to S3: EventBridge does not URL-encode it."""

    event_id: str
    time: datetime
    bucket: str
    key: str
    version_id: str
    etag: str
    size_bytes: int


@dataclass(frozen=True)
class ExecutionChanged:
    """A pipeline execution went over to another status."""

    event_id: str
    time: datetime
    pipeline_arn: str
    execution_arn: str
    status: str

    @property
    def is_terminal(self) -> bool:
        """Whether the execution has ended."""
        return self.status in TERMINAL_STATUSES


@dataclass(frozen=True)
class PackageChanged:
    """Something about a model package changed: which package is all that may be relied on."""

    event_id: str
    time: datetime
    package_arn: str
    approval_status: str | None
    modified_at: datetime | None


@dataclass(frozen=True)
class StartRequested:
    """Our own message: the batching window has passed, start if files wait."""

    model: str
    time: datetime


@dataclass(frozen=True)
class RetrainingRequested:
    """Our own message: make another attempt on the batch that this package was trained on."""

    model: str
    reason: str
    package_arn: str
    time: datetime


@dataclass(frozen=True)
class EndpointChanged:
    """An endpoint went over to another status; which one is asked, not believed."""

    event_id: str
    time: datetime
    endpoint: str


@dataclass(frozen=True)
class CallbackSent:
    """A callback step waits for an answer to its token, or is to stop waiting.

    Attributes:
        time: when the message was sent; it carries none itself.
    """

    token: str
    execution_arn: str
    arguments: Mapping[str, str]
    is_stopping: bool
    time: datetime


@dataclass(frozen=True)
class Tick:
    """Our own message by EventBridge Scheduler: time has passed for the wait with this token."""

    model: str
    token: str
    time: datetime


@dataclass(frozen=True)
class AlarmChanged:
    """An alarm went over to another state; which one it is in now is asked, not believed."""

    event_id: str
    time: datetime
    alarm: str


@dataclass(frozen=True)
class Reconsider:
    """Our own message by the reconciler: an alarm stands and nothing answers it, or none stands and one is answered."""

    model: str
    time: datetime


@dataclass(frozen=True)
class Reconcile:
    """Our own message by EventBridge Scheduler: look for what lost events left behind."""

    model: str
    time: datetime


Event = (
    ObjectCreated
    | ExecutionChanged
    | PackageChanged
    | StartRequested
    | RetrainingRequested
    | EndpointChanged
    | CallbackSent
    | Tick
    | AlarmChanged
    | Reconsider
    | Reconcile
)


def parse_event(body: str, sent_ms: str = "") -> Event:
    """The event in a queue message.

    Args:
        sent_ms: the message's SentTimestamp; the time of an event that carries none.

    Raises:
        InvalidEventError: the body is no JSON object, of a kind that nobody knows, or a field is missing or wrong.
    """
    message = _parse_object(body)
    if CALLBACK in message:
        return _callback_sent(message, sent_ms)
    kind = message.get("detail-type", message.get("kind"))
    parse = _PARSERS.get(kind) if isinstance(kind, str) else None
    if parse is None:
        raise InvalidEventError("detail-type", f"one of {', '.join(_PARSERS)}", kind)
    return parse(message)


def render_start_requested(event: StartRequested) -> str:
    """The message body of a `StartRequested`."""
    return json.dumps({"kind": START_REQUESTED, "model": event.model, "time": render_time(event.time)})


def render_retraining_requested(event: RetrainingRequested) -> str:
    """The message body of a `RetrainingRequested`."""
    return json.dumps(
        {
            "kind": RETRAINING_REQUESTED,
            "model": event.model,
            "reason": event.reason,
            "package_arn": event.package_arn,
            "time": render_time(event.time),
        }
    )


def render_tick(model: str, token: str) -> str:
    """The input of a schedule: EventBridge Scheduler puts the time in."""
    return json.dumps({"kind": TICK, "model": model, "token": token, "time": "<aws.scheduler.scheduled-time>"})


def render_reconsider(event: Reconsider) -> str:
    """The message body of a `Reconsider`."""
    return json.dumps({"kind": RECONSIDER, "model": event.model, "time": render_time(event.time)})


def render_reconcile(model: str) -> str:
    """The input of the reconciler's schedule: EventBridge Scheduler puts the time in."""
    return json.dumps({"kind": RECONCILE, "model": model, "time": "<aws.scheduler.scheduled-time>"})


def render_time(time: datetime) -> str:
    """An instant as the ledger and our messages write it: UTC, to the microsecond, sorting as text sorts."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """An instant from ISO 8601 text with an offset.

    Raises:
        ValueError: the text is no instant, or leaves the offset open.
    """
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} says no time zone")
    return time.astimezone(UTC)


def _object_created(message: Mapping[str, Any]) -> ObjectCreated:
    return ObjectCreated(
        event_id=_text(message, "id"),
        time=_time(message, "time"),
        bucket=_text(message, "detail.bucket.name"),
        key=_text(message, "detail.object.key"),
        version_id=_optional_text(message, "detail.object.version-id") or "null",  # S3's own id where there are none
        etag=_text(message, "detail.object.etag"),
        size_bytes=_size(message, "detail.object.size"),
    )


def _execution_changed(message: Mapping[str, Any]) -> ExecutionChanged:
    return ExecutionChanged(
        event_id=_text(message, "id"),
        time=_time(message, "time"),
        pipeline_arn=_text(message, "detail.pipelineArn"),
        execution_arn=_text(message, "detail.pipelineExecutionArn"),
        status=_text(message, "detail.currentPipelineExecutionStatus"),
    )


def _package_changed(message: Mapping[str, Any]) -> PackageChanged:
    return PackageChanged(
        event_id=_text(message, "id"),
        time=_time(message, "time"),
        package_arn=_text(message, "detail.ModelPackageArn"),
        approval_status=_optional_text(message, "detail.ModelApprovalStatus"),
        modified_at=_optional_time(message, "detail.LastModifiedTime"),
    )


def _start_requested(message: Mapping[str, Any]) -> StartRequested:
    return StartRequested(_text(message, "model"), _time(message, "time"))


def _retraining_requested(message: Mapping[str, Any]) -> RetrainingRequested:
    return RetrainingRequested(
        model=_text(message, "model"),
        reason=_text(message, "reason"),
        package_arn=_text(message, "package_arn"),
        time=_time(message, "time"),
    )


def _endpoint_changed(message: Mapping[str, Any]) -> EndpointChanged:
    return EndpointChanged(
        event_id=_text(message, "id"), time=_time(message, "time"), endpoint=_text(message, "detail.EndpointName")
    )


def _tick(message: Mapping[str, Any]) -> Tick:
    return Tick(_text(message, "model"), _text(message, "token"), _time(message, "time"))


def _alarm_changed(message: Mapping[str, Any]) -> AlarmChanged:
    return AlarmChanged(
        event_id=_text(message, "id"), time=_time(message, "time"), alarm=_text(message, "detail.alarmName")
    )


def _reconsider(message: Mapping[str, Any]) -> Reconsider:
    return Reconsider(_text(message, "model"), _time(message, "time"))


def _reconcile(message: Mapping[str, Any]) -> Reconcile:
    return Reconcile(_text(message, "model"), _time(message, "time"))


def _callback_sent(message: Mapping[str, Any], sent_ms: str) -> CallbackSent:
    """Source: SageMaker developer guide, callback step: token, pipelineExecutionArn, arguments, status."""
    arguments = _find(message, "arguments")
    if not isinstance(arguments, dict):
        raise InvalidEventError("arguments", "an object", arguments)
    if not sent_ms.isdecimal():
        raise InvalidEventError("SentTimestamp", "milliseconds since 1970", sent_ms)
    return CallbackSent(
        token=_text(message, "token"),
        execution_arn=_text(message, CALLBACK),
        arguments={str(name): str(value) for name, value in arguments.items()},
        is_stopping=_text(message, "status") == "Stopping",
        time=datetime.fromtimestamp(int(sent_ms) / 1000, UTC),
    )


_PARSERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Event]]] = {
    OBJECT_CREATED: _object_created,
    EXECUTION_CHANGED: _execution_changed,
    PACKAGE_CHANGED: _package_changed,
    START_REQUESTED: _start_requested,
    RETRAINING_REQUESTED: _retraining_requested,
    ENDPOINT_CHANGED: _endpoint_changed,
    TICK: _tick,
    ALARM_CHANGED: _alarm_changed,
    RECONSIDER: _reconsider,
    RECONCILE: _reconcile,
}


def _parse_object(body: str) -> Mapping[str, Any]:
    try:
        message = json.loads(body)
    except ValueError as exc:
        raise InvalidEventError("body", "JSON", body[:200]) from exc
    if not isinstance(message, dict):
        raise InvalidEventError("body", "a JSON object", message)
    return message


def _find(message: Mapping[str, Any], path: str) -> object:
    value: object = message
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(message: Mapping[str, Any], path: str) -> str:
    value = _find(message, path)
    if not isinstance(value, str) or not value:
        raise InvalidEventError(path, "text", value)
    return value


def _optional_text(message: Mapping[str, Any], path: str) -> str | None:
    return None if _find(message, path) is None else _text(message, path)


def _size(message: Mapping[str, Any], path: str) -> int:
    value = _find(message, path)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise InvalidEventError(path, "a size in bytes", value)
    return value


def _time(message: Mapping[str, Any], path: str) -> datetime:
    value = _text(message, path)
    try:
        return parse_time(value)
    except ValueError as exc:
        raise InvalidEventError(path, "an ISO 8601 time with an offset", value) from exc


def _optional_time(message: Mapping[str, Any], path: str) -> datetime | None:
    """None as well where AWS writes another form: the docs' samples disagree about LastModifiedTime."""
    value = _find(message, path)
    if not isinstance(value, str):
        return None
    try:
        return parse_time(value)
    except ValueError:
        return None
