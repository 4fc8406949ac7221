"""Has Model Monitor watch production: makes a job definition, and a schedule that runs it. Either may be done again."""

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from lambdas.change_endpoint.monitors import Monitor
from lambdas.shared.observability import log

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def watch(sagemaker: "SageMakerClient", monitor: Monitor) -> str:
    """Make the schedule, or have the one that is there run this release's definition.

    Returns:
        What runs now, in words.
    """
    create: Any = getattr(sagemaker, f"create_{_snake(monitor.kind)}_job_definition")
    try:
        create(**monitor.job)
    except ClientError as exc:
        if exc.response["Error"]["Code"] != "ResourceInUse":
            raise
    config: Any = monitor.config
    running = _running(sagemaker, monitor.schedule)
    if running is None:
        sagemaker.create_monitoring_schedule(MonitoringScheduleName=monitor.schedule, MonitoringScheduleConfig=config)
    elif running != config:
        sagemaker.update_monitoring_schedule(MonitoringScheduleName=monitor.schedule, MonitoringScheduleConfig=config)
    log.info("endpoint.monitored", extra={"schedule": monitor.schedule, "definition": monitor.definition})
    return f"{monitor.schedule} runs {monitor.definition}"


def _running(sagemaker: "SageMakerClient", schedule: str) -> Any:
    """A schedule's config; None if there is no such schedule."""
    try:
        found = sagemaker.describe_monitoring_schedule(MonitoringScheduleName=schedule)
    except ClientError as exc:
        if exc.response["Error"]["Code"] == "ResourceNotFound":
            return None
        raise
    return found["MonitoringScheduleConfig"]


def _snake(kind: str) -> str:
    return {"DataQuality": "data_quality", "ModelQuality": "model_quality"}[kind]
