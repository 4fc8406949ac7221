"""Release queue -> releases: unwraps, asks the registry, decides, records, performs; safe to repeat anywhere."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from botocore.exceptions import ClientError

from lambdas.decide_release import decision
from lambdas.decide_release.decision import APPROVED, Fact, PackageSeen, ReleaseEnded
from lambdas.decide_release.releases import Releases
from lambdas.shared.clients import Clients, LazyClients
from lambdas.shared.errors import Permanent, Transient
from lambdas.shared.events import Event, ExecutionChanged, PackageChanged, render_retraining_requested
from lambdas.shared.executions import FailedStep, ended_of, failed_of, start, steps, token, why
from lambdas.shared.ledger.releases import Release, ReleaseState, Stage
from lambdas.shared.ledger.table import Table
from lambdas.shared.ledger.trail import Trail
from lambdas.shared.observability import log
from lambdas.shared.packages import Package, describe
from lambdas.shared.people import People
from lambdas.shared.records import DeadLetters, handle_records, render_failures
from lambdas.shared.settings import DecideReleaseSettings, read_decide_release

_DECIDE_TRIES: Final = 8
GATES: Final = frozenset({"TestDev", "TestStaging", "Kept"})
"""Steps of the release that say no to a model."""
READY: Final = frozenset({"DevReady", "StagingReady"})
"""Steps that wait for a model that nobody depends on yet."""
UNHEALTHY: Final = "did not pass the ping health check"
"""What SageMaker says of a container whose model does not come up; machines that are wanting are called otherwise.

Source: repost.aws/knowledge-center/sagemaker-endpoint-creation-fail, read 2026-11.
"""


@dataclass(frozen=True)
class DecideRelease:
    """The function with what it needs."""

    settings: DecideReleaseSettings
    clients: Clients
    releases: Releases
    people: People

    def handle_batch(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Every record for itself."""
        dead_letters = DeadLetters(self.clients.sqs, self.settings.shared.dead_letter_queue_url)
        return render_failures(handle_records(batch, lambda _, event: self._handle(event), dead_letters))

    def _handle(self, event: Event) -> None:
        """What an earlier event left undone comes first: a release that ended may not be recorded as started yet."""
        if not isinstance(event, PackageChanged | ExecutionChanged):
            raise Permanent(type(event).__name__, "expected on another queue, found on the release queue")
        self._perform()
        self._decide(event)
        self._perform()

    def _decide(self, event: PackageChanged | ExecutionChanged) -> None:
        for _ in range(_DECIDE_TRIES):
            state = self.releases.state()
            fact = self._fact(state, event)
            decided = decision.decide(state, fact) if fact else None
            if fact is None or decided is None:
                log.info("event.changes_nothing", extra={"event_id": event.event_id})
                return
            if self.releases.decided(state, decided, fact if isinstance(fact, PackageSeen) else None):
                for entry in decided.entries:
                    log.info(entry.what, extra={"subject": entry.subject, "who": entry.who, "why": entry.why})
                return
        raise Transient(f"event {event.event_id}: the release state changed {_DECIDE_TRIES} times meanwhile; try again")

    def _fact(self, state: ReleaseState, event: PackageChanged | ExecutionChanged) -> Fact | None:
        return self._package_seen(state, event) if isinstance(event, PackageChanged) else self._ended(state, event)

    def _package_seen(self, state: ReleaseState, event: PackageChanged) -> PackageSeen:
        package = describe(self.clients.sagemaker, event.package_arn)
        _check_fresh(package, event)
        was = self.releases.last_status(package.arn)
        return PackageSeen(
            model=self.settings.shared.model,
            package=package,
            was=was,
            approved=frozenset() if was == package.status else self._approved(state),
            attempts_max=self.settings.shared.attempts_max,
            event_id=event.event_id,
            time=event.time,
        )

    def _ended(self, state: ReleaseState, event: ExecutionChanged) -> ReleaseEnded | None:
        is_ours = state.current is not None and state.current.execution_arn == event.execution_arn
        if not event.is_terminal or not is_ours:
            return None
        is_success = event.status == "Succeeded"
        found = steps(self.clients.sagemaker, event.execution_arn)
        if not is_success:
            self._take_stages_down()
        failed = failed_of(found)
        return ReleaseEnded(
            model=self.settings.shared.model,
            execution_arn=event.execution_arn,
            is_success=is_success,
            reason="" if is_success else why(failed),
            approved=self._approved(state),
            event_id=event.event_id,
            time=event.time,
            has_touched_production=has_touched_production({step["StepName"]: step["StepStatus"] for step in found}),
            package=self._described(state) if is_refusal(failed) else None,
            attempts_max=self.settings.shared.attempts_max,
            steps=ended_of(found),
        )

    def _described(self, state: ReleaseState) -> Package | None:
        try:
            return describe(self.clients.sagemaker, state.current.package_arn) if state.current else None
        except Permanent:  # deleted from the registry: nothing to try again
            return None

    def _take_stages_down(self) -> None:
        """What a release that failed left standing, with its config, unless the settings keep it."""
        for stage in () if self.settings.keeps_stages else ("dev", "staging"):
            sagemaker, name = self.clients.at(stage).sagemaker, f"{self.settings.endpoint_prefix}-{stage}"
            try:
                config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
                sagemaker.delete_endpoint(EndpointName=name)
                sagemaker.delete_endpoint_config(EndpointConfigName=config)
            except ClientError as exc:
                log.info("endpoint.not_removed", extra={"stage": stage, "reason": str(exc)})

    def _approved(self, state: ReleaseState) -> frozenset[str]:
        """The registry's word on those that may come next: an event about them may have been lost."""
        return frozenset(arn for arn in decision.candidates(state) if self._is_approved(arn))

    def _is_approved(self, arn: str) -> bool:
        try:
            return describe(self.clients.sagemaker, arn).status == APPROVED
        except Permanent:  # deleted from the registry: nothing to release
            return False

    def _perform(self) -> None:
        """Do what was decided: notices, retraining, the start of a release."""
        state = self.releases.state()
        if state.outbox:
            for notice in state.outbox.notices:
                self.people.tell(notice)
            for request in state.outbox.retrainings:
                self.clients.sqs.send_message(
                    QueueUrl=self.settings.shared.ingest_queue_url, MessageBody=render_retraining_requested(request)
                )
            self.releases.change(lambda now: decision.emptied(now, state.outbox))
        if state.current and state.current.stage is Stage.STARTING:
            self._start(state.current)

    def _start(self, release: Release) -> None:
        execution_arn = start(
            self.clients.sagemaker,
            self.settings.rollback_pipeline if release.is_rollback else self.settings.release_pipeline,
            {
                "ModelPackageArn": release.package_arn,
                "ReleaseId": release.release_id,
                "ReportPrefix": f"{self.settings.report_uri}/{release.release_id}",
            },
            request_token=token(self.settings.shared.model, release.release_id),
            title=f"release-{release.release_id}",
        )
        self.releases.change(lambda now: decision.running(now, release.release_id, execution_arn))
        log.info("release.running", extra={"package_arn": release.package_arn, "execution_arn": execution_arn})


