"""What a release may do: make models and endpoint configs, change this model's endpoints, test them, answer waits.

Endpoints, their configs, models and metrics are those of the stack's own account: for a stage that has an account to
itself the same statements stand in that account's role, and home's roles may take that role on.
"""

from collections.abc import Sequence

from aws_cdk import aws_iam as iam

from infra.names import ModelNames, arn
from infra.policies import jobs
from infra.policies.statements import allow, bucket_arn
from infra.release_settings import STAGES

_NAMED = "each release makes a model and endpoint configs with names of its own under the model's prefix"


def serve(names: ModelNames, registry_account: str, stages: Sequence[str] = STAGES) -> list[iam.PolicyStatement]:
    """What the endpoints' containers need: their model, their image, a log, and to write what is captured."""
    bucket = names.shared.artifact_bucket
    return [
        *jobs.use_objects(bucket, f"{names.model}/", "s3:GetObject"),
        *([_capture(names)] if "prod" in stages else []),
        *jobs.pull_images(registry_account),
        *(each for stage in stages for each in jobs.write_logs_and_metrics(f"Endpoints/{names.of(stage)}")),
    ]


def _capture(names: ModelNames) -> iam.PolicyStatement:
    folder = f"{bucket_arn(names.shared.artifact_bucket)}/{names.model}/capture/*"
    return allow("s3:PutObject", on=folder, because="what is captured lies in files per hour")


def change_endpoints(
    names: ModelNames, serve_role_arn: str, stages: Sequence[str] = STAGES
) -> list[iam.PolicyStatement]:
    """Start changes: models, endpoint configs, and the endpoints of this model; only dev and staging are taken down."""
    endpoints = _endpoints(names, stages)
    models, configs = _made(names)
    return [
        allow("sagemaker:CreateModel", on=models, because=_NAMED),
        allow(
            "sagemaker:CreateEndpointConfig",
            "sagemaker:DescribeEndpointConfig",
            on=configs,
            because=_NAMED,
        ),
        allow("sagemaker:DescribeEndpoint", on=endpoints),
        allow(
            "sagemaker:CreateEndpoint",
            "sagemaker:UpdateEndpoint",
            on=[*endpoints, configs],
            because="creating and updating ask for the endpoint and for its new config, which has a name of its own",
        ),
        *clean_up(names, stages),
        read_packages(names, "sagemaker:CreateModel"),
        jobs.pass_role(serve_role_arn),
    ]


def clean_up(names: ModelNames, stages: Sequence[str] = STAGES) -> list[iam.PolicyStatement]:
    """Take dev and staging down, with their configs. Nothing of ours may delete production's endpoint."""
    short_lived = [stage for stage in stages if stage != "prod"]
    if not short_lived:
        return []
    # `stag`: a config's own suffix may cost a long name its last letters
    configs = [arn("sagemaker", f"endpoint-config/{names.of(stage[:4])}*") for stage in short_lived]
    return [
        allow("sagemaker:DeleteEndpoint", "sagemaker:DescribeEndpoint", on=_endpoints(names, short_lived)),
        allow("sagemaker:DeleteEndpointConfig", on=configs, because=_NAMED),
    ]


def read_packages(names: ModelNames, *more: str) -> iam.PolicyStatement:
    """Ask the registry about this model's packages, and more."""
    return allow(
        *more,
        "sagemaker:DescribeModelPackage",
        on=names.package_arns,
        because="packages are numbered as they are registered",
    )


def see_endpoints(names: ModelNames, stages: Sequence[str]) -> list[iam.PolicyStatement]:
    """How endpoints stand."""
    return [allow("sagemaker:DescribeEndpoint", on=_endpoints(names, stages))] if stages else []


def see_metrics(stages: Sequence[str]) -> list[iam.PolicyStatement]:
    """How production's variants do."""
    reason = "CloudWatch knows no resource for reading metrics"
    return [allow("cloudwatch:GetMetricData", on="*", because=reason)] if "prod" in stages else []


