"""The names of everything, in one place: stacks are linked by these names and by nothing else."""

from dataclasses import dataclass
from typing import Final

from aws_cdk import Aws

_PLACE: Final = f"{Aws.ACCOUNT_ID}-{Aws.REGION}"


def stack_id(prefix: str, model: str | None = None) -> str:
    """`Driftloop` for what all models share, `Driftloop-<model>` for one model."""
    shared = prefix[0].upper() + prefix[1:]
    return f"{shared}-{model}" if model else shared


def arn(service: str, resource: str) -> str:
    """The ARN of a resource of ours, by its name, in the account and region of the stack."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


@dataclass(frozen=True)
class SharedNames:
    """Names of what all models share."""

    prefix: str

    @property
    def raw_bucket(self) -> str:
        """Where data files land."""
        return f"{self.prefix}-raw-{_PLACE}"

    @property
    def artifact_bucket(self) -> str:
        """Where runs put what they make."""
        return f"{self.prefix}-artifacts-{_PLACE}"

    @property
    def ledger(self) -> str:
        """The table of files, batches, leases and releases."""
        return f"{self.prefix}-ledger"

    @property
    def ledger_arn(self) -> str:
        """ARN of the ledger table."""
        return arn("dynamodb", f"table/{self.ledger}")

    @property
    def people_topic(self) -> str:
        """Where people are told."""
        return f"{self.prefix}-people"

    @property
    def people_topic_arn(self) -> str:
        """ARN of the people topic."""
        return arn("sns", self.people_topic)


@dataclass(frozen=True)
class ModelNames:
    """Names of what belongs to one model."""

    shared: SharedNames
    model: str

    def of(self, part: str) -> str:
        """`<prefix>-<model>-<part>`: a queue, function, role or pipeline of this model."""
        return f"{self.shared.prefix}-{self.model}-{part}"

    @property
    def raw_prefix(self) -> str:
        """Keys of this model's data files in the raw bucket."""
        return f"raw/{self.model}/"

    @property
    def package_group(self) -> str:
        """The model package group."""
        return f"{self.shared.prefix}-{self.model}"

    @property
    def endpoint(self) -> str:
        """The production endpoint; it keeps its name for ever."""
        return self.of("prod")

    @property
    def train_pipeline(self) -> str:
        """The pipeline that trains and registers."""
        return self.of("train")

    @property
    def release_pipeline(self) -> str:
        """The pipeline that releases."""
        return self.of("release")

    @property
    def rollback_pipeline(self) -> str:
        """The pipeline that brings an earlier version back."""
        return self.of("rollback")

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints of all stages, production last."""
        return (self.of("dev"), self.of("staging"), self.endpoint)

    def pipeline_arn(self, name: str) -> str:
        """ARN of a pipeline by its name."""
        return arn("sagemaker", f"pipeline/{name}")

    @property
    def package_arns(self) -> str:
        """ARN pattern of the group's packages."""
        return arn("sagemaker", f"model-package/{self.package_group}/*")