def has_touched_production(statuses: Mapping[str, str]) -> bool:
    """Whether an execution left production otherwise than it found it.

    Args:
        statuses: of the steps that were started, by name.
    """
    has_begun = statuses.get("StartExperiment") == "Succeeded" or "Promote" in statuses
    return has_begun and statuses.get("Withdrawn") != "Succeeded"


def is_refusal(failed: Iterable[FailedStep]) -> bool:
    """Whether a release failed for what its model is; what else fails says nothing about it."""
    return any(step.name in GATES or (step.name in READY and UNHEALTHY in step.reason) for step in failed)


def _check_fresh(package: Package, event: PackageChanged) -> None:
    """The registry may answer with what it knew before the event.

    Raises:
        Transient: the event tells of a later change than the registry does.
    """
    is_other = event.approval_status is not None and event.approval_status != package.status
    is_later = event.modified_at and package.modified_at and event.modified_at > package.modified_at
    if is_other and is_later:
        raise Transient(f"{package.arn}: the registry still says {package.status}, the event {event.approval_status}")


@cache
def _function() -> DecideRelease:
    settings = read_decide_release(os.environ)
    return build(settings, LazyClients(settings.stage_roles))


def build(settings: DecideReleaseSettings, clients: Clients) -> DecideRelease:
    """The function for one model."""
    shared = settings.shared
    table = Table(clients.dynamodb, shared.ledger_table)
    people = People(clients.sns, shared.people_topic_arn, shared.model, Trail(table, shared.model))
    return DecideRelease(settings, clients, Releases(table, shared.model), people)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Entry point of the function; `event` is a batch of an SQS event source."""
    return _function().handle_batch(event)
