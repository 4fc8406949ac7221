"""Resolved arguments as the step's Create request wants them.

AWS_NAME: Step arguments
SOURCE: the request types of CreateProcessingJob, CreateTrainingJob, CreateModelPackage (botocore 1.44.5); the SDK v3
    renders nulls for what was not given, read 2026-11
"""

from __future__ import annotations

from typing import Any

from emulator.semantics.pipelines.resolution import text_of

# Members whose values the API types as strings, whatever a parameter's type: numbers and Booleans become text there.
_TEXTS = frozenset(
    {"ContainerArguments", "ContainerEntrypoint", "CustomerMetadataProperties", "Environment", "HyperParameters"}
)
_NAME_MAX = 63


def render(value: Any) -> Any:
    """Arguments without nulls, and with text where the API wants text."""
    if isinstance(value, list):
        return [render(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: _texts(item) if key in _TEXTS else render(item) for key, item in value.items() if item is not None}


def job_name(execution_id: str, step: str, suffix: str, prefix: str | None = None) -> str:
    """`pipelines-<execution id>-<step>-<suffix>`, in small letters; a name in the arguments replaces the first part
    and the step.

    Source: docs.aws.amazon.com/sagemaker/latest/dg/run-pipeline.html and pipelines-step-custom-job-prefix.html, read
    2026-11. How AWS shortens long step names is undocumented; here the end is cut.
    """
    head = f"{prefix}-{execution_id}" if prefix else f"pipelines-{execution_id}-{step.lower().replace('_', '-')}"
    return f"{head[: _NAME_MAX - 1 - len(suffix)].rstrip('-')}-{suffix}"


def _texts(value: Any) -> Any:
    if isinstance(value, list):
        return [text_of(item) for item in value]
    return {key: text_of(item) for key, item in value.items()} if isinstance(value, dict) else value
