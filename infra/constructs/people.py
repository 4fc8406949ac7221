"""Where people are told: approvals that wait, releases, failures, dead letters."""

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct


class PeopleTopic(Construct):
    """A topic that alarms of this account, and of stages' accounts, may publish to, over TLS only.

    It is not encrypted with a key of ours: alarms could then publish only with grants on that key, and no message
    carries data.
    """

    def __init__(self, scope: Construct, construct_id: str, *, name: str, accounts: Sequence[str] = ()) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(self, "Topic", topic_name=name, enforce_ssl=True)
        self.topic.add_to_resource_policy(self._alarms_may_publish(accounts))

    def _alarms_may_publish(self, accounts: Sequence[str]) -> iam.PolicyStatement:
        """Said here because a topic policy of one's own replaces the default that would have allowed it."""
        return iam.PolicyStatement(
            sid="AlarmsOfThisAccount",
            principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[self.topic.topic_arn],
            conditions={
                "StringEquals": {"aws:SourceAccount": [Aws.ACCOUNT_ID, *accounts] if accounts else Aws.ACCOUNT_ID}
            },
        )
