"""AWS clients, each made when it is first needed: a cold start pays for the services that it uses.

Endpoints, their configs, models, metrics and scaling are asked of the account that their stage lives in
(`clients.at(stage)`); registry, pipelines, ledger, objects and messages are home's.
"""

import functools
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials

from lambdas.shared.settings import AT_HOME, StageRoles

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

    def at(self, stage: str) -> "Clients":
        """The services of the account that a stage lives in."""

    @property
    def autoscaling(self) -> Any:
        """How many instances a variant has; no stubs in the locked requirements."""

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
    """The real clients.

    Args:
        roles: what to act as in stages that have accounts of their own.
        session: whose credentials the clients have; the function's own unless another is given.
    """

    def __init__(self, roles: StageRoles = AT_HOME, session: boto3.Session | None = None) -> None:
        self._roles = roles
        self._session = session or boto3.Session()
        self._stages: dict[str, Clients] = {}

    def at(self, stage: str) -> Clients:
        """The services of the account that a stage lives in; nothing is asked of STS before one of them is."""
        role_arn = self._roles.arns.get(stage)
        if role_arn is None:
            return self
        if stage not in self._stages:
            self._stages[stage] = LazyClients(session=_acting_as(role_arn, self._roles.who, self._session))
        return self._stages[stage]

    @cached_property
    def autoscaling(self) -> Any:
        """How many instances a variant has."""
        make: Any = self._session.client
        return make("application-autoscaling", config=_CONFIG)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        """How a variant does."""
        return self._session.client("cloudwatch", config=_CONFIG)

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        """The ledger's service."""
        return self._session.client("dynamodb", config=_CONFIG)

    @cached_property
    def s3(self) -> "S3Client":
        """Manifests and reports."""
        return self._session.client("s3", config=_CONFIG)

    @cached_property
    def sagemaker(self) -> "SageMakerClient":
        """Pipelines and model packages."""
        return self._session.client("sagemaker", config=_CONFIG)

    @cached_property
    def scheduler(self) -> Any:
        """Ticks while something waits."""
        make: Any = self._session.client
        return make("scheduler", config=_CONFIG)

    @cached_property
    def sns(self) -> "SNSClient":
        """People."""
        return self._session.client("sns", config=_CONFIG)

    @cached_property
    def sqs(self) -> "SQSClient":
        """Messages to ourselves, and dead letters."""
        return self._session.client("sqs", config=_CONFIG)


class _AssumedRole(CredentialProvider):
    """A role as the first place where botocore looks for credentials."""

    METHOD = "assumed-role"

    def __init__(self, fetcher: AssumeRoleCredentialFetcher) -> None:
        super().__init__()
        self._fetcher = fetcher

    def load(self) -> DeferredRefreshableCredentials:
        """Credentials that fetch themselves, and again before they expire."""
        return DeferredRefreshableCredentials(self._fetcher.fetch_credentials, self.METHOD)


def _acting_as(role_arn: str, who: str, home: boto3.Session) -> boto3.Session:
    """A session with a role's credentials; `who` stands in the trail of the role's account."""
    own = botocore.session.get_session()
    fetcher = AssumeRoleCredentialFetcher(
        functools.partial(own.create_client, config=_CONFIG),
        home.get_credentials(),
        role_arn,
        extra_args={"RoleSessionName": who},
    )
    own.get_component("credential_provider").insert_before("env", _AssumedRole(fetcher))
    return boto3.Session(botocore_session=own, region_name=home.region_name)
