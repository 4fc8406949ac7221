"""What AWS's Model Monitor is asked for, as values. Nothing here talks to AWS.

A monitor is a schedule, which keeps its name, and a job definition, which is made anew for each release: a definition
cannot be changed, and each version has baselines of its own.

Source: API reference, CreateDataQualityJobDefinition, CreateModelQualityJobDefinition, CreateMonitoringSchedule;
developer guide, "Schedule data quality monitoring jobs", "Schedule model quality monitoring jobs", "The cron expression
for monitoring schedule". Read 2026-11.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lambdas.change_endpoint.decision import Names
from lambdas.shared.errors import Permanent
from lambdas.shared.settings import ModelMonitor

DATA: Final = "DataQuality"
MODEL: Final = "ModelQuality"
_TITLES: Final = {DATA: "data-quality", MODEL: "model-quality"}
_DIR: Final = "/opt/ml/processing"
_DAILY_AT: Final = 3
"""The hour of daily runs. Units: UTC."""
_RUNTIME_MAX_S: Final = 1800
"""As much as an hourly schedule leaves to a job that merges labels first."""
_VOLUME_GB: Final = 20


@dataclass(frozen=True)
class Monitor:
    """A schedule with its job definition.

    Attributes:
        job: the request that makes the definition.
    """

    kind: str
    schedule: str
    job: Mapping[str, Any]
    every_h: int

    @property
    def definition(self) -> str:
        """The definition's name."""
        return str(self.job["JobDefinitionName"])

    @property
    def config(self) -> dict[str, Any]:
        """The schedule's MonitoringScheduleConfig."""
        return {
            "ScheduleConfig": {"ScheduleExpression": _expression(self.every_h)},
            "MonitoringJobDefinitionName": self.definition,
            "MonitoringType": self.kind,
        }


def monitors(settings: ModelMonitor, names: Names, package: Mapping[str, Any]) -> tuple[Monitor, ...]:
    """One of requests and one of answers, by the package's own baselines.

    Args:
        package: DescribeModelPackage.

    Raises:
        Permanent: the package has no baselines.
    """
    schedules = {kind: f"{names.prefix}-{title}" for kind, title in _TITLES.items()}
    return tuple(
        Monitor(kind, schedule, _job(settings, kind, names, package), settings.every_h)
        for kind, schedule in schedules.items()
    )


def _job(settings: ModelMonitor, kind: str, names: Names, package: Mapping[str, Any]) -> dict[str, Any]:
    captured = {"EndpointName": names.endpoint("prod"), "LocalPath": f"{_DIR}/input/endpoint"}
    report = {"S3Uri": settings.reports_uri, "LocalPath": f"{_DIR}/output", "S3UploadMode": "EndOfJob"}
    machine = {"InstanceCount": 1, "InstanceType": settings.instance_type, "VolumeSizeInGB": _VOLUME_GB}
    inputs, app = (_requests if kind == DATA else _answers)(settings, captured)
    key = {"KmsKeyId": settings.key_arn} if settings.key_arn else {}
    return {
        "JobDefinitionName": names.monitoring_job(_TITLES[kind]),
        f"{kind}BaselineConfig": _baseline(kind, package),
        f"{kind}AppSpecification": {"ImageUri": settings.image_uri, **app},
        f"{kind}JobInput": inputs,
        f"{kind}JobOutputConfig": {"MonitoringOutputs": [{"S3Output": report}], **key},
        "JobResources": {"ClusterConfig": machine},
        "RoleArn": settings.role_arn,
        "StoppingCondition": {"MaxRuntimeInSeconds": _RUNTIME_MAX_S},
    }


def _requests(settings: ModelMonitor, captured: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was asked; the preprocessor leaves out what was answered, which no training data has."""
    return {"EndpointInput": captured}, {"RecordPreprocessorSourceUri": settings.preprocessor_uri}


def _answers(settings: ModelMonitor, captured: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was answered, so long ago that labels are due: one probability, in the answer's first column."""
    delay_h = settings.label_delay_s // 3600
    window = {"StartTimeOffset": f"-PT{delay_h + settings.every_h}H", "EndTimeOffset": f"-PT{delay_h}H"}
    answer = {"ProbabilityAttribute": "0", "ProbabilityThresholdAttribute": 0.5}
    inputs = {
        "EndpointInput": {**captured, **window, **answer},
        "GroundTruthS3Input": {"S3Uri": settings.labels_uri},
    }
    return inputs, {"ProblemType": "BinaryClassification"}


def _baseline(kind: str, package: Mapping[str, Any]) -> dict[str, Any]:
    """Quality is compared with constraints alone: there are no distances."""
    found = package.get("DriftCheckBaselines", {}).get(f"Model{kind.removeprefix('Model')}", {})
    fields = ("Constraints", "Statistics") if kind == DATA else ("Constraints",)
    if any(field not in found for field in fields):
        expected = f"expected DriftCheckBaselines with {' and '.join(fields)} of {kind}"
        raise Permanent(str(package["ModelPackageArn"]), f"{expected}, found {sorted(found)}; train it again")
    return {f"{field}Resource": {"S3Uri": found[field]["S3Uri"]} for field in fields}


def _expression(every_h: int) -> str:
    hours = {1: "*", 24: str(_DAILY_AT)}.get(every_h, f"0/{every_h}")
    return f"cron(0 {hours} ? * * *)"
