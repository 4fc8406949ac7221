"""What a release may do: make models and endpoint configs, change this model's endpoints, test them, answer waits."""

from aws_cdk import aws_iam as iam

from infra.names import ModelNames, arn
from infra.policies import jobs
from infra.policies.statements import allow, bucket_arn

_NAMED = "each release makes a model and endpoint configs with names of its own under the model's prefix"


def serve(names: ModelNames, registry_account: str) -> list[iam.PolicyStatement]:
    """What the endpoints' containers need: their model, their image, a log, and to write what is captured."""
    bucket = names.shared.artifact_bucket
    return [
        *jobs.use_objects(bucket, f"{names.model}/", "s3:GetObject"),
        allow(
            "s3:PutObject",
            on=f"{bucket_arn(bucket)}/{names.model}/capture/*",
            because="what is captured lies in files per hour",
        ),
        *jobs.pull_images(registry_account),
        *(each for name in names.endpoints for each in jobs.write_logs_and_metrics(f"Endpoints/{name}")),
    ]


def change_endpoints(names: ModelNames, serve_role_arn: str) -> list[iam.PolicyStatement]:
    """Start changes: models, endpoint configs, and the endpoints of this model; only dev and staging are taken down."""
    models, configs = _made(names)
    return [
        allow("sagemaker:CreateModel", on=models, because=_NAMED),
        allow(
            "sagemaker:CreateEndpointConfig",
            "sagemaker:DescribeEndpointConfig",
            on=configs,
            because=_NAMED,
        ),
        allow("sagemaker:DescribeEndpoint", on=_endpoints(names)),
        allow(
            "sagemaker:CreateEndpoint",
            "sagemaker:UpdateEndpoint",
            on=[*_endpoints(names), configs],
            because="creating and updating ask for the endpoint and for its new config, which has a name of its own",
        ),
        *clean_up(names),
        allow(
            "sagemaker:DeleteEndpointConfig",
            # `stag`: a config's own suffix may cost a long name its last letters
            on=[arn("sagemaker", f"endpoint-config/{names.of(stage)}*") for stage in ("dev", "stag")],
            because=_NAMED,
        ),
        allow(
            "sagemaker:CreateModel",
            "sagemaker:DescribeModelPackage",
            on=names.package_arns,
            because="packages are numbered as they are registered",
        ),
        jobs.pass_role(serve_role_arn),
    ]


def clean_up(names: ModelNames) -> list[iam.PolicyStatement]:
    """Take dev and staging down. Nothing of ours may delete production's endpoint."""
    return [allow("sagemaker:DeleteEndpoint", on=_endpoints(names)[:-1])]


def answer_waits(names: ModelNames, tick_role_arn: str) -> list[iam.PolicyStatement]:
    """Look at endpoints and at what experiments yield, answer the pipelines, and be called again."""
    artifacts = bucket_arn(names.shared.artifact_bucket)
    executions = [f"{names.pipeline_arn(name)}/execution/*" for name in names.release_pipelines]
    schedules = arn("scheduler", f"schedule/default/{names.package_group}-*")
    return [
        allow("sagemaker:DescribeEndpoint", on=_endpoints(names)),
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
        allow("cloudwatch:GetMetricData", on="*", because="CloudWatch knows no resource for reading metrics"),
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
    """What the steps of `release` and `rollback` need: tests of this model's endpoints, and what they compare with."""
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
        allow("sagemaker:InvokeEndpoint", on=_endpoints(names)),
        *find_champion(names),
    ]


def find_champion(names: ModelNames) -> list[iam.PolicyStatement]:
    """From an endpoint to the package that it serves."""
    models, configs = _made(names)
    return [
        allow("sagemaker:DescribeEndpoint", on=_endpoints(names)),
        allow("sagemaker:DescribeEndpointConfig", on=configs, because=_NAMED),
        allow("sagemaker:DescribeModel", on=models, because=_NAMED),
        allow(
            "sagemaker:DescribeModelPackage",
            on=names.package_arns,
            because="packages are numbered as they are registered",
        ),
    ]


def _made(names: ModelNames) -> tuple[str, str]:
    """Models and endpoint configs that releases make."""
    model, config = (arn("sagemaker", f"{kind}/{names.package_group}-*") for kind in ("model", "endpoint-config"))
    return model, config


def _endpoints(names: ModelNames) -> list[str]:
    return [arn("sagemaker", f"endpoint/{name}") for name in names.endpoints]
