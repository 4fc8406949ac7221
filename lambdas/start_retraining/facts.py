"""What the guard asks before it decides: alarms, production, runs, the registry, the bill."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lambdas.shared.clients import Clients
from lambdas.shared.errors import Permanent
from lambdas.shared.events import Event, ExecutionChanged, parse_time
from lambdas.shared.executions import steps
from lambdas.shared.ledger.episodes import Guard
from lambdas.shared.ledger.releases import ReleaseState, last_status, read_state
from lambdas.shared.ledger.runs import Batch, Lease, LeaseState, Runs
from lambdas.shared.ledger.table import Table
from lambdas.shared.packages import Package, describe
from lambdas.shared.prices import UnknownPriceError
from lambdas.shared.settings import StartRetrainingSettings
from lambdas.start_retraining.decision import (
    DRIFT,
    FROM_THE_BEGINNING,
    QUALITY,
    Alarm,
    Champion,
    Facts,
    UnderWay,
)
from lambdas.start_retraining.spending import Spending, UncountedStepError

_PENDING = "PendingManualApproval"


@dataclass(frozen=True)
class Sources:
    """Where the facts come from."""

    settings: StartRetrainingSettings
    clients: Clients
    table: Table
    runs: Runs
    spending: Spending

    def gather(self, guard: Guard, event: Event) -> Facts:
        """Everything as it is now; the time is the event's, and the run whose end it tells has ended.

        What waits is read before who runs, and that before what ended: a run that goes from one to the next meanwhile
        is seen at least once.
        """
        alarm = self._alarm()
        release = read_state(self.table, self.settings.shared.model)
        waiting = self._waiting()
        lease = self.runs.lease()
        batches = {run.batch_id: self.runs.batch(run.batch_id) for run in guard.runs}
        told = _told_end(lease, event)
        mine = [run.batch_id for run in guard.runs if run.champion == release.live]
        spent_usd, unpriced = self._spent(event.time) if alarm.state == "ALARM" else (0.0, "")
        return Facts(
            now=event.time,
            alarm=alarm,
            champion=self._champion(release),
            under_way=UnderWay(
                batch_id=waiting or ("" if told or lease.state is LeaseState.FREE else lease.batch_id),
                candidate=self._candidate(batches[mine[-1]]) if mine else "",
                release=_release(release),
            ),
            ended={**_ends(batches), **told},
            spent_usd=spent_usd,
            unpriced=unpriced,
        )

    def _alarm(self) -> Alarm:
        settings = self.settings
        names = {settings.drift_alarm: DRIFT, settings.quality_alarm: QUALITY}
        answer = self.clients.cloudwatch.describe_alarms(
            AlarmNames=[settings.retrain_alarm, *names], AlarmTypes=["CompositeAlarm", "MetricAlarm"]
        )
        found = {row["AlarmName"]: row["StateValue"] for row in (*answer["CompositeAlarms"], *answer["MetricAlarms"])}
        if settings.retrain_alarm not in found:
            raise Permanent(settings.retrain_alarm, "CloudWatch has no such alarm; deploy the stack again")
        standing = frozenset(kind for name, kind in names.items() if found.get(name) == "ALARM")
        return Alarm(found[settings.retrain_alarm], standing)

    def _waiting(self) -> str:
        """A run that waits for its turn: one that was wanted, or a further attempt."""
        ids = [*(wanted.batch_id for wanted in self.runs.wanted()), *(rerun.batch_id for rerun in self.runs.reruns())]
        return ids[0] if ids else ""

    def _champion(self, release: ReleaseState) -> Champion | None:
        if not release.live:
            return None
        package = self._package(release.live)
        until = package.fresh_until if package else FROM_THE_BEGINNING
        return Champion(
            package_arn=release.live,
            live_since=parse_time(release.live_since) if release.live_since else None,
            history_uri=package.data_uri if package else "",
            fresh_until=None if until == FROM_THE_BEGINNING else parse_time(until),
            is_first=not release.live_before,
        )

    def _candidate(self, batch: Batch | None) -> str:
        """What the last run registered, if nobody has decided on it, or `decide_release` has not heard of it yet."""
        arn = self._registered(batch.execution_arn) if batch and batch.execution_arn else ""
        package = self._package(arn) if arn else None
        if package is None:
            return ""
        is_taken_in = last_status(self.table, self.settings.shared.model, arn) == package.status
        return "" if is_taken_in and package.status != _PENDING else arn

    def _registered(self, execution_arn: str) -> str:
        for step in steps(self.clients.sagemaker, execution_arn):
            arn: str = step.get("Metadata", {}).get("RegisterModel", {}).get("Arn", "")
            if arn:
                return arn
        return ""

    def _package(self, arn: str) -> Package | None:
        try:
            return describe(self.clients.sagemaker, arn)
        except Permanent:  # deleted from the registry
            return None

    def _spent(self, now: datetime) -> tuple[float, str]:
        try:
            return self.spending.since(now - timedelta(days=self.settings.policy.budget_days)), ""
        except (UnknownPriceError, UncountedStepError) as exc:
            return 0.0, str(exc)


def _told_end(lease: Lease, event: Event) -> Mapping[str, datetime]:
    """The run whose end this event tells, though `start_training` may not have settled it yet."""
    is_end = isinstance(event, ExecutionChanged) and event.is_terminal
    is_holder = isinstance(event, ExecutionChanged) and event.execution_arn == lease.execution_arn
    return {lease.batch_id: event.time} if is_end and is_holder else {}


def _ends(batches: Mapping[str, Batch | None]) -> dict[str, datetime]:
    return {name: parse_time(batch.ended_at) for name, batch in batches.items() if batch and batch.ended_at}


def _release(release: ReleaseState) -> str:
    if release.current:
        return release.current.package_arn
    return release.queue[0] if release.queue else ""
