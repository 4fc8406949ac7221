"""Event source mappings: SQS queues that feed functions, in batches and with partial failures."""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Kernel, Operation, Params
from emulator.semantics.lambda_ import sqs_batches
from emulator.services.lambda_.engine import Engine
from emulator.services.lambda_.records import FUNCTION, MAPPING, function

_UNDERSTOOD = frozenset(
    {
        "BatchSize",
        "Enabled",
        "EventSourceArn",
        "FunctionName",
        "FunctionResponseTypes",
        "MaximumBatchingWindowInSeconds",
        "Tags",
    }
)
CONCURRENT_BATCHES = 5
"""A standard queue starts with five concurrent batches. SOURCE: lambda/latest/dg/services-sqs-scaling.html."""
POLL_S = 0.2
_WAKE = threading.Condition()


def wake() -> None:
    """Some queue got a message: poll now."""
    with _WAKE:
        _WAKE.notify_all()


def create_event_source_mapping(params: Params, ctx: Context) -> Params:
    """Start feeding a function from a queue."""
    _check(params)
    row = function(ctx.kernel, params["FunctionName"])
    _check_timeouts(params["EventSourceArn"], row, ctx.kernel)
    uuid = ctx.kernel.ids.uuid()
    mapping = {
        "UUID": uuid,
        "EventSourceArn": params["EventSourceArn"],
        "FunctionArn": row["FunctionArn"],
        "BatchSize": params.get("BatchSize") or 10,
        "MaximumBatchingWindowInSeconds": params.get("MaximumBatchingWindowInSeconds") or 0,
        "FunctionResponseTypes": params.get("FunctionResponseTypes", []),
        "State": "Enabled" if params.get("Enabled", True) else "Disabled",
        "EventSourceMappingArn": ctx.kernel.arn("lambda", f"event-source-mapping:{uuid}"),
        "StateTransitionReason": "USER_INITIATED",
        "LastModified": ctx.kernel.clock.now(),
        "Tags": params.get("Tags", {}),
    }
    ctx.kernel.store.put(MAPPING, uuid, mapping)
    ctx.kernel.dispatcher.serve(f"esm {row['FunctionName']}", Poller(ctx.kernel, uuid).run)
    return _shown(mapping)


def _check(params: Params) -> None:
    unknown = sorted(name for name, value in params.items() if value and name not in _UNDERSTOOD)
    if unknown:
        raise EmulatorError(
            f"lambda: CreateEventSourceMapping: {', '.join(unknown)} is not emulated yet; nothing was done"
        )
    arn = params.get("EventSourceArn", "")
    if arn.split(":")[2:3] != ["sqs"]:
        raise EmulatorError(f"lambda: CreateEventSourceMapping: EventSourceArn '{arn}': only SQS is emulated yet")
    if (params.get("BatchSize") or 10) > 10 and not params.get("MaximumBatchingWindowInSeconds"):
        message = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        raise AwsError("InvalidParameterValueException", message)


def _check_timeouts(queue_arn: str, row: dict[str, Any], kernel: Kernel) -> None:
    """AWS refuses a queue whose messages would come back while the function still works on them."""
    url = _queue_url(kernel, queue_arn)
    wanted = {"QueueUrl": url, "AttributeNames": ["VisibilityTimeout"]}
    visible_s = int(kernel.calls("sqs", "GetQueueAttributes", wanted)["Attributes"]["VisibilityTimeout"])
    if visible_s < row["Timeout"]:
        message = (
            f"Queue visibility timeout: {visible_s} seconds is less than Function timeout: {row['Timeout']} seconds"
        )
        raise AwsError("InvalidParameterValueException", message)


def get_event_source_mapping(params: Params, ctx: Context) -> Params:
    return _shown(_mapping(ctx.kernel, params["UUID"]))


def list_event_source_mappings(params: Params, ctx: Context) -> Params:
    rows = ctx.kernel.store.rows(MAPPING)
    if params.get("EventSourceArn"):
        rows = [row for row in rows if row["EventSourceArn"] == params["EventSourceArn"]]
    if params.get("FunctionName"):
        arn = function(ctx.kernel, params["FunctionName"])["FunctionArn"]
        rows = [row for row in rows if row["FunctionArn"] == arn]
    return {"EventSourceMappings": [_shown(row) for row in rows]}


def update_event_source_mapping(params: Params, ctx: Context) -> Params:
    """Change a mapping; `Enabled` false stops the polling after the batch in hand."""
    with ctx.kernel.store.transaction():
        row = _mapping(ctx.kernel, params["UUID"])
        if "Enabled" in params:
            row["State"] = "Enabled" if params["Enabled"] else "Disabled"
        row.update({key: params[key] for key in ("BatchSize", "MaximumBatchingWindowInSeconds") if key in params})
        ctx.kernel.store.put(MAPPING, row["UUID"], row)
    return _shown(row)


