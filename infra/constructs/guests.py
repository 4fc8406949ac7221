"""What home lets stages in other accounts do: read artifacts, write captures, be heard.

Policies name the account and, by condition, the role: a key's policy and a role's trust refuse a role that does not
exist yet, and a role that is made anew under the same name would no longer be meant. With a condition the order in
which accounts are deployed does not matter. Another account needs a word from a policy of its own besides.

Source: AWS KMS developer guide, "Allowing users in other accounts to use a KMS key"; IAM user guide, "AWS global
condition context keys" (`aws:PrincipalArn` is the role's ARN, not the session's) and "AWS JSON policy elements:
Principal"; EventBridge user guide, "Sending and receiving events between AWS accounts". Read 2026-11.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra.names import ModelNames, SharedNames, role_arn
from infra.policies import keys
from infra.policies.statements import bucket_arn
from lambdas.shared import events as vocabulary


@dataclass(frozen=True)
class Guest:
    """One stage of one model, in an account of its own."""

    names: ModelNames
    stage: str
    account: str

    @property
    def serve_role_arn(self) -> str:
        """The role of its endpoint's containers."""
        return role_arn(self.account, self.names.serve_role(self.stage))

    @property
    def is_production(self) -> bool:
        """Whether it captures."""
        return self.stage == "prod"


class ArtifactKey(Construct):
    """The key of the artifacts, which endpoints in other accounts may use: S3's own key cannot be shared."""

    def __init__(self, scope: Construct, construct_id: str, *, names: SharedNames, guests: Sequence[Guest]) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            alias=names.key_alias,
            description="Driftloop: models, reports and what is captured",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,  # without it the artifacts are noise
        )
        ssm.StringParameter(self, "Arn", parameter_name=names.key_parameter, string_value=self.key.key_arn)
        for account, hosted in _by_account(guests):
            self._allow(account, "Read", [guest for guest in hosted if not guest.is_production], keys.READ)
            self._allow(account, "Capture", [guest for guest in hosted if guest.is_production], keys.WRITE)

    def _allow(self, account: str, purpose: str, guests: Sequence[Guest], actions: Sequence[str]) -> None:
        if guests:
            statement = _allow(account, purpose, [guest.serve_role_arn for guest in guests], actions)
            statement.add_resources("*")  # in a key's policy: this key
            self.key.add_to_resource_policy(statement)


def use_bucket(names: SharedNames, guests: Sequence[Guest]) -> Iterator[iam.PolicyStatement]:
    """Endpoints elsewhere read their own model's artifacts; production's write what they capture."""
    bucket = bucket_arn(names.artifact_bucket)
    for account, hosted in _by_account(guests):
        found = _allow(account, "Find", [guest.serve_role_arn for guest in hosted], ["s3:GetBucketLocation"])
        found.add_resources(bucket)
        yield found
    for guest in guests:
        folder, roles = f"{guest.names.model}/", [guest.serve_role_arn]
        title = f"{guest.names.model.title().replace('-', '')}{guest.stage.title()}"
        listed = _allow(guest.account, f"{title}List", roles, ["s3:ListBucket"])
        listed.add_resources(bucket)
        listed.add_condition("StringLike", {"s3:prefix": [f"{folder}*"]})
        read = _allow(guest.account, f"{title}Read", roles, ["s3:GetObject"])
        read.add_resources(f"{bucket}/{folder}*")
        yield from (listed, read)
        if guest.is_production:
            written = _allow(guest.account, f"{title}Capture", roles, ["s3:PutObject"])
            written.add_resources(f"{bucket}/{folder}capture/*")
            yield written


def hear(scope: Construct, account: str) -> events.CfnEventBusPolicy:
    """Let an account send what happens to its endpoints to home's bus, and nothing else."""
    bus = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/default"
    return events.CfnEventBusPolicy(
        scope,
        f"Hears{account}",
        statement_id=f"driftloop-{account}",
        event_bus_name="default",
        statement={
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{Aws.PARTITION}:iam::{account}:root"},
            "Action": "events:PutEvents",
            "Resource": bus,
            "Condition": {
                "StringEquals": {
                    "events:source": vocabulary.SAGEMAKER_SOURCE,
                    "events:detail-type": vocabulary.ENDPOINT_CHANGED,
                }
            },
        },
    )


def _by_account(guests: Sequence[Guest]) -> Iterator[tuple[str, list[Guest]]]:
    for account in sorted({guest.account for guest in guests}):
        yield account, [guest for guest in guests if guest.account == account]


def _allow(account: str, sid: str, roles: Sequence[str], actions: Sequence[str]) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid=f"{sid}{account}",
        principals=[iam.AccountPrincipal(account)],
        actions=list(actions),
        conditions={"ArnEquals": {"aws:PrincipalArn": list(roles)}},
    )
