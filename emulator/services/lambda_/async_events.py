"""Asynchronous events: tried, tried again, and recorded where their function wants to know how they ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel, Outcome
from emulator.semantics.lambda_ import async_retries, destinations
from emulator.semantics.lambda_.async_retries import Again, GiveUp, Policy
from emulator.semantics.lambda_.destinations import Call, Ended
from emulator.semantics.lambda_.qualifiers import LATEST, Reference
from emulator.services.lambda_ import concurrency, records
from emulator.services.lambda_.engine import Caller, Engine
from emulator.services.lambda_.records import EVENT_CONFIG, Target


@dataclass(frozen=True)
class Event:
    """One event on its way to a function. `tries` ran it; `refusals` in a row did not."""

    asked: Reference
    payload: bytes
    request_id: str
    received_at: datetime
    tries: int = 0
    refusals: int = 0


def accept(kernel: Kernel, asked: Reference, payload: bytes, request_id: str) -> None:
    """Take an event over; the caller is told no more about it."""
    _metric(kernel, asked.name, "AsyncEventsReceived")
    _later(kernel, Event(asked, payload, request_id, kernel.clock.now()), 0)


def _later(kernel: Kernel, event: Event, delay_s: float) -> None:
    kernel.dispatcher.post(f"lambda {event.asked.name}", partial(_try, kernel, event), delay_s)


def _try(kernel: Kernel, event: Event) -> None:
    try:
        target = records.target(kernel, event.asked)
    except AwsError as error:
        _drop(kernel, event, error.message)
        return
    age_ms = _age_s(kernel, event) * 1000
    kernel.measure("AWS/Lambda", "AsyncEventAge", {"FunctionName": event.asked.name}, age_ms, "Milliseconds")
    caller = Caller(target.arn, "", target.qualifier)
    try:
        outcome, _ = Engine.of(kernel).invoke(target.row, event.payload, event.request_id, caller)
    except AwsError as error:
        _after_refusal(kernel, replace(event, refusals=event.refusals + 1), target, error)
        return
    _after_run(kernel, replace(event, tries=event.tries + 1, refusals=0), target, outcome)


def _after_run(kernel: Kernel, event: Event, target: Target, outcome: Outcome) -> None:
    if not outcome.error:
        _end(kernel, target, _ended(kernel, event, target, "Success", outcome))
        return
    verdict = async_retries.after_error(_policy(kernel, event), event.tries, _age_s(kernel, event))
    match verdict:
        case Again(delay_s):
            _later(kernel, event, delay_s)
        case GiveUp(condition):
            _drop(kernel, event, condition)
            _end(kernel, target, _ended(kernel, event, target, condition, outcome))


def _after_refusal(kernel: Kernel, event: Event, target: Target, error: AwsError) -> None:
    is_shut = error.status == 429 and concurrency.reserved_of(kernel, target.row) == 0
    age_s = _age_s(kernel, event)
    match async_retries.after_refusal(_policy(kernel, event), event.refusals, age_s, is_shut):
        case Again(delay_s):
            _later(kernel, event, delay_s)
        case GiveUp(condition):
            _drop(kernel, event, condition)
            _end(kernel, target, _ended(kernel, event, target, condition, None))


def _ended(kernel: Kernel, event: Event, target: Target, condition: str, outcome: Outcome | None) -> Ended:
    arn = records.qualified_arn(kernel, Reference(event.asked.name, target.qualifier or LATEST))
    return Ended(
        event.request_id,
        arn,
        condition,
        event.tries,
        event.payload,
        target.row.get("Version", LATEST),
        outcome.payload if outcome else None,
        "Unhandled" if outcome and outcome.error else None,
    )


def _end(kernel: Kernel, target: Target, ended: Ended) -> None:
    """Send the invocation record, and the event to the dead-letter queue, to who asked for them."""
    name, now = target.row["FunctionName"], kernel.clock.now()
    wanted = _config(kernel, Reference(name, target.qualifier)).get("DestinationConfig", {})
    arn = wanted.get("OnSuccess" if ended.is_success else "OnFailure", {}).get("Destination")
    if arn:
        call = destinations.delivery(arn, ended, now, kernel.ids.uuid())
        _deliver(kernel, name, call, arn, "DestinationDeliveryFailures")
    dead_letters = target.row.get("DeadLetterConfig", {}).get("TargetArn")
    if dead_letters and not ended.is_success:
        _deliver(kernel, name, destinations.dead_letter(dead_letters, ended), dead_letters, "DeadLetterErrors")


def _deliver(kernel: Kernel, name: str, call: Call, arn: str, failure_metric: str) -> None:
    try:
        answer = kernel.calls(call.service, call.operation, call.params)
        if answer.get("FailedEntryCount"):
            raise AwsError(str(answer["Entries"][0]["ErrorCode"]), str(answer["Entries"][0]["ErrorMessage"]))
    except AwsError as error:
        kernel.journal.append("lambda.record.undelivered", name, target=arn, error=str(error))
        _metric(kernel, name, failure_metric)


def _drop(kernel: Kernel, event: Event, why: str) -> None:
    _metric(kernel, event.asked.name, "AsyncEventsDropped")
    kernel.journal.append("lambda.event.dropped", event.asked.name, request_id=event.request_id, error=why)


def _policy(kernel: Kernel, event: Event) -> Policy:
    found, default = _config(kernel, event.asked), Policy()
    retries, age_s = found.get("MaximumRetryAttempts"), found.get("MaximumEventAgeInSeconds")
    return Policy(default.retries_max if retries is None else retries, age_s or default.age_max_s)


def _config(kernel: Kernel, asked: Reference) -> dict[str, Any]:
    return kernel.store.get(EVENT_CONFIG, f"{asked.name}:{asked.qualifier or LATEST}") or {}


def _age_s(kernel: Kernel, event: Event) -> float:
    return (kernel.clock.now() - event.received_at).total_seconds()


def _metric(kernel: Kernel, name: str, metric: str) -> None:
    kernel.measure("AWS/Lambda", metric, {"FunctionName": name}, 1, "Count")
