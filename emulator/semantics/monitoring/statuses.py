"""The statuses of monitoring schedules and executions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

AWS_NAME = "MonitoringScheduleStatus and MonitoringExecutionStatus"
SOURCE = (
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MonitoringExecutionSummary.html and "
    "API_DescribeMonitoringSchedule.html; issues 2342 of aws/amazon-sagemaker-examples (a pending schedule cannot be "
    "deleted) and 2634 of aws/sagemaker-python-sdk (no data) (read 2026-11-24)"
)
DIFFERS = (
    "the event SageMaker Monitoring Schedule State Change has no public schema, so none is sent; a schedule that ran "
    "NOW stays Scheduled; what was under way when the emulator was stopped has Failed"
)

NO_DATA = "Job inputs had no data"
ENDED = ("Completed", "CompletedWithViolations", "Failed", "Stopped")
_WITH_VIOLATIONS = "CompletedWithViolations"
_MOVES = {
    "Pending": frozenset({"Scheduled", "Failed"}),
    "Scheduled": frozenset({"Scheduled", "Stopped", "Pending"}),
    "Stopped": frozenset({"Scheduled", "Stopped", "Pending"}),
    "Failed": frozenset({"Pending"}),
}


class IllegalMove(ValueError):  # noqa: N818
    """A move that is not in the table; `status` is where the schedule stays."""

    def __init__(self, status: str) -> None:
        super().__init__(f"Monitoring schedule in status {status}")
        self.status = status


@dataclass(frozen=True)
class Ending:
    """How an execution ended."""

    status: str
    reason: str | None = None


def move(status: str, to: str) -> str:
    """The new status of a schedule.

    Raises:
        IllegalMove: not in the table.
    """
    if to not in _MOVES[status]:
        raise IllegalMove(status)
    return to


def check_deletable(status: str) -> None:
    """A schedule that is being made or changed is not deleted.

    Raises:
        IllegalMove: in AWS's words.
    """
    if status == "Pending":
        raise IllegalMove(status)


def of_job(job: Mapping[str, Any]) -> Ending:
    """An execution's end, from the Describe response of its last job: the job completes with violations as well."""
    said = str(job.get("ExitMessage") or "")
    match job["ProcessingJobStatus"]:
        case "Completed":
            return Ending(_WITH_VIOLATIONS if said.startswith(_WITH_VIOLATIONS) else "Completed")
        case "Stopped":
            return Ending("Stopped")
        case _:
            reason = NO_DATA if said.startswith(NO_DATA) else str(job.get("FailureReason") or said)
            return Ending("Failed", reason)
