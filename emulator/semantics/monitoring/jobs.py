"""The processing jobs of a monitoring execution: the analysis, and for model quality the merge before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from emulator.semantics.monitoring.definitions import DATA_QUALITY, MODEL_QUALITY, Definition
from emulator.semantics.monitoring.windows import Window

AWS_NAME = "Processing jobs of a monitoring schedule"
SOURCE = (
    "https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-contract-inputs.html; the merge job and the "
    "analysis of an hourly model quality monitor as a user published them from CloudWatch Logs (names, inputs, "
    "variables, paths) (read 2026-11-24)"
)
DIFFERS = (
    "names of data quality's jobs, and the paths of users' scripts, are made alike, not known; reports are uploaded "
    "when the job ends, also where Continuous was asked for; each part of an execution may take all of "
    "MaxRuntimeInSeconds"
)

_BASE = "/opt/ml/processing"
_TRUTH = f"{_BASE}/groundtruth"
_MERGER = "sagemaker-model-monitor-groundtruth-merger"
_NAMES = {DATA_QUALITY: "data-quality-monitoring", MODEL_QUALITY: "model-quality-monitoring"}
_CAPTURED = '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput","endpointOutput"]}}'
_MERGED = '{"sagemakerMergeJson":{"captureIndexNames":["endpointOutput"]}}'
_ATTRIBUTES = {
    "InferenceAttribute": "inference_attribute",
    "ProbabilityAttribute": "probability_attribute",
    "ProbabilityThresholdAttribute": "probability_threshold_attribute",
}
_SCRIPTS = {
    "RecordPreprocessorSourceUri": ("pre_processor_script", "preprocessing", "record_preprocessor_script"),
    "PostAnalyticsProcessorSourceUri": ("post_processor_script", "postprocessing", "post_analytics_processor_script"),
}
_BASELINE = {
    "constraints": ("constraints", f"{_BASE}/baseline/constraints", "baseline_constraints"),
    "statistics": ("baseline", f"{_BASE}/baseline/stats", "baseline_statistics"),
}

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """A folder of S3 as a prefix and the path below it, which the container sees too."""

    prefix: str
    path: str

    @property
    def uri(self) -> str:
        return f"{self.prefix}/{self.path}"


@dataclass(frozen=True)
class Execution:
    """One time that a schedule was due. `mark` tells its jobs from all others."""

    definition: Definition
    schedule: str
    due_at: datetime
    window: Window
    mark: str

    @property
    def output_uri(self) -> str:
        """What is below the user's prefix."""
        return str(self.definition.output["MonitoringOutputs"][0]["S3Output"]["S3Uri"]).rstrip("/")

    @property
    def merged_uri(self) -> str:
        return f"{self.output_uri}/merge"

    def named(self, prefix: str) -> str:
        return f"{prefix}-{self.due_at:%Y%m%d%H%M}-{self.mark}"


def hour_path(at: datetime) -> str:
    return f"{at:%Y/%m/%d/%H}"


def merge(execution: Execution, captured: Sequence[Place], truth: Sequence[Place]) -> dict[str, Any]:
    """The merge job, of hours of captured requests and of labels."""
    definition = execution.definition
    source = definition.source["LocalPath"]
    inputs = [*_inputs("groundtruth_input", truth, _TRUTH), *_inputs("endpoint_input", captured, source)]
    image = _merger(str(definition.app["ImageUri"]))
    variables = {"dataset_source": source, "ground_truth_source": _TRUTH, "output_path": f"{_BASE}/output"}
    request = _job(execution, execution.named("groundtruth-merge"), {"ImageUri": image}, inputs)
    return {**request, "Environment": variables, **_output(definition, f"{_BASE}/output", execution.merged_uri)}