def delete_event_source_mapping(params: Params, ctx: Context) -> Params:
    row = _mapping(ctx.kernel, params["UUID"])
    ctx.kernel.store.delete(MAPPING, row["UUID"])
    return _shown({**row, "State": "Deleting"})


def _mapping(kernel: Kernel, uuid: str) -> dict[str, Any]:
    row = kernel.store.get(MAPPING, uuid)
    if row is None:
        raise AwsError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return row


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "Tags"}


def _queue_url(kernel: Kernel, arn: str) -> str:
    return str(kernel.calls("sqs", "GetQueueUrl", {"QueueName": arn.rsplit(":", 1)[1]})["QueueUrl"])


class Poller:
    """Receives from one queue and invokes its function, at most CONCURRENT_BATCHES at a time."""

    def __init__(self, kernel: Kernel, uuid: str) -> None:
        self._kernel = kernel
        self._uuid = uuid
        self._slots = threading.Semaphore(CONCURRENT_BATCHES)
        self._problem = ""

    def run(self) -> None:
        """Until the mapping is deleted or the emulator stops."""
        while not self._kernel.dispatcher.stopping.is_set():
            mapping = self._kernel.store.get(MAPPING, self._uuid)
            if mapping is None:
                return
            self._slots.acquire()
            messages = self._try_gather(mapping) if mapping["State"] == "Enabled" else []
            if messages:
                self._kernel.dispatcher.start("esm batch", partial(self._hand_over, mapping, messages))
            else:
                self._slots.release()
                with _WAKE:
                    _WAKE.wait(POLL_S)

    def _try_gather(self, mapping: dict[str, Any]) -> list[dict[str, Any]]:
        """A queue that is gone or refuses is asked again at the next turn: the mapping outlives it, as on AWS."""
        try:
            messages = self._gather(mapping)
        except AwsError as error:
            if str(error) != self._problem:
                self._kernel.journal.append("lambda.poll.failed", mapping["EventSourceArn"], error=str(error))
            self._problem = str(error)
            return []
        self._problem = ""
        return messages

    def _gather(self, mapping: dict[str, Any]) -> list[dict[str, Any]]:
        """A batch: full, or whatever came within the window that the first message opened."""
        size, window_s = mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]
        messages = self._receive(mapping, size)
        closes = self._kernel.clock.now().timestamp() + window_s
        while messages and len(messages) < size and not self._kernel.dispatcher.stopping.is_set():
            left_s = closes - self._kernel.clock.now().timestamp()
            if left_s <= 0:
                break
            with _WAKE:
                _WAKE.wait(min(left_s, POLL_S))
            messages += self._receive(mapping, size - len(messages))
        return messages

    def _receive(self, mapping: dict[str, Any], wanted: int) -> list[dict[str, Any]]:
        request = {
            "QueueUrl": _queue_url(self._kernel, mapping["EventSourceArn"]),
            "MaxNumberOfMessages": min(wanted, 10),
            "AttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
            "WaitTimeSeconds": 0,
        }
        return list(self._kernel.calls("sqs", "ReceiveMessage", request).get("Messages", []))

    def _hand_over(self, mapping: dict[str, Any], messages: list[dict[str, Any]]) -> None:
        try:
            self._invoke(mapping, messages)
        finally:
            self._slots.release()

    def _invoke(self, mapping: dict[str, Any], messages: list[dict[str, Any]]) -> None:
        row = self._kernel.store.get(FUNCTION, mapping["FunctionArn"].rsplit(":", 1)[1])
        if row is None:
            return
        event = sqs_batches.render(messages, mapping["EventSourceArn"])
        request_id = self._kernel.ids.uuid()
        outcome, _ = Engine.of(self._kernel).invoke(row, json.dumps(event).encode(), request_id)
        is_partial = "ReportBatchItemFailures" in mapping["FunctionResponseTypes"]
        done = sqs_batches.settle([m["MessageId"] for m in messages], outcome.payload, bool(outcome.error), is_partial)
        if done.problem:
            facts = {
                "request_id": request_id,
                "problem": done.problem,
                "answer": outcome.payload[:2000].decode("utf-8", "replace"),
            }
            self._kernel.journal.append("lambda.batch.failed", row["FunctionName"], **facts)
        url = _queue_url(self._kernel, mapping["EventSourceArn"])
        for message in messages:
            if message["MessageId"] in done.message_ids:
                self._kernel.calls("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})


OPERATIONS: dict[str, Operation] = {
    "CreateEventSourceMapping": create_event_source_mapping,
    "GetEventSourceMapping": get_event_source_mapping,
    "ListEventSourceMappings": list_event_source_mappings,
    "UpdateEventSourceMapping": update_event_source_mapping,
    "DeleteEventSourceMapping": delete_event_source_mapping,
}
