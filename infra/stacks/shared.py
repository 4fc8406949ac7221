"""What all models share: two buckets, the ledger, the people topic; and what stages in other accounts may use of it."""

from collections.abc import Sequence

from aws_cdk import CfnOutput, Duration, Environment, Stack
from constructs import Construct

from infra.constructs.bucket import DataBucket
from infra.constructs.guests import ArtifactKey, Guest, hear, use_bucket
from infra.constructs.ledger import Ledger
from infra.constructs.people import PeopleTopic
from infra.names import SharedNames, stack_id
from infra.policies.tags import tag


class SharedStack(Stack):
    """The stack `Driftloop`. It outlives any model."""

    def __init__(
        self, scope: Construct, names: SharedNames, guests: Sequence[Guest] = (), env: Environment | None = None
    ) -> None:
        super().__init__(
            scope,
            stack_id(names.prefix),
            description="Driftloop: what all models share - data, ledger, people",
            env=env,
        )
        accounts = sorted({guest.account for guest in guests})
        key = ArtifactKey(self, "ArtifactKey", names=names, guests=guests).key if guests else None
        # A manifest names exact versions of raw files, so an old version is evidence for as long as its model may live.
        raw = DataBucket(self, "Raw", name=names.raw_bucket, old_versions_kept=Duration.days(730))
        artifacts = DataBucket(
            self, "Artifacts", name=names.artifact_bucket, old_versions_kept=Duration.days(90), key=key
        )
        for statement in use_bucket(names, guests):
            artifacts.bucket.add_to_resource_policy(statement)
        for account in accounts:
            hear(self, account)
        ledger = Ledger(self, "Ledger", name=names.ledger)
        people = PeopleTopic(self, "People", name=names.people_topic, accounts=accounts)
        CfnOutput(self, "RawBucket", value=raw.bucket.bucket_name)
        CfnOutput(self, "ArtifactBucket", value=artifacts.bucket.bucket_name)
        CfnOutput(self, "LedgerTable", value=ledger.table.table_name)
        CfnOutput(self, "PeopleTopicArn", value=people.topic.topic_arn)
        tag(self, names.prefix)
