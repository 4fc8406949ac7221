"""How Model Monitor's schedules do, where AWS's own service watches: its container tells no alarm how a run ended.

What a run looks at may have been answered by the former champion: such a run says nothing of this one. Before the first
champion there was nothing to look at, so whatever a run found was its own. Without requests or labels a run fails, as
AWS has it, so `monitor_failed` also tells of captures and labels that do not come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from lambdas.reconcile.gauges import FAILED, RUN_AGE, Gauge, serving_since
from lambdas.shared.events import parse_time
from lambdas.shared.ledger.releases import ReleaseState
from lambdas.shared.settings import MonitoringSchedules

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

QUALITY_VIOLATED: Final = "monitor_quality_violated"
_VIOLATED: Final = "CompletedWithViolations"
_LOOKED: Final = ("Completed", _VIOLATED)
_LISTED: Final = 20


@dataclass(frozen=True)
class Run:
    """An execution that has ended.

    Attributes:
        begins_at: of the window that it looked at.
    """

    status: str
    begins_at: datetime
    ended_at: datetime


@dataclass(frozen=True)
class Runs:
    """Those of both schedules, the newest first."""

    requests: tuple[Run, ...]
    answers: tuple[Run, ...]


def measure(runs: Runs, release: ReleaseState, now: datetime) -> tuple[Gauge, ...]:
    """The gauges; none before production serves, for then nobody has to look."""
    if not release.live:
        return ()
    gauges = []
    looked_at = next((run.ended_at for run in runs.requests if run.status in _LOOKED), None)
    if since := looked_at or serving_since(release):
        gauges.append(Gauge(RUN_AGE, max(0.0, (now - since).total_seconds()), "Seconds"))
    newest = [own[0].status for each in (runs.requests, runs.answers) if (own := _of_champion(each, release))]
    if newest:
        gauges.append(Gauge(FAILED, float("Failed" in newest), "Count"))
    answers = _of_champion(runs.answers, release) if release.live_before else runs.answers
    if looked := [run.status for run in answers if run.status in _LOOKED]:
        gauges.append(Gauge(QUALITY_VIOLATED, float(looked[0] == _VIOLATED), "Count"))
    return tuple(gauges)


def list_runs(sagemaker: "SageMakerClient", schedules: MonitoringSchedules) -> Runs:
    """The newest that have ended."""
    window, delay = timedelta(seconds=schedules.window_s), timedelta(seconds=schedules.label_delay_s)
    return Runs(
        requests=_listed(sagemaker, schedules.data_quality, window),
        answers=_listed(sagemaker, schedules.model_quality, window + delay),
    )


def _listed(sagemaker: "SageMakerClient", schedule: str, back: timedelta) -> tuple[Run, ...]:
    answer: Any = sagemaker.list_monitoring_executions(
        MonitoringScheduleName=schedule, SortBy="ScheduledTime", SortOrder="Descending", MaxResults=_LISTED
    )
    return tuple(
        Run(item["MonitoringExecutionStatus"], item["ScheduledTime"] - back, item["LastModifiedTime"])
        for item in answer["MonitoringExecutionSummaries"]
        if item["MonitoringExecutionStatus"] in (*_LOOKED, "Failed")
    )


def _of_champion(runs: Sequence[Run], release: ReleaseState) -> list[Run]:
    """Those that looked at nothing from before it was live."""
    since = parse_time(release.live_since) if release.live_since else None
    return [run for run in runs if since is None or run.begins_at >= since]
