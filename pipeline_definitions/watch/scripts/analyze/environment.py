"""The contract of Model Monitor's container: environment variables as options, for jobs that AWS's own APIs start.

Source: docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-contract-inputs.html; sagemaker.core.model_monitor
(the variables of baselines); requests of AWS's own merge and analysis jobs that users published, read 2026-11.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_SOURCE: Final = "dataset_source"
_TRUTH: Final = "ground_truth_source"
_CONSTRAINTS: Final = "baseline_constraints"
_OPTIONS: Final[Mapping[str, str]] = {
    "dataset_format": "--dataset-format",
    _SOURCE: "--data",
    _TRUTH: "--labels",
    _CONSTRAINTS: "--constraints",
    "baseline_statistics": "--statistics",
    "start_time": "--start",
    "end_time": "--end",
    "sagemaker_endpoint_name": "--endpoint",
    "sagemaker_monitoring_schedule_name": "--schedule",
    "record_preprocessor_script": "--preprocessor",
    "post_analytics_processor_script": "--postprocessor",
    "problem_type": "--problem-type",
    "inference_attribute": "--inference-attribute",
    "probability_attribute": "--probability-attribute",
    "probability_threshold_attribute": "--probability-threshold",
    "ground_truth_attribute": "--label-attribute",
    "categorical_drift_method": "--categorical-drift-method",
}


def is_model_monitor(env: Mapping[str, str]) -> bool:
    """Whether a job was started as Model Monitor's container is."""
    return _SOURCE in env


def words(env: Mapping[str, str], home: Path) -> list[str]:
    """The command line that does what that container would do. `home` is where the archive of wheels lies."""
    analysis = _analysis(env)
    found = ["--analysis", analysis, "--wheels", str(home), "--names-from-baseline"]
    for name, option in _OPTIONS.items():
        if env.get(name):
            found.append(f"{option}={env[name]}")  # in one word: a value may begin with a dash
    if env.get("output_path"):
        found.append(f"{'--merged' if analysis == 'merge' else '--report'}={env['output_path']}")
    if env.get("publish_cloudwatch_metrics") == "Enabled":
        found.append("--publish")
    return found


def _analysis(env: Mapping[str, str]) -> str:
    """With constraints it compares, without it suggests some."""
    if env.get(_TRUTH):
        return "merge"
    is_compared = bool(env.get(_CONSTRAINTS))
    if env.get("analysis_type") == "MODEL_QUALITY":
        return "model-quality" if is_compared else "model-quality-baseline"
    return "data-quality" if is_compared else "baseline"
