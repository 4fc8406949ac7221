"""What a look at production may do: find who serves, read what was captured and told, write reports and metrics."""

from aws_cdk import aws_iam as iam

from infra.apart import Apart
from infra.names import ModelNames
from infra.policies import jobs, keys, releases
from infra.policies.statements import allow, bucket_arn


def watch(
    names: ModelNames, role_arn: str, assets: str, registry_account: str, apart: Apart
) -> list[iam.PolicyStatement]:
    """What the steps of `watch` need."""
    bucket = names.shared.artifact_bucket
    return [
        jobs.run_steps("Processing"),
        jobs.pass_role(role_arn),
        *jobs.pull_images(registry_account),
        *jobs.write_logs_and_metrics("ProcessingJobs"),
        *jobs.read_assets(assets),
        *jobs.use_objects(bucket, f"{names.model}/", "s3:GetObject"),
        allow(
            "s3:AbortMultipartUpload",
            "s3:PutObject",
            on=f"{bucket_arn(bucket)}/{names.model}/monitoring/*",
            because="each run has its reports under its own time",
        ),
        *find_serving(names, apart),
        *apart.act(("prod",)),
        *apart.use_key(*keys.WRITE),
    ]


def find_serving(names: ModelNames, apart: Apart) -> list[iam.PolicyStatement]:
    """From the endpoint to the package, and since when it serves."""
    configs = [releases.list_configs()] if "prod" in apart.at_home else []
    return [*releases.find_champion(names, [stage for stage in apart.at_home if stage == "prod"]), *configs]
