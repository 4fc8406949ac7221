"""AWS clients, each made when it is first needed: a cold start pays for the services that it uses."""

from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

_CONFIG = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 3})
"""All tries of one call end well before the function's own timeout, so that the failure is ours to report."""


class Clients(Protocol):
    """The AWS services that a function talks to."""

    @property
    def cloudwatch(self) -> "CloudWatchClient":
        """How a variant does."""

    @property
    def dynamodb(self) -> "DynamoDBClient":
        """The ledger's service."""

    @property
    def s3(self) -> "S3Client":
        """Manifests and reports."""

    @property
    def sagemaker(self) -> "SageMakerClient":
        """Pipelines and model packages."""

    @property
    def scheduler(self) -> Any:
        """Ticks while something waits; no stubs in the locked requirements."""

    @property
    def sns(self) -> "SNSClient":
        """People."""

    @property
    def sqs(self) -> "SQSClient":
        """Messages to ourselves, and dead letters."""


class LazyClients:
    """The real clients."""

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """How a variant does."""
        return boto3.client("cloudwatch", config=_CONFIG)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The ledger's service."""
        return boto3.client("dynamodb", config=_CONFIG)

    @cached_property
    def s3(self) -> "S3Client":
        """Manifests and reports."""
        return boto3.client("s3", config=_CONFIG)

    @cached_property
    def sagemaker(self) -> "SageMakerClient":
        """Pipelines and model packages."""
        return boto3.client("sagemaker", config=_CONFIG)

    @cached_property
    def scheduler(self) -> Any:
        """Ticks while something waits."""
        make: Any = boto3.client
        return make("scheduler", config=_CONFIG)

    @cached_property
    def sns(self) -> "SNSClient":
        """People."""
        return boto3.client("sns", config=_CONFIG)

    @cached_property
    def sqs(self) -> "SQSClient":
        """Messages to ourselves, and dead letters."""
        return boto3.client("sqs", config=_CONFIG)
