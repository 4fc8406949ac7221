"""Retraining queue -> wanted runs: unwraps, asks, decides, records, performs; safe to repeat anywhere."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from lambdas.shared.clients import Clients, LazyClients
from lambdas.shared.errors import Permanent, Transient
from lambdas.shared.events import (
    AlarmChanged,
    Event,
    ExecutionChanged,
    Reconsider,
    StartRequested,
    render_start_requested,
    render_time,
)
from lambdas.shared.ledger.episodes import Episodes
from lambdas.shared.ledger.runs import Runs
from lambdas.shared.ledger.table import Table
from lambdas.shared.ledger.trail import AuditEntry, Trail
from lambdas.shared.observability import log
from lambdas.shared.people import People
from lambdas.shared.records import DeadLetters, handle_records, render_failures
from lambdas.shared.settings import StartRetrainingSettings, read_start_retraining
from lambdas.start_retraining import decision, notices
from lambdas.start_retraining.decision import Decision
from lambdas.start_retraining.facts import Sources
from lambdas.start_retraining.spending import Spending

_DECIDE_TRIES: Final = 8
_ME: Final = "driftloop"

Asking = AlarmChanged | ExecutionChanged | Reconsider
"""What makes the guard look."""


@dataclass(frozen=True)
class StartRetraining:
    """The function with what it needs."""

    settings: StartRetrainingSettings
    clients: Clients
    episodes: Episodes
    sources: Sources
    people: People

    def handle_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Every record for itself."""
        dead_letters = DeadLetters(self.clients.sqs, self.settings.shared.dead_letter_queue_url)
        return render_failures(handle_records(batch, lambda _, event: self._handle(event), dead_letters))

    def _handle(self, event: Event) -> None:
        asking = self._expected(event)
        if isinstance(asking, ExecutionChanged) and not asking.is_terminal:
            return
        self._perform(self._decide(asking), asking)

    def _expected(self, event: Event) -> Asking:
        """Refuses what belongs on another queue."""
        match event:
            case AlarmChanged() if event.alarm != self.settings.retrain_alarm:
                raise Permanent(event.alarm, f"only {self.settings.retrain_alarm} asks for retraining")
            case ExecutionChanged() if event.pipeline_arn.rpartition("/")[2] not in self._pipelines:
                raise Permanent(event.pipeline_arn, f"expected {' or '.join(self._pipelines)} on the retraining queue")
            case AlarmChanged() | ExecutionChanged() | Reconsider():
                return event
            case _:
                raise Permanent(type(event).__name__, "expected on another queue, found on the retraining queue")

    @property
    def _pipelines(self) -> tuple[str, str]:
        return (self.settings.train_pipeline, self.settings.retrain_pipeline)

    def _decide(self, event: Asking) -> Decision:
        for _ in range(_DECIDE_TRIES):
            before = self.episodes.guard()
            decided = decision.decide(before, self.sources.gather(before, event), self.settings.policy)
            after = decision.remembered(before, decided, event.time)
            if after is None:
                log.info("retraining.unchanged", extra={"said": decided.said})
                return decided
            if self.episodes.decided(before, after, decided.wanted, _entry(decided, event)):
                log.info(f"retraining.{decided.outcome.value}", extra={"why": decided.why})
                return decided
        raise Transient(f"the guard of '{self.settings.shared.model}' was changed {_DECIDE_TRIES} times; try again")

    def _perform(self, decided: Decision, event: Asking) -> None:
        """Also what an earlier turn decided and did not get done: people are told once, a run is started once."""
        model = self.settings.shared.model
        if decided.cause and decided.guard.episode:
            self.people.tell(notices.stopped(model, decided.cause, decided.guard.episode, decided.why))
        if self.sources.runs.wanted():
            self.clients.sqs.send_message(
                QueueUrl=self.settings.shared.ingest_queue_url,
                MessageBody=render_start_requested(StartRequested(model, event.time)),
            )


def _entry(decided: Decision, event: Asking) -> AuditEntry:
    episode = decided.guard.episode
    subject = decided.wanted.batch_id if decided.wanted else episode.id if episode else "no episode"
    event_id = "" if isinstance(event, Reconsider) else event.event_id
    return AuditEntry(
        render_time(event.time), _ME, f"retraining.{decided.outcome.value}", subject, decided.why, event_id
    )


@cache
def _function() -> StartRetraining:
    return build(read_start_retraining(os.environ), LazyClients())


def build(settings: StartRetrainingSettings, clients: Clients) -> StartRetraining:
    """The function for one model."""
    return assemble(settings, clients, Table(clients.dynamodb, settings.shared.ledger_table))


def assemble(settings: StartRetrainingSettings, clients: Clients, table: Table) -> StartRetraining:
    """The function over a ledger."""
    shared = settings.shared
    people = People(clients.sns, shared.people_topic_arn, shared.model, Trail(table, shared.model))
    spending = Spending(clients.sagemaker, table, shared.model, settings.retrain_pipeline)
    sources = Sources(settings, clients, table, Runs(table, shared.model), spending)
    return StartRetraining(settings, clients, Episodes(table, shared.model), sources, people)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the function; `event` is a batch of an SQS event source."""
    return _function().handle_batch(event)