def analysis(execution: Execution, hours: Sequence[Place], baseline: Mapping[str, str]) -> dict[str, Any]:
    """The analysis; `baseline` are the URIs of `constraints` and `statistics`, if any."""
    definition, app = execution.definition, execution.definition.app
    prefix = _NAMES[definition.kind] if definition.name else "model-monitoring"
    scripts = {field: app[field] for field in _SCRIPTS if app.get(field)}
    inputs = [
        *(_input(*_BASELINE[name][:2], uri) for name, uri in baseline.items()),
        *_inputs("endpoint_input", hours, definition.source["LocalPath"]),
        *(_input(_SCRIPTS[field][0], _script_dir(field), uri) for field, uri in scripts.items()),
    ]
    program = {field: app[field] for field in ("ContainerEntrypoint", "ContainerArguments") if app.get(field)}
    request = _job(execution, execution.named(prefix), {"ImageUri": app["ImageUri"], **program}, inputs)
    output = definition.output["MonitoringOutputs"][0]["S3Output"]
    target = f"{execution.output_uri}/{definition.endpoint}/{execution.schedule}/{hour_path(execution.due_at)}"
    return {
        **request,
        "Environment": _environment(execution, baseline, scripts),
        **_output(definition, output["LocalPath"], target),
    }


def _environment(execution: Execution, baseline: Mapping[str, str], scripts: Mapping[str, str]) -> dict[str, str]:
    """AWS's variables; those that the user set win."""
    definition, window = execution.definition, execution.window
    found = {
        "dataset_format": _MERGED if definition.is_merging else _CAPTURED,
        "dataset_source": definition.source["LocalPath"],
        "start_time": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{window.end:%Y-%m-%dT%H:%M:%SZ}",
        "metric_time": f"{window.start:%Y-%m-%dT%H:%M:%SZ}",
        "output_path": definition.output["MonitoringOutputs"][0]["S3Output"]["LocalPath"],
        "publish_cloudwatch_metrics": "Enabled",
        "sagemaker_endpoint_name": str(definition.endpoint),
        "sagemaker_monitoring_schedule_name": execution.schedule,
    }
    if definition.kind == MODEL_QUALITY:
        found["analysis_type"] = "MODEL_QUALITY"
        if definition.app.get("ProblemType"):
            found["problem_type"] = definition.app["ProblemType"]
    for field, name in _ATTRIBUTES.items():
        if definition.source.get(field) is not None:
            found[name] = str(definition.source[field])
    for key, uri in baseline.items():
        found[_BASELINE[key][2]] = f"{_BASELINE[key][1]}/{_file(uri)}"
    for field, uri in scripts.items():
        found[_SCRIPTS[field][2]] = f"{_script_dir(field)}/{_file(uri)}"
    return {**found, **definition.environment}


def _job(execution: Execution, name: str, app: Json, inputs: list[dict[str, Any]]) -> dict[str, Any]:
    definition = execution.definition
    limit = {"MaxRuntimeInSeconds": definition.runtime_max_s} if definition.runtime_max_s else None
    return {
        "ProcessingJobName": name,
        "AppSpecification": dict(app),
        "ProcessingInputs": inputs,
        "ProcessingResources": {"ClusterConfig": dict(definition.resources["ClusterConfig"])},
        "RoleArn": definition.role_arn,
        **({"StoppingCondition": limit} if limit else {}),
        **({"NetworkConfig": dict(definition.network)} if definition.network else {}),
    }


def _output(definition: Definition, local_path: str, uri: str) -> dict[str, Any]:
    s3 = {"S3Uri": uri, "LocalPath": local_path, "S3UploadMode": "EndOfJob"}
    key = {"KmsKeyId": definition.output["KmsKeyId"]} if definition.output.get("KmsKeyId") else {}
    return {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "result", "S3Output": s3}], **key}}


def _inputs(name: str, hours: Sequence[Place], directory: str) -> list[dict[str, Any]]:
    """One input an hour; below the directory it lies as it does below the prefix."""
    return [
        _input(f"{name}_{number}", f"{directory.rstrip('/')}/{hour.path}", hour.uri)
        for number, hour in enumerate(hours, 1)
    ]


def _input(name: str, local_path: str, uri: str) -> dict[str, Any]:
    how = {"S3DataType": "S3Prefix", "S3InputMode": "File", "S3DataDistributionType": "FullyReplicated"}
    s3 = {"S3Uri": uri, "LocalPath": local_path, "S3CompressionType": "None", **how}
    return {"InputName": name, "S3Input": s3}


def _script_dir(field: str) -> str:
    return f"{_BASE}/code/{_SCRIPTS[field][1]}"


def _merger(analyzer: str) -> str:
    """The merger's image lies beside the analyzer's."""
    registry, slash, _ = analyzer.rpartition("/")
    return f"{registry}{slash}{_MERGER}"


def _file(uri: str) -> str:
    return uri.rpartition("/")[2]
