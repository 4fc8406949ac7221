"""Amazon CloudWatch: metrics, alarms evaluated in the kernel's time, dashboards, and metrics from logs and services."""

from emulator.services.cloudwatch import (
    alarms,
    dashboards,
    describing,
    detectors,
    history,
    images,
    metric_data,
    metrics,
    tags,
)
from emulator.services.cloudwatch.engine import Engine

OPERATIONS = {
    **alarms.OPERATIONS,
    **dashboards.OPERATIONS,
    **describing.OPERATIONS,
    **detectors.OPERATIONS,
    **history.OPERATIONS,
    **images.OPERATIONS,
    **metric_data.OPERATIONS,
    **metrics.OPERATIONS,
    **tags.OPERATIONS,
}

__all__ = ["OPERATIONS", "Engine"]
