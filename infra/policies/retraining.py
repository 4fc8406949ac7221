"""What the retraining guard and the reconciler may do: look at nearly everything, and act by messages alone."""

from aws_cdk import aws_iam as iam

from infra.monitoring_settings import Monitoring
from infra.names import ModelNames, arn
from infra.policies import releases
from infra.policies.functions import tell_people, use_ledger
from infra.policies.statements import allow, bucket_arn

_EXECUTIONS = "SageMaker names an execution when it starts"
_METRICS = "Driftloop"


def guard(names: ModelNames) -> list[iam.PolicyStatement]:
    """See whether the alarm stands, who is champion, and what retraining has cost."""
    retrain = names.pipeline_arn(names.retrain_pipeline)
    return [
        use_ledger(names.shared),
        tell_people(names.shared),
        _see_alarms(),
        releases.read_packages(names),
        allow("sagemaker:ListPipelineExecutions", on=retrain),
        allow("sagemaker:ListPipelineExecutionSteps", on=f"{retrain}/execution/*", because=_EXECUTIONS),
        allow(
            "sagemaker:DescribeProcessingJob",
            "sagemaker:DescribeTrainingJob",
            on=[arn("sagemaker", f"{kind}-job/pipelines-*") for kind in ("processing", "training")],
            because="SageMaker names the jobs of a pipeline `pipelines-<execution>-<step>-<random>`",
        ),
    ]


def reconcile(names: ModelNames, monitoring: Monitoring) -> list[iam.PolicyStatement]:
    """See what there is and what the ledger knows of it; count how long nobody has looked at production."""
    raw = bucket_arn(names.shared.raw_bucket)
    pipelines = (*names.train_pipelines, *names.release_pipelines, names.watch_pipeline)
    return [
        use_ledger(names.shared),
        _see_alarms(),
        allow("s3:ListBucketVersions", on=raw, only_if={"StringLike": {"s3:prefix": [f"{names.raw_prefix}*"]}}),
        allow("sagemaker:ListModelPackages", on=names.package_group_arn),
        releases.read_packages(names),
        allow("sagemaker:ListPipelineExecutions", on=names.pipeline_arn(names.watch_pipeline)),
        allow(
            "sagemaker:DescribePipelineExecution",
            on=[f"{names.pipeline_arn(name)}/execution/*" for name in pipelines],
            because=_EXECUTIONS,
        ),
        allow(
            "cloudwatch:PutMetricData",
            on="*",
            because="PutMetricData knows no resource; the condition keeps it to a namespace of our own",
            only_if={"StringEquals": {"cloudwatch:namespace": _METRICS}},
        ),
        *([_see_schedules()] if monitoring.is_model_monitor else []),
    ]


def _see_schedules() -> iam.PolicyStatement:
    reason = "SageMaker knows no resource for listing monitoring executions"
    return allow("sagemaker:ListMonitoringExecutions", on="*", because=reason)


def _see_alarms() -> iam.PolicyStatement:
    return allow("cloudwatch:DescribeAlarms", on="*", because="composite alarms are described for all resources only")
