"""ARNs of SageMaker resources and the rows that stand behind them.

Kinds of rows are named here once. Jobs, models and endpoints have their names in small letters in their ARNs, as AWS
spells them (automating-sagemaker-with-eventbridge.html: endpoint MyEndpoint, ARN endpoint/myendpoint).
"""

from __future__ import annotations

from emulator.kernel.ports import Kernel
from emulator.kernel.store import Row

PIPELINE = "sagemaker.pipeline"
EXECUTION = "sagemaker.execution"
STEP = "sagemaker.execution_step"
PROCESSING_JOB = "sagemaker.processing_job"
TRAINING_JOB = "sagemaker.training_job"
PACKAGE_GROUP = "sagemaker.model_package_group"
PACKAGE = "sagemaker.model_package"
MODEL = "sagemaker.model"
ENDPOINT_CONFIG = "sagemaker.endpoint_config"
ENDPOINT = "sagemaker.endpoint"
JOB_DEFINITION = "sagemaker.monitoring_job_definition"
MONITORING_SCHEDULE = "sagemaker.monitoring_schedule"
MONITORING_EXECUTION = "sagemaker.monitoring_execution"
MONITORING_ALERT = "sagemaker.monitoring_alert"
ALERT_CHANGE = "sagemaker.monitoring_alert_change"
TOKEN = "sagemaker.client_request_token"
CALLBACK = "sagemaker.callback_token"

# The resource part of an ARN -> the kind of its row, and the row's own ARN.
_BY_RESOURCE = {
    "pipeline": (PIPELINE, "PipelineArn"),
    "processing-job": (PROCESSING_JOB, "ProcessingJobArn"),
    "training-job": (TRAINING_JOB, "TrainingJobArn"),
    "model-package-group": (PACKAGE_GROUP, "ModelPackageGroupArn"),
    "model-package": (PACKAGE, "ModelPackageArn"),
    "model": (MODEL, "ModelArn"),
    "endpoint-config": (ENDPOINT_CONFIG, "EndpointConfigArn"),
    "endpoint": (ENDPOINT, "EndpointArn"),
    "monitoring-schedule": (MONITORING_SCHEDULE, "MonitoringScheduleArn"),
    "data-quality-job-definition": (JOB_DEFINITION, "JobDefinitionArn"),
    "model-quality-job-definition": (JOB_DEFINITION, "JobDefinitionArn"),
    "model-bias-job-definition": (JOB_DEFINITION, "JobDefinitionArn"),
    "model-explainability-job-definition": (JOB_DEFINITION, "JobDefinitionArn"),
}


def lower_arn(kernel: Kernel, resource: str, name: str) -> str:
    return kernel.arn("sagemaker", f"{resource}/{name.lower()}")


def short(name_or_arn: str) -> str:
    """The name in a parameter that takes a name or an ARN."""
    return name_or_arn.rpartition(":")[2].partition("/")[2] if name_or_arn.startswith("arn:") else name_or_arn


def is_known(kernel: Kernel, arn: str) -> bool:
    """Whether a resource of ours with this ARN exists."""
    resource = arn.rpartition(":")[2]
    if "/execution/" in resource:
        return kernel.store.get(EXECUTION, arn) is not None
    kind, field = _BY_RESOURCE.get(resource.partition("/")[0], ("", ""))
    return bool(kind) and any(row.get(field) == arn for row in kernel.store.rows(kind))


def public(row: Row) -> Row:
    """A row without what is only ours: keys that start with an underscore."""
    return {key: value for key, value in row.items() if not key.startswith("_")}
