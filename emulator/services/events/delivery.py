"""From an event to its targets: asynchronous, at least once, each target on its own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from emulator.kernel.errands import Errand, Errands
from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Kernel
from emulator.semantics.events import dead_letters, delivery, envelope, inputs, patterns, target_calls
from emulator.semantics.events.target_calls import Call, Message
from emulator.semantics.faults import kinds
from emulator.services.events import archiving, http_targets, records
from emulator.services.events.records import DEFAULT_BUS

Event = dict[str, Any]


@dataclass(frozen=True)
class Matched:
    """An event and a rule that it matched; `at` is when the event came in."""

    rule: dict[str, Any]
    event: Event
    at: datetime


@dataclass(frozen=True)
class _Delivery:
    """One event on its way to one target: what the target gets, under an id of its own that every try keeps."""

    matched: Matched
    target: dict[str, Any]
    message: Message


class Bus:
    """The event buses. `publish` is how our other services put their events on the default bus."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._errands = Errands(kernel.clock, kernel.dispatcher)

    def publish(self, source: str, detail_type: str, detail: dict[str, Any], resources: list[str]) -> None:
        if not self._kernel.faults.strikes(kinds.DROP_EVENTS, kinds.event_target(source, detail_type)):
            self.put(source, detail_type, detail, resources, self._kernel.clock.now())

    def put(
        self,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: list[str],
        at: datetime,
        bus: str = DEFAULT_BUS,
    ) -> str:
        """Wrap the event and hand it to every rule of the bus that is enabled now and matches; answers its id.

        Only delivery is left for later: a rule enabled after this moment never sees the event.
        """
        kernel = self._kernel
        event = envelope.wrap(
            kernel.ids.uuid(), source, detail_type, detail, resources, at, kernel.account_id, kernel.region
        )
        kernel.journal.append("events.put", detail_type, correlation=event["id"], source=source, resources=resources)
        self.send(event, bus)
        return str(event["id"])

    def send(self, event: Event, bus: str, only_rules: tuple[str, ...] = ()) -> None:
        """Hand an event as it is to a bus; `only_rules` are the ARNs of a replay's filter."""
        now = self._kernel.clock.now()
        archiving.keep(self._kernel, bus, event)
        for rule in records.rules(self._kernel, bus):
            if only_rules and rule["Arn"] not in only_rules:
                continue
            pattern = rule.get("EventPattern")
            if pattern and rule["State"] != "DISABLED" and patterns.compile(pattern).matches(event):
                self.deliver(Matched(rule, event, now))

    def deliver(self, matched: Matched) -> None:
        """To each target of the rule, each on its own."""
        for target in matched.rule["Targets"]:
            work = partial(self._begin, matched, target)
            self._kernel.dispatcher.post(f"events {matched.rule['Name']} -> {target['Id']}", work)

    def _begin(self, matched: Matched, target: dict[str, Any]) -> None:
        rule, kernel = matched.rule, self._kernel
        origin = inputs.Origin(rule["Name"], rule["Arn"], envelope.time_text(matched.at))
        text = inputs.render(target, matched.event, origin)
        message = Message(text, matched.event, kernel.ids.uuid(), int(matched.at.timestamp() * 1000))
        it = _Delivery(matched, target, message)
        name = f"events {rule['Name']} -> {target['Id']}"
        self._errands.run(Errand(name, partial(self._send, it), partial(self._after_failure, it)))

    def _send(self, it: _Delivery, tries: int) -> None:
        match target_calls.kind(it.target["Arn"]):
            case "event-bus":
                self._forward(it)
            case "api-destination":
                http_targets.invoke(self._kernel, it.target, it.message)
            case _:
                for call in target_calls.calls(it.target, it.message):
                    self._call(call)
        facts = {"correlation": it.message.event["id"], "target": it.target["Arn"]}
        self._kernel.journal.append("events.delivered", it.matched.rule["Name"], **facts)

    def _forward(self, it: _Delivery) -> None:
        """To another bus of the account: the event itself, not its envelope in another."""
        bus = it.target["Arn"].split(":event-bus/", 1)[1]
        records.bus(self._kernel, bus)
        self.send(it.matched.event, bus)

    def _call(self, call: Call) -> None:
        self._kernel.calls(call.service, call.operation, call.params)

    def _after_failure(self, it: _Delivery, error: AwsError, tries: int, age_s: float) -> float | None:
        facts = {"correlation": it.message.event["id"], "target": it.target["Arn"]}
        name = it.matched.rule["Name"]
        self._kernel.journal.append("events.delivery.failed", name, **facts, error=str(error), attempt=str(tries))
        match delivery.after_failure(delivery.policy_of(it.target), error.code, tries, age_s):
            case delivery.Retry(delay_s):
                return delay_s
            case delivery.GiveUp() as verdict:
                self._give_up(it, error, verdict, tries - 1)
                return None

    def _give_up(self, it: _Delivery, error: AwsError, verdict: delivery.GiveUp, retries: int) -> None:
        rule, target = it.matched.rule, it.target
        self._kernel.measure("AWS/Events", "FailedInvocations", {"RuleName": rule["Name"]}, 1, "Count")
        queue_arn = target.get("DeadLetterConfig", {}).get("Arn")
        kind = "events.dead_lettered" if queue_arn else "events.dropped"
        facts = {"correlation": it.message.event["id"], "target": target["Arn"], "error": str(error)}
        self._kernel.journal.append(kind, rule["Name"], **facts)
        if queue_arn:
            why = {"RULE_ARN": rule["Arn"], "TARGET_ARN": target["Arn"]}
            why |= dead_letters.attributes(verdict, error.message, retries)
            self._call(dead_letters.call(queue_arn, it.message.text, why))
