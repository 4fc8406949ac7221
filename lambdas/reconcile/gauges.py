"""How the monitors do, as numbers that alarms watch: nobody tells of a run that never came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from lambdas.shared.events import TERMINAL_STATUSES, parse_time
from lambdas.shared.ledger.releases import ReleaseState

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sagemaker import SageMakerClient

NAMESPACE: Final = "Driftloop"
RUN_AGE: Final = "monitor_run_age_s"
FAILED: Final = "monitor_failed"
_CHAMPION: Final = "champion"
_CHALLENGER: Final = "challenger"
_LISTED: Final = 100


@dataclass(frozen=True)
class MonitorRun:
    """An execution of the watch pipeline.

    Attributes:
        name: its display name, which begins with the variant that it looks at.
        ended_at: known of the newest one that succeeded for the champion.
    """

    name: str
    status: str
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Gauge:
    """A number for CloudWatch."""

    name: str
    value: float
    unit: str


def measure(runs: Sequence[MonitorRun], release: ReleaseState, now: datetime) -> tuple[Gauge, ...]:
    """The gauges; none before production serves, for then nobody has to look.

    Args:
        runs: the newest first.
    """
    if not release.live:
        return ()
    gauges = []
    looked_at = next((run.ended_at for run in runs if _is_good(run)), None)
    since = looked_at or serving_since(release)
    if since:
        gauges.append(Gauge(RUN_AGE, max(0.0, (now - since).total_seconds()), "Seconds"))
    ended = [run for run in runs if run.status in TERMINAL_STATUSES and not run.name.startswith(_CHALLENGER)]
    if ended:
        gauges.append(Gauge(FAILED, float(ended[0].status == "Failed"), "Count"))
    return tuple(gauges)


def list_runs(sagemaker: "SageMakerClient", pipeline: str) -> tuple[MonitorRun, ...]:
    """The newest runs, the newest first."""
    answer = sagemaker.list_pipeline_executions(
        PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending", MaxResults=_LISTED
    )
    runs: list[MonitorRun] = []
    is_found = False
    for item in answer["PipelineExecutionSummaries"]:
        run = MonitorRun(item.get("PipelineExecutionDisplayName", ""), item["PipelineExecutionStatus"])
        if _is_good(run) and not is_found:
            is_found = True
            found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=item["PipelineExecutionArn"])
            run = MonitorRun(run.name, run.status, found["LastModifiedTime"])
        runs.append(run)
    return tuple(runs)


def publish(cloudwatch: "CloudWatchClient", model: str, gauges: Sequence[Gauge]) -> None:
    """To CloudWatch, which stamps them itself: a function's own clock may be behind."""
    data: list[Any] = [
        {
            "MetricName": gauge.name,
            "Dimensions": [{"Name": "Model", "Value": model}],
            "Value": gauge.value,
            "Unit": gauge.unit,
        }
        for gauge in gauges
    ]
    if data:
        cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=data)


def _is_good(run: MonitorRun) -> bool:
    return run.status == "Succeeded" and run.name.startswith(_CHAMPION)


def serving_since(release: ReleaseState) -> datetime | None:
    """Since when production serves at all."""
    since = release.served_since or release.live_since
    return parse_time(since) if since else None
