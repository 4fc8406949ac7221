"""What a monitoring job is, from one of the four kinds of job definitions or from a schedule's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from emulator.semantics.monitoring.expressions import Daily, Expression

AWS_NAME = "DataQuality, ModelQuality, ModelBias and ModelExplainability job definitions"
SOURCE = (
    "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateMonitoringSchedule.html and the Create pages "
    "of the four definitions (read 2026-11-24)"
)
DIFFERS = (
    "bias and explainability are defined, but a schedule of them is refused by name, since Clarify's container is not "
    "here; so are BatchTransformInput (there are no transform jobs), Pipe mode, several instances, FeaturesAttribute "
    "and ExcludeFeaturesAttribute; the wording of refusals is ours"
)

DATA_QUALITY = "DataQuality"
MODEL_QUALITY = "ModelQuality"
MODEL_BIAS = "ModelBias"
MODEL_EXPLAINABILITY = "ModelExplainability"
KINDS = (DATA_QUALITY, MODEL_QUALITY, MODEL_BIAS, MODEL_EXPLAINABILITY)
_MERGING = (MODEL_QUALITY, MODEL_BIAS)
_HOURLY_MERGING_MAX_S = 1800
_NOT_EMULATED = ("FeaturesAttribute", "ExcludeFeaturesAttribute")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Definition:
    """A monitoring job.

    Attributes:
        kind: one of KINDS; a schedule's own job is of data quality.
        name: of the job definition; none if the schedule has its own.
        source: its EndpointInput or BatchTransformInput; empty if it has not exactly one of them.
    """

    kind: str
    name: str | None
    app: Json
    environment: Mapping[str, str]
    source: Json
    output: Json
    resources: Json
    role_arn: str
    ground_truth_uri: str | None = None
    baseline: Json = field(default_factory=dict)
    network: Json | None = None
    runtime_max_s: int | None = None

    @property
    def endpoint(self) -> str | None:
        found: str | None = self.source.get("EndpointName")
        return found

    @property
    def is_merging(self) -> bool:
        """Whether captured requests get their labels first."""
        return self.kind in _MERGING


def of_kind(kind: str, row: Json) -> Definition:
    """From a job definition as it was created."""
    inputs, app = row[f"{kind}JobInput"], row[f"{kind}AppSpecification"]
    return Definition(
        kind,
        row["JobDefinitionName"],
        app,
        app.get("Environment") or {},
        _source(inputs),
        row[f"{kind}JobOutputConfig"],
        row["JobResources"],
        row["RoleArn"],
        (inputs.get("GroundTruthS3Input") or {}).get("S3Uri"),
        row.get(f"{kind}BaselineConfig") or {},
        row.get("NetworkConfig"),
        (row.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"),
    )


def of_schedule(job: Json) -> Definition:
    """From a schedule's MonitoringJobDefinition."""
    return Definition(
        DATA_QUALITY,
        None,
        job["MonitoringAppSpecification"],
        job.get("Environment") or {},
        _source(job["MonitoringInputs"][0]),
        job["MonitoringOutputConfig"],
        job["MonitoringResources"],
        job["RoleArn"],
        None,
        job.get("BaselineConfig") or {},
        job.get("NetworkConfig"),
        (job.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds"),
    )


def refusal(definition: Definition) -> str | None:
    """Why AWS does not take a definition; None when it does."""
    if not definition.source:
        return "Exactly one of EndpointInput and BatchTransformInput must be given."
    if definition.is_merging and not definition.ground_truth_uri:
        return "GroundTruthS3Input needs an S3Uri."
    return None


def not_emulated(definition: Definition) -> str | None:
    """What of it we cannot do; None when nothing."""
    if definition.kind in (MODEL_BIAS, MODEL_EXPLAINABILITY):
        return f"MonitoringType {definition.kind} is not emulated yet"
    if definition.endpoint is None:
        return "BatchTransformInput is not emulated yet"
    for name in _NOT_EMULATED:
        if definition.source.get(name):
            return f"EndpointInput: {name} is not emulated yet"
    if definition.source.get("S3InputMode", "File") != "File":
        return "EndpointInput: S3InputMode 'Pipe' is not emulated yet"
    count = definition.resources["ClusterConfig"]["InstanceCount"]
    return None if count == 1 else f"InstanceCount {count} is not emulated yet, only 1"


def runtime_refusal(definition: Definition, expression: Expression) -> str | None:
    """A job must have ended before the next is due; one that merges first has half of an hour."""
    if definition.runtime_max_s is None or not isinstance(expression, Daily):
        return None
    is_halved = definition.is_merging and expression.every_h == 1
    most = _HOURLY_MERGING_MAX_S if is_halved else expression.every_h * 3600
    if definition.runtime_max_s <= most:
        return None
    return f"MaxRuntimeInSeconds {definition.runtime_max_s} exceeds {most}, which this schedule leaves to a job."


def _source(inputs: Json) -> Json:
    given = [inputs[name] for name in ("EndpointInput", "BatchTransformInput") if inputs.get(name)]
    return given[0] if len(given) == 1 else {}
