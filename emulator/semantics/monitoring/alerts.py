"""The alert of a monitoring schedule: in alert while enough of its latest executions failed."""

from __future__ import annotations

from collections.abc import Sequence

AWS_NAME = "Monitoring alerts"
SOURCE = (
    "https://docs.aws.amazon.com/sagemaker/latest/dg/model-dashboard-alerts.html and "
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_MonitoringAlertSummary.html (read 2026-11-24)"
)
DIFFERS = (
    "which executions count as failures is not documented: here those that failed and those with violations; each "
    "schedule has one alert with its own name, for 1 of 1 executions, since AWS's default is not documented either"
)

IN_ALERT, OK = "InAlert", "OK"
DEFAULT_DATAPOINTS, DEFAULT_PERIOD = 1, 1
_FAILURES = ("Failed", "CompletedWithViolations")


def status(executions: Sequence[str], datapoints: int, period: int) -> str:
    """From the statuses of executions that ended, the latest first. A period that is not full yet may alert."""
    failures = sum(execution in _FAILURES for execution in executions[:period])
    return IN_ALERT if failures >= datapoints else OK


def refusal(datapoints: int, period: int) -> str | None:
    """Why the limits of an alert are refused; None when they are taken."""
    return None if datapoints <= period else f"DatapointsToAlert {datapoints} exceeds EvaluationPeriod {period}."
