"""What the reconciler asks: the ledger for what it waits for, AWS for how that stands. Newest first, so many a turn."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from lambdas.reconcile.facts import Execution, Overdue, RegisteredPackage, Releasing, Standing, Training
from lambdas.shared.clients import Clients
from lambdas.shared.errors import Permanent
from lambdas.shared.events import parse_time, render_time
from lambdas.shared.ledger.episodes import Episodes
from lambdas.shared.ledger.releases import ReleaseState, Stage, read_state
from lambdas.shared.ledger.runs import LeaseState, Runs
from lambdas.shared.ledger.table import Put, Table
from lambdas.shared.observability import log
from lambdas.shared.packages import describe
from lambdas.shared.settings import ReconcileSettings

_PENDING: Final = "PendingManualApproval"
"""What a package is that says nothing of its approval."""
PACKAGE_PAGES_MAX: Final = 3
DESCRIBED_MAX: Final = 25
"""Packages with news in one turn."""


@dataclass(frozen=True)
class Sources:
    """Where the facts of one model come from."""

    settings: ReconcileSettings
    clients: Clients
    table: Table

    @property
    def _model(self) -> str:
        return self.settings.shared.model

    def packages(self) -> tuple[RegisteredPackage, ...]:
        """Those whose status the registry tells otherwise than `decide_release` saw it last."""
        seen = {row["sk"]: row["status"] for row in self.table.query(f"PACKAGE#{self._model}")}
        news = [
            item
            for item in self._listed()
            if seen.get(item["ModelPackageArn"]) != item.get("ModelApprovalStatus", _PENDING)
        ]
        if len(news) > DESCRIBED_MAX:
            log.warning("packages.cut", extra={"news": len(news), "looked_at": DESCRIBED_MAX})
        found = (self._package(item["ModelPackageArn"]) for item in news[:DESCRIBED_MAX])
        return tuple(package for package in found if package)

    def training(self) -> Training:
        """The lease, its holder's run, and who waits for it."""
        runs = Runs(self.table, self._model)
        waiting = min(self._waiting(runs), default=None)
        lease = runs.lease()
        is_starting = lease.state is LeaseState.STARTING
        return Training(
            is_free=lease.state is LeaseState.FREE,
            half_started_at=parse_time(lease.since) if is_starting else None,
            execution=self._execution(lease.execution_arn) if lease.state is LeaseState.RUNNING else None,
            waiting_since=parse_time(waiting) if waiting else None,
        )

    def releasing(self, now: datetime) -> Releasing:
        """The current release, and what a decision left undone."""
        state = read_state(self.table, self._model)
        current = state.current
        is_undone = bool(state.outbox) or (current is not None and current.stage is Stage.STARTING)
        is_running = current is not None and current.stage is Stage.RUNNING
        arn = self._about(state)
        return Releasing(
            package=self._package(arn) if is_undone and arn else None,
            undone_since=self._first_seen(state.version, now) if is_undone else None,
            execution=self._execution(current.execution_arn) if current and is_running else None,
        )

    def overdue(self, now: datetime) -> tuple[Overdue, ...]:
        """Waits without an answer whose deadline has passed; `answer_waits` writes these rows."""
        ids = [row["sk"] for row in self.table.query(f"UNANSWERED#{self._model}")]
        rows = [row for wait_id in ids if (row := self.table.get(f"WAIT#{self._model}", wait_id))]
        waits = (Overdue(row["token"], parse_time(row["deadline_at"])) for row in rows)
        return tuple(wait for wait in waits if wait.deadline_at <= now)

    def alarm(self) -> Standing | None:
        """The alarm that asks for retraining, and whether the guard believes that it stands."""
        name = self.settings.retrain_alarm
        answer = self.clients.cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])
        if not answer["CompositeAlarms"]:
            log.warning("alarm.not_there", extra={"alarm": name})
            return None
        found = answer["CompositeAlarms"][0]
        episode = Episodes(self.table, self._model).guard().episode
        is_open = episode is not None and not episode.closed_at
        return Standing(found["StateValue"], found["StateUpdatedTimestamp"], is_open)

    def _listed(self) -> Iterator[Mapping[str, Any]]:
        """The group's packages, the newest first."""
        request: dict[str, Any] = {
            "ModelPackageGroupName": self.settings.package_group,
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": 100,
        }
        for _ in range(PACKAGE_PAGES_MAX):
            page = self.clients.sagemaker.list_model_packages(**request)
            yield from page["ModelPackageSummaryList"]
            if not page.get("NextToken"):
                return
            request["NextToken"] = page["NextToken"]
        log.warning("packages.cut", extra={"pages": PACKAGE_PAGES_MAX})

    def _package(self, arn: str) -> RegisteredPackage | None:
        try:
            package = describe(self.clients.sagemaker, arn)
        except Permanent:  # deleted since it was listed
            return None
        if package.modified_at is None:
            return None
        return RegisteredPackage(self.settings.package_group, arn, package.status, package.modified_at)

    def _execution(self, arn: str) -> Execution | None:
        try:
            found = self.clients.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        except ClientError as exc:
            if exc.response["Error"]["Code"] != "ResourceNotFound":
                raise
            log.error("execution.not_there", extra={"execution_arn": arn})
            return None
        return Execution(arn, found["PipelineExecutionStatus"], found["LastModifiedTime"])

    def _waiting(self, runs: Runs) -> Iterable[str]:
        """Since when each waits; files that are held wait for company, not for a run."""
        for row in self.table.query(f"WAITING#{self._model}"):
            if not row["file"]["is_held"]:
                yield row["file"]["arrived_at"]
                break  # they are sorted by arrival
        yield from (rerun.requested_at for rerun in runs.reruns())
        yield from (wanted.wanted_at for wanted in runs.wanted())

    def _about(self, state: ReleaseState) -> str:
        """A package whose event makes `decide_release` look at its state."""
        if state.current:
            return state.current.package_arn
        known = [row["sk"] for row in self.table.query(f"PACKAGE#{self._model}")]
        return state.live or (known[-1] if known else "")

    def _first_seen(self, version: int, now: datetime) -> datetime:
        """Since when the release state stands at this version, as far as the reconciler saw: it carries no time."""
        pk, sk = f"RECONCILE#{self._model}", "undone"
        row = self.table.get(pk, sk)
        if row and int(row["version"]) == version:
            return parse_time(row["since"])
        self.table.write(Put({"pk": pk, "sk": sk, "version": version, "since": render_time(now)}))
        return now
