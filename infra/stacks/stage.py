"""One stage of one model in an account of its own: roles, and the news of its endpoint; nothing with behaviour."""

from aws_cdk import CfnOutput, Environment, Stack
from constructs import Construct

from infra.constructs.guests import Guest
from infra.constructs.pipeline import RegistryAccounts
from infra.constructs.rollback_alarms import RollbackAlarms
from infra.constructs.stage import EndpointNews, StageRoles
from infra.names import stack_id
from infra.policies.tags import tag
from infra.release_settings import ReleaseSettings
from infra.settings import Accounts, Home


class StageStack(Stack):
    """The stack `Driftloop-<model>-<stage>`, in the stage's account and home's region."""

    def __init__(self, scope: Construct, guest: Guest, accounts: Accounts, release: ReleaseSettings) -> None:
        names, home = guest.names, accounts.home
        assert isinstance(home, Home)  # settings refuse stages elsewhere without it
        super().__init__(
            scope,
            stack_id(names.shared.prefix, names.model, guest.stage),
            description=f"Driftloop: the stage {guest.stage} of the model {names.model}",
            env=Environment(account=guest.account, region=home.region),
        )
        registry = RegistryAccounts(self, "Registry")
        roles = StageRoles(self, "Roles", guest=guest, release=release, registry_account=registry.account)
        if guest.is_production and release.has_rollback_alarms:
            RollbackAlarms(self, "RollbackAlarms", names=names, rails=release.experiment.guard_rails)
        EndpointNews(self, "News", guest=guest)
        CfnOutput(self, "Endpoint", value=names.of(guest.stage))
        CfnOutput(self, "ReleaseRoleArn", value=roles.release.role_arn)
        CfnOutput(self, "ServeRoleArn", value=roles.serve.role_arn)
        tag(self, names.shared.prefix, names.model)
