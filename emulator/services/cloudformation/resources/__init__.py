"""The resource types that can be deployed: one small file each, found by one line here."""

from __future__ import annotations

from importlib import import_module

from emulator.services.cloudformation.deployment import ResourceType

_FILES = (
    "applicationautoscaling_scalable_target",
    "applicationautoscaling_scaling_policy",
    "cdk_metadata",
    "cloudwatch_alarm",
    "cloudwatch_composite_alarm",
    "cloudwatch_dashboard",
    "dynamodb_table",
    "ecr_repository",
    "events_api_destination",
    "events_archive",
    "events_connection",
    "events_event_bus",
    "events_rule",
    "iam_policy",
    "iam_role",
    "kinesis_stream",
    "lambda_alias",
    "lambda_event_invoke_config",
    "lambda_event_source_mapping",
    "lambda_function",
    "lambda_layer_version",
    "lambda_permission",
    "lambda_url",
    "lambda_version",
    "logs_log_group",
    "logs_metric_filter",
    "s3_bucket",
    "s3_bucket_policy",
    "sagemaker_model_package_group",
    "sagemaker_pipeline",
    "scheduler_schedule",
    "scheduler_schedule_group",
    "sns_subscription",
    "sns_topic",
    "sns_topic_policy",
    "sqs_queue",
    "sqs_queue_policy",
    "ssm_parameter",
)


def _type_in(file: str) -> ResourceType:
    found: ResourceType = import_module(f"{__name__}.{file}").TYPE
    return found


TYPES: dict[str, ResourceType] = {found.name: found for found in map(_type_in, _FILES)}
