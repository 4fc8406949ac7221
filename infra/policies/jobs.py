"""What SageMaker's jobs and endpoints need besides their own data: images, logs, metrics, and the steps themselves."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from infra.names import arn
from infra.policies.statements import allow, bucket_arn


def pull_images(registry_account: str) -> list[iam.PolicyStatement]:
    """Pull the framework images from AWS's registry of the region."""
    images = f"arn:{Aws.PARTITION}:ecr:{Aws.REGION}:{registry_account}:repository/sagemaker-*"
    return [
        allow(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
            on=images,
            because="the image is chosen by the definition; all framework images of SageMaker start like this",
        ),
        allow("ecr:GetAuthorizationToken", on="*", because="ECR gives one token for all registries: no resource"),
    ]


def write_logs_and_metrics(*log_groups: str) -> list[iam.PolicyStatement]:
    """Write to SageMaker's log groups (`ProcessingJobs`, ...) and to its metric namespaces."""
    groups = [arn("logs", f"log-group:/aws/sagemaker/{group}") for group in log_groups]
    return [
        allow(
            "logs:CreateLogGroup",
            "logs:CreateLogStream",
            "logs:DescribeLogStreams",
            "logs:PutLogEvents",
            on=[name for group in groups for name in (group, f"{group}:*")],
            because="the streams of a log group are named after jobs that do not exist yet",
        ),
        allow(
            "cloudwatch:PutMetricData",
            on="*",
            because="PutMetricData knows no resource; the condition keeps it to SageMaker's namespaces",
            only_if={"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "aws/sagemaker/*"]}},
        ),
    ]


def run_steps(*kinds: str) -> iam.PolicyStatement:
    """Create, watch and stop the jobs of pipeline steps.

    Args:
        kinds: `Processing`, `Training`.
    """
    actions = [f"sagemaker:{verb}{kind}Job" for kind in kinds for verb in ("Create", "Describe", "Stop")]
    return allow(
        *actions,
        "sagemaker:AddTags",
        on=[arn("sagemaker", f"{kind.lower()}-job/pipelines-*") for kind in kinds],
        because="SageMaker names the jobs of a pipeline `pipelines-<execution>-<step>-<random>`",
    )


def pass_role(role_arn: str, to: str = "sagemaker") -> iam.PolicyStatement:
    """Hand a role to one service, and to nobody else."""
    service = f"{to}.amazonaws.com"
    return allow("iam:PassRole", on=role_arn, only_if={"StringEquals": {"iam:PassedToService": service}})


def read_assets(asset_bucket: str) -> list[iam.PolicyStatement]:
    """Read scripts, contract and sources from the CDK's asset bucket."""
    bucket = bucket_arn(asset_bucket)
    reason = "asset keys are content hashes; a policy per hash would lag behind each change of the code"
    return [
        allow("s3:GetObject", on=f"{bucket}/*", because=reason),
        allow("s3:ListBucket", "s3:GetBucketLocation", on=bucket),
    ]


def use_objects(bucket_name: str, prefix: str, *actions: str) -> list[iam.PolicyStatement]:
    """Use the objects under a prefix, and list them: a step's input is a prefix to SageMaker, even for one object."""
    bucket = bucket_arn(bucket_name)
    return [
        allow(*actions, on=f"{bucket}/{prefix}*", because="the keys under the prefix are made by runs to come"),
        allow("s3:GetBucketLocation", on=bucket),
        allow("s3:ListBucket", on=bucket, only_if={"StringLike": {"s3:prefix": [f"{prefix}*"]}}),
    ]
