"""The names of everything, in one place: stacks are linked by these names and by nothing else."""

from dataclasses import dataclass

from aws_cdk import Aws

from infra.release_settings import STAGES


def stack_id(prefix: str, *parts: str) -> str:
    """`Driftloop` for what all models share, `Driftloop-<model>` for one model, `-<stage>` for its stage elsewhere."""
    return "-".join((prefix[0].upper() + prefix[1:], *parts))


def arn(service: str, resource: str, account: str = Aws.ACCOUNT_ID) -> str:
    """The ARN of a resource of ours, by its name, in the region of the stack, and in its account unless another is."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{account}:{resource}"


def role_arn(account: str, name: str) -> str:
    """The ARN of a role by its name."""
    return f"arn:{Aws.PARTITION}:iam::{account}:role/{name}"


@dataclass(frozen=True)
class SharedNames:
    """Names of what all models share.

    Attributes:
        account: home's; said only where a stack of another account speaks of home.
    """

    prefix: str
    account: str = Aws.ACCOUNT_ID

    @property
    def raw_bucket(self) -> str:
        """Where data files land."""
        return f"{self.prefix}-raw-{self._place}"

    @property
    def artifact_bucket(self) -> str:
        """Where runs put what they make."""
        return f"{self.prefix}-artifacts-{self._place}"

    @property
    def key_alias(self) -> str:
        """What the artifacts' key goes by where it has to be one of ours: a key itself has no name."""
        return f"alias/{self.prefix}-artifacts"

    @property
    def key_parameter(self) -> str:
        """Where the key's ARN stands, for home's stacks: Systems Manager's parameters have names."""
        return f"/{self.prefix}/artifact-key-arn"

    @property
    def bus_arn(self) -> str:
        """The event bus that home's rules listen to."""
        return self.arn("events", "event-bus/default")

    @property
    def ledger(self) -> str:
        """The table of files, batches, leases and releases."""
        return f"{self.prefix}-ledger"

    @property
    def ledger_arn(self) -> str:
        """ARN of the ledger table."""
        return self.arn("dynamodb", f"table/{self.ledger}")

    @property
    def people_topic(self) -> str:
        """Where people are told."""
        return f"{self.prefix}-people"

    @property
    def people_topic_arn(self) -> str:
        """ARN of the people topic."""
        return self.arn("sns", self.people_topic)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something at home."""
        return arn(service, resource, self.account)

    @property
    def _place(self) -> str:
        return f"{self.account}-{Aws.REGION}"


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
    def retrain_pipeline(self) -> str:
        """The pipeline that trains on what production saw."""
        return self.of("retrain")

    @property
    def watch_pipeline(self) -> str:
        """The pipeline that looks at what production saw."""
        return self.of("watch")

    @property
    def data_quality_schedule(self) -> str:
        """Model Monitor's schedule that looks at requests."""
        return self.of("data-quality")

    @property
    def model_quality_schedule(self) -> str:
        """Model Monitor's schedule that looks at answers."""
        return self.of("model-quality")

    @property
    def drift_alarm(self) -> str:
        """The alarm on the champion's inputs."""
        return self.of("drift")

    @property
    def quality_alarm(self) -> str:
        """The alarm on the champion's answers."""
        return self.of("quality")

    @property
    def retrain_alarm(self) -> str:
        """The one alarm that asks for retraining."""
        return self.of("retrain")

    @property
    def release_pipeline(self) -> str:
        """The pipeline that releases."""
        return self.of("release")

    @property
    def rollback_pipeline(self) -> str:
        """The pipeline that brings an earlier version back."""
        return self.of("rollback")

    @property
    def train_pipelines(self) -> tuple[str, str]:
        """The pipelines that make versions."""
        return (self.train_pipeline, self.retrain_pipeline)

    @property
    def release_pipelines(self) -> tuple[str, str]:
        """The pipelines that change production."""
        return (self.release_pipeline, self.rollback_pipeline)

    @property
    def rollback_alarms(self) -> tuple[str, str]:
        """The alarms on production's errors and on its latency that undo an update."""
        return (self.of("prod-errors"), self.of("prod-latency"))

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The endpoints of all stages, production last."""
        return tuple(self.of(stage) for stage in STAGES)

    def release_role(self, stage: str) -> str:
        """The role in a stage's own account that home's functions and tests take on."""
        return self.of(f"{stage}-release")

    def serve_role(self, stage: str) -> str:
        """The role in a stage's own account that its endpoint's containers have."""
        return self.of(f"{stage}-serve")

    def actors(self, stage: str) -> tuple[str, ...]:
        """The roles at home that act on a stage's endpoint: functions, model tests, and who asks for the champion."""
        more = ("train", "watch") if stage == "prod" else ("decide-release",)
        return tuple(self.of(name) for name in sorted(("answer-waits", "change-endpoint", "release", *more)))

    def pipeline_arn(self, name: str) -> str:
        """ARN of a pipeline by its name."""
        return self.shared.arn("sagemaker", f"pipeline/{name}")

    @property
    def package_group_arn(self) -> str:
        """ARN of the model package group."""
        return self.shared.arn("sagemaker", f"model-package-group/{self.package_group}")

    @property
    def package_arns(self) -> str:
        """ARN pattern of the group's packages."""
        return self.shared.arn("sagemaker", f"model-package/{self.package_group}/*")
