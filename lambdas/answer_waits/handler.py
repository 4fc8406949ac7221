"""Queue of waits -> answers to callback steps: every message makes it look at all that waits; safe to repeat."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from botocore.exceptions import ClientError

from lambdas.answer_waits import decision, notices
from lambdas.answer_waits.decision import EndpointSeen
from lambdas.answer_waits.experiments import Experiments
from lambdas.answer_waits.records import LOSSES
from lambdas.answer_waits.schedules import Schedules
from lambdas.answer_waits.trial import Trial
from lambdas.answer_waits.waits import Answer, Wait, Waits, WaitState, from_message
from lambdas.shared.clients import Clients, LazyClients
from lambdas.shared.errors import Permanent
from lambdas.shared.events import CallbackSent, EndpointChanged, Event, Tick, parse_time, render_time
from lambdas.shared.executions import token as request_token
from lambdas.shared.ledger.table import Table
from lambdas.shared.ledger.trail import AuditEntry, Trail, audit_put
from lambdas.shared.observability import log
from lambdas.shared.people import People
from lambdas.shared.records import DeadLetters, handle_records, render_failures
from lambdas.shared.settings import AnswerWaitsSettings, MissingSettingError, read_answer_waits

_REASON_MAX: Final = 256
_OUTPUT_MAX: Final = 1024
"""Source: SageMaker API reference, SendPipelineExecutionStepFailure and OutputParameter, read 2026-11."""


@dataclass(frozen=True)
class AnswerWaits:
    """The function with what it needs."""

    settings: AnswerWaitsSettings
    clients: Clients
    waits: Waits
    schedules: Schedules
    trial: Trial
    people: People

    def handle_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Every record for itself."""
        dead_letters = DeadLetters(self.clients.sqs, self.settings.dead_letter_queue_url)
        return render_failures(handle_records(batch, lambda _, event: self._handle(event), dead_letters))

    def _handle(self, event: Event) -> None:
        match event:
            case CallbackSent():
                self._take_in(event)
            case Tick() | EndpointChanged():
                pass
            case _:
                raise Permanent(type(event).__name__, "expected on another queue, found on the queue of waits")
        waiting = self.waits.unanswered()
        self._look_at_all(waiting, event.time)
        if isinstance(event, Tick) and event.token not in {wait.token for wait in waiting}:
            self.schedules.close(event.token)  # made by a message that came once more, after the answer

    def _take_in(self, event: CallbackSent) -> None:
        """A wait opens, or is told to stop; either may come twice, and in any order."""
        until = event.time + timedelta(seconds=self._longest_s(event))
        wait = self.waits.open(from_message(event, render_time(until)))
        if wait.state is not WaitState.OPEN:
            return
        if event.is_stopping:
            self._decide(wait, decision.STOPPED, event.time)
        else:
            self.schedules.open(wait.token, parse_time(wait.deadline_at))

    def _longest_s(self, event: CallbackSent) -> int:
        experiment_s = self.settings.experiment.duration_max_s if event.arguments.get("wait") == "experiment" else 0
        return self.settings.deadline_s + experiment_s

    def _look_at_all(self, waiting: tuple[Wait, ...], now: datetime) -> None:
        """Each for itself: one that cannot be looked at must not hold up the others."""
        problems = [problem for wait in waiting if (problem := self._try_look(wait, now))]
        if problems:
            raise problems[0]

    def _try_look(self, wait: Wait, now: datetime) -> Exception | None:
        try:
            self._look(wait, now)
        except Exception as exc:
            log.exception("wait.failed", extra={"release_id": wait.release_id, "stage": wait.stage})
            return exc
        return None

    def _look(self, wait: Wait, now: datetime) -> None:
        if wait.state is WaitState.OPEN:
            seen = self._endpoint(wait) if wait.config else None
            if wait.kind == "experiment":
                self.trial.advance(wait, seen, now)
            elif answer := decision.answer_endpoint(wait, seen, now):
                self._decide(wait, answer, now)
        decided = self.waits.find(wait.id)
        if decided and decided.state is WaitState.DECIDED and decided.answer:
            self._carry_out(decided, decided.answer)

    def _decide(self, wait: Wait, answer: Answer, now: datetime) -> None:
        what = "wait.failed" if answer.outputs is None else "wait.succeeded"
        reason = answer.reason or f"{wait.endpoint} serves {wait.config or 'what it did'}"
        entry = AuditEntry(render_time(now), "answer_waits", what, wait.package_arn, reason, wait.token)
        if self.waits.decide(wait, answer, audit_put(self.settings.model, entry)):
            log.info(what, extra={"release_id": wait.release_id, "stage": wait.stage, "reason": reason})

    def _carry_out(self, wait: Wait, answer: Answer) -> None:
        """What was decided, and nothing else, whoever decided it."""
        if answer.report and answer.outputs:
            uri = answer.outputs["report_uri"]
            bucket, _, key = uri.removeprefix("s3://").partition("/")
            self.clients.s3.put_object(Bucket=bucket, Key=key, Body=answer.report.encode())
            self.people.tell(notices.ended(self.settings.model, wait, json.loads(answer.report), uri))
        self._send(wait, answer)
        self.schedules.close(wait.token)
        self.waits.close(wait)

    def _send(self, wait: Wait, answer: Answer) -> None:
        sagemaker, once = self.clients.sagemaker, request_token("answer", wait.token)
        try:
            if answer.outputs is None:
                sagemaker.send_pipeline_execution_step_failure(
                    CallbackToken=wait.token, FailureReason=answer.reason[:_REASON_MAX], ClientRequestToken=once
                )
            else:
                sagemaker.send_pipeline_execution_step_success(
                    CallbackToken=wait.token,
                    OutputParameters=[
                        {"Name": name, "Value": value[:_OUTPUT_MAX]} for name, value in answer.outputs.items()
                    ],
                    ClientRequestToken=once,
                )
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ResourceNotFound":
                raise
            log.info("wait.answered_already", extra={"release_id": wait.release_id, "stage": wait.stage})

    def _endpoint(self, wait: Wait) -> EndpointSeen | None:
        try:
            found = self.clients.at(wait.stage).sagemaker.describe_endpoint(EndpointName=wait.endpoint)
        except ClientError as exc:
            if "could not find" in exc.response["Error"]["Message"].lower():
                return None
            raise
        variants = [*found.get("ProductionVariants", []), *found.get("ShadowProductionVariants", [])]
        return EndpointSeen(
            status=found["EndpointStatus"],
            config=found.get("EndpointConfigName", ""),
            instances={variant["VariantName"]: variant.get("CurrentInstanceCount", 0) for variant in variants},
            failure=found.get("FailureReason", ""),
        )


@cache
def _function() -> AnswerWaits:
    settings = read_answer_waits(os.environ)
    return build(settings, LazyClients(settings.stage_roles))


def build(settings: AnswerWaitsSettings, clients: Clients) -> AnswerWaits:
    """The function for one model.

    Raises:
        MissingSettingError: the experiment's metric is none that has a value a record.
    """
    if settings.experiment.metric not in LOSSES:
        raise MissingSettingError("EXPERIMENT", f"a metric of {', '.join(LOSSES)}", settings.experiment.metric)
    table = Table(clients.dynamodb, settings.ledger_table)
    people = People(clients.sns, settings.people_topic_arn, settings.model, Trail(table, settings.model))
    waits, experiments = Waits(table, settings.model), Experiments(table, settings.model)
    schedules = Schedules(
        clients.scheduler, settings.model, settings.tick_prefix, settings.waits_queue_arn, settings.tick_role_arn
    )
    trial = Trial(settings, clients, waits, experiments, schedules, people)
    return AnswerWaits(settings, clients, waits, schedules, trial, people)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the function; `event` is a batch of an SQS event source."""
    return _function().handle_batch(event)
