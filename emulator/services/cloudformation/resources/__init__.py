"""The resource types that can be deployed: one small file each, found by one line here."""

from __future__ import annotations

from emulator.services.cloudformation.deployment import ResourceType
from emulator.services.cloudformation.resources import (
    cdk_metadata,
    cloudwatch_alarm,
    cloudwatch_composite_alarm,
    cloudwatch_dashboard,
    dynamodb_table,
    ecr_repository,
    events_rule,
    iam_policy,
    iam_role,
    lambda_event_source_mapping,
    lambda_function,
    lambda_permission,
    logs_log_group,
    logs_metric_filter,
    s3_bucket,
    s3_bucket_policy,
    sagemaker_model_package_group,
    sagemaker_pipeline,
    sns_subscription,
    sns_topic,
    sns_topic_policy,
    sqs_queue,
    sqs_queue_policy,
    ssm_parameter,
)

TYPES: dict[str, ResourceType] = {
    module.TYPE.name: module.TYPE
    for module in (
        cdk_metadata,
        cloudwatch_alarm,
        cloudwatch_composite_alarm,
        cloudwatch_dashboard,
        dynamodb_table,
        ecr_repository,
        events_rule,
        iam_policy,
        iam_role,
        lambda_event_source_mapping,
        lambda_function,
        lambda_permission,
        logs_log_group,
        logs_metric_filter,
        s3_bucket,
        s3_bucket_policy,
        sagemaker_model_package_group,
        sagemaker_pipeline,
        sns_subscription,
        sns_topic,
        sns_topic_policy,
        sqs_queue,
        sqs_queue_policy,
        ssm_parameter,
    )
}
