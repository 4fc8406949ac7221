"""From an event to its targets: asynchronous, at least once, each target on its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.events import delivery, envelope, patterns
from emulator.services.events.records import RULE

Event = dict[str, Any]


@dataclass(frozen=True)
class _Delivery:
    """One event on its way to one target. Its age counts from `began_at`: an event's own time may lie years back."""

    rule: dict[str, Any]
    target: dict[str, Any]
    event: Event
    began_at: datetime
    attempt: int = 1


class Bus:
    """The default bus. `publish` is how our other services put their events on it."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def publish(self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        self.put(source, detail_type, detail, resources, self._kernel.clock.now())

    def put(self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str], at: datetime) -> str:
        """Wrap the event and hand it to every rule that is enabled now and matches; answers its id.

        Only delivery is left for later: a rule enabled after this moment never sees the event.
        """
        kernel = self._kernel
        event = envelope.wrap(
            kernel.ids.uuid(), source, detail_type, detail, resources, at, kernel.account_id, kernel.region
        )
        kernel.journal.append("events.put", detail_type, correlation=event["id"], source=source, resources=resources)
        self._match(event)
        return str(event["id"])

    def _match(self, event: Event) -> None:
        now = self._kernel.clock.now()
        for rule in self._kernel.store.rows(RULE):
            if rule["State"] != "DISABLED" and patterns.compile(rule["EventPattern"]).matches(event):
                for target in rule["Targets"]:
                    work = partial(self._deliver, _Delivery(rule, target, event, now))
                    self._kernel.dispatcher.post(f"events {rule['Name']} -> {target['Id']}", work)

    def _deliver(self, it: _Delivery) -> None:
        name, facts = it.rule["Name"], {"correlation": it.event["id"], "target": it.target["Arn"]}
        try:
            self._send(it.target, it.event)
            self._kernel.journal.append("events.delivered", name, **facts)
        except AwsError as error:
            facts |= {"error": str(error), "attempt": str(it.attempt)}
            self._kernel.journal.append("events.delivery.failed", name, **facts)
            self._after_failure(it, error)

    def _send(self, target: dict[str, Any], event: Event) -> None:
        text = envelope.target_input(target, event)
        service, resource = target["Arn"].split(":")[2], target["Arn"].split(":", 5)[5]
        if service == "sqs":
            queue = self._kernel.calls("sqs", "GetQueueUrl", {"QueueName": resource})["QueueUrl"]
            group = target.get("SqsParameters", {}).get("MessageGroupId")
            fifo = {"MessageGroupId": group, "MessageDeduplicationId": event["id"]} if group else {}
            self._kernel.calls("sqs", "SendMessage", {"QueueUrl": queue, "MessageBody": text, **fifo})
        elif service == "sns":
            self._kernel.calls("sns", "Publish", {"TopicArn": target["Arn"], "Message": text})
        else:
            call = {"FunctionName": target["Arn"], "InvocationType": "Event", "Payload": text.encode()}
            self._kernel.calls("lambda", "Invoke", call)

    def _after_failure(self, it: _Delivery, error: AwsError) -> None:
        bounds = it.target.get("RetryPolicy", {})
        policy = delivery.RetryPolicy(
            bounds.get("MaximumRetryAttempts", delivery.MAX_ATTEMPTS),
            bounds.get("MaximumEventAgeInSeconds", delivery.MAX_AGE_S),
        )
        age_s = (self._kernel.clock.now() - it.began_at).total_seconds()
        match delivery.after_failure(policy, error.code, it.attempt, age_s):
            case delivery.Retry(delay_s):
                again = partial(self._deliver, replace(it, attempt=it.attempt + 1))
                self._kernel.dispatcher.post(f"events retry {it.rule['Name']}", again, delay_s)
            case delivery.GiveUp() as verdict:
                self._give_up(it, error, verdict)

    def _give_up(self, it: _Delivery, error: AwsError, verdict: delivery.GiveUp) -> None:
        rule, target, event = it.rule, it.target, it.event
        self._kernel.measure("AWS/Events", "FailedInvocations", {"RuleName": rule["Name"]}, 1, "Count")
        queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
        kind = "events.dead_lettered" if queue_arn else "events.dropped"
        self._kernel.journal.append(kind, rule["Name"], correlation=event["id"], target=target["Arn"], error=str(error))
        if not queue_arn:
            return
        facts = {
            "RULE_ARN": rule["Arn"],
            "TARGET_ARN": target["Arn"],
            "ERROR_CODE": verdict.error_code,
            "ERROR_MESSAGE": error.message,
            "RETRY_ATTEMPTS": str(it.attempt - 1),
        }
        if verdict.exhausted:
            facts["EXHAUSTED_RETRY_CONDITION"] = verdict.exhausted
        queue = self._kernel.calls("sqs", "GetQueueUrl", {"QueueName": queue_arn.rsplit(":", 1)[1]})["QueueUrl"]
        attributes = {name: {"DataType": "String", "StringValue": value} for name, value in facts.items()}
        message = {"MessageBody": envelope.target_input(target, event), "MessageAttributes": attributes}
        self._kernel.calls("sqs", "SendMessage", {"QueueUrl": queue, **message})