def list_configs() -> iam.PolicyStatement:
    """Which configs there were: since when a version serves."""
    return allow("sagemaker:ListEndpointConfigs", on="*", because="SageMaker knows no resource for listing configs")


def act_in_stages(role_arns: Sequence[str]) -> iam.PolicyStatement:
    """Take on the roles of stages that have accounts of their own."""
    return allow("sts:AssumeRole", on=role_arns)


def answer_waits(names: ModelNames, tick_role_arn: str, stages: Sequence[str] = STAGES) -> list[iam.PolicyStatement]:
    """Look at endpoints and at what experiments yield, answer the pipelines, and be called again."""
    artifacts = bucket_arn(names.shared.artifact_bucket)
    executions = [f"{names.pipeline_arn(name)}/execution/*" for name in names.release_pipelines]
    schedules = arn("scheduler", f"schedule/default/{names.package_group}-*")
    return [
        *see_endpoints(names, stages),
        allow(
            "sagemaker:SendPipelineExecutionStepFailure",
            "sagemaker:SendPipelineExecutionStepSuccess",
            on=[*map(names.pipeline_arn, names.release_pipelines), *executions],
            because="SageMaker names an execution when it starts",
        ),
        *(
            each
            for part in ("capture", "labels", "releases")
            for each in jobs.use_objects(names.shared.artifact_bucket, f"{names.model}/{part}/", "s3:GetObject")
        ),
        allow(
            "s3:PutObject",
            on=f"{artifacts}/{names.model}/releases/*",
            because="each release has its reports under its own id",
        ),
        *see_metrics(stages),
        allow(
            "scheduler:CreateSchedule",
            "scheduler:DeleteSchedule",
            "scheduler:UpdateSchedule",
            on=schedules,
            because="each wait has a schedule of its own, while it lasts",
        ),
        jobs.pass_role(tick_role_arn, to="scheduler"),
    ]


def run_releases(names: ModelNames, role_arn: str, assets: str, registry_account: str) -> list[iam.PolicyStatement]:
    """What the steps of `release` and `rollback` need besides the endpoints that they test."""
    return [
        jobs.run_steps("Processing"),
        jobs.pass_role(role_arn),
        *jobs.pull_images(registry_account),
        *jobs.write_logs_and_metrics("ProcessingJobs"),
        *jobs.read_assets(assets),
        *jobs.use_objects(names.shared.artifact_bucket, f"{names.model}/", "s3:GetObject"),
        allow(
            "s3:AbortMultipartUpload",
            "s3:PutObject",
            on=f"{bucket_arn(names.shared.artifact_bucket)}/{names.model}/releases/*",
            because="each release has its reports under its own id",
        ),
    ]


def ask_endpoints(names: ModelNames, stages: Sequence[str] = STAGES) -> list[iam.PolicyStatement]:
    """Ask endpoints as their callers do, and see whom production serves."""
    asked = [allow("sagemaker:InvokeEndpoint", on=_endpoints(names, stages))] if stages else []
    return [*asked, *find_champion(names, stages)]


def find_champion(names: ModelNames, stages: Sequence[str] = STAGES) -> list[iam.PolicyStatement]:
    """From an endpoint to the package that it serves."""
    return [*(_look_behind(names, stages) if stages else ()), read_packages(names)]


def _look_behind(names: ModelNames, stages: Sequence[str]) -> list[iam.PolicyStatement]:
    models, configs = _made(names)
    return [
        allow("sagemaker:DescribeEndpoint", on=_endpoints(names, stages)),
        allow("sagemaker:DescribeEndpointConfig", on=configs, because=_NAMED),
        allow("sagemaker:DescribeModel", on=models, because=_NAMED),
    ]


def _made(names: ModelNames) -> tuple[str, str]:
    """Models and endpoint configs that releases make."""
    model, config = (arn("sagemaker", f"{kind}/{names.package_group}-*") for kind in ("model", "endpoint-config"))
    return model, config


def _endpoints(names: ModelNames, stages: Sequence[str]) -> list[str]:
    return [arn("sagemaker", f"endpoint/{names.of(stage)}") for stage in stages]
