"""What a model's home stack says about stages that live in accounts of their own; nothing where none does."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_iam as iam

from infra.names import ModelNames, role_arn
from infra.policies import keys, releases
from infra.release_settings import STAGES
from infra.settings import Accounts


@dataclass(frozen=True)
class Apart:
    """The stages of one model, by where they live.

    Attributes:
        key_arn: of the key that steps and captures encrypt what they write with; empty for S3's own key.
            Source: SageMaker developer guide, "Deploy a Model Version from a Different Account", read 2026-11: the
            outputs of training have to be encrypted with a KMS key of one's own.
    """

    names: ModelNames
    accounts: Accounts
    key_arn: str = ""

    @property
    def at_home(self) -> tuple[str, ...]:
        """Stages whose endpoints are in home's own account."""
        return self.accounts.at_home

    def roles(self, stages: Sequence[str] = STAGES) -> dict[str, str]:
        """The role that home takes on, by stage."""
        return {
            stage: role_arn(account, self.names.release_role(stage))
            for stage, account in self.accounts.apart.items()
            if stage in stages
        }

    def environment(self, stages: Sequence[str] = STAGES) -> dict[str, str]:
        """What a function that acts on endpoints is told."""
        roles = self.roles(stages)
        return {"STAGE_ROLES": json.dumps(roles)} if roles else {}

    def serve_environment(self) -> dict[str, str]:
        """What the function that makes models and captures is told besides."""
        if not self.accounts.apart:
            return {}
        roles = {
            stage: role_arn(account, self.names.serve_role(stage)) for stage, account in self.accounts.apart.items()
        }
        return {"STAGE_SERVE_ROLES": json.dumps(roles), "CAPTURE_KEY_ARN": self.key_arn}

    def act(self, stages: Sequence[str] = STAGES) -> list[iam.PolicyStatement]:
        """Take on the stages' roles."""
        roles = self.roles(stages)
        return [releases.act_in_stages(list(roles.values()))] if roles else []

    def use_key(self, *actions: str) -> list[iam.PolicyStatement]:
        """Use the key of the artifacts, if they have one."""
        return [keys.use_key(self.names.shared, *actions)] if self.accounts.apart else []

    @property
    def event_accounts(self) -> list[str] | None:
        """Whose endpoint events count; None where they can only be home's."""
        if self.accounts.home is None:
            return None
        return sorted({self.accounts.home.account, *self.accounts.apart.values()})
