"""A stage in an account of its own: who may act there for home, what its endpoint may do, how home hears of it."""

from collections.abc import Iterable

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.constructs.guests import Guest
from infra.constructs.queue import alarm_on, dead_letter_queue
from infra.names import role_arn
from infra.policies import keys, releases, traffic
from infra.policies.statements import allow
from infra.release_settings import ReleaseSettings
from lambdas.shared import events as vocabulary


class StageRoles(Construct):
    """The role that home's functions and tests take on, and the role of the endpoint's containers."""

    def __init__(
        self, scope: Construct, construct_id: str, *, guest: Guest, release: ReleaseSettings, registry_account: str
    ) -> None:
        super().__init__(scope, construct_id)
        names, stages = guest.names, (guest.stage,)
        alarms = traffic.watch_alarms(names, release, stages)
        serving = keys.WRITE if guest.is_production else keys.READ
        self.serve = self._role(
            "Serve",
            names.serve_role(guest.stage),
            iam.ServicePrincipal("sagemaker.amazonaws.com"),
            [*releases.serve(names, registry_account, stages), *alarms, keys.use_key(names.shared, *serving)],
        )
        self.release = self._role(
            "Release",
            names.release_role(guest.stage),
            _home(guest),
            [
                *releases.change_endpoints(names, self.serve.role_arn, stages),
                *alarms,
                *traffic.scale(names, release, stages),
                *traffic.move_weights(names, release, stages),
                *releases.ask_endpoints(names, stages),
                *releases.see_endpoints(names, stages),
                *releases.see_metrics(stages),
                *([releases.list_configs()] if "prod" in stages else []),
                allow("sagemaker:DescribeModelPackageGroup", on=names.package_group_arn),
            ],
        )

    def _role(
        self, construct_id: str, name: str, trusted: iam.IPrincipal, statements: Iterable[iam.PolicyStatement]
    ) -> iam.Role:
        role = iam.Role(self, construct_id, role_name=name, assumed_by=trusted)
        for statement in statements:
            role.add_to_policy(statement)
        return role


def _home(guest: Guest) -> iam.IPrincipal:
    """Exactly the roles at home that act on this stage; by condition, for the reasons in `guests`."""
    account = guest.names.shared.account
    actors = [role_arn(account, name) for name in guest.names.actors(guest.stage)]
    return iam.AccountPrincipal(account).with_conditions({"ArnEquals": {"aws:PrincipalArn": actors}})


class EndpointNews(Construct):
    """What happens to the endpoint goes to home's bus; what cannot be delivered for a day is kept and told."""

    def __init__(self, scope: Construct, construct_id: str, *, guest: Guest) -> None:
        super().__init__(scope, construct_id)
        names, name = guest.names, guest.names.of(f"{guest.stage}-news")
        dead_letters = dead_letter_queue(self, f"{name}-dlq")
        told = "Home was not told of an endpoint's change; its ticks find out by themselves. Mend the cause."
        alarm_on(self, dead_letters, f"{name}-dlq", told, names.shared.people_topic_arn)
        home = events.EventBus.from_event_bus_arn(self, "Home", names.shared.bus_arn)
        forward = iam.Role(self, "Role", role_name=name, assumed_by=iam.ServicePrincipal("events.amazonaws.com"))
        events.Rule(
            self,
            "Rule",
            rule_name=name,
            description=f"Changes of {names.of(guest.stage)}, for the release that waits at home",
            event_pattern=events.EventPattern(
                source=[vocabulary.SAGEMAKER_SOURCE],
                detail_type=[vocabulary.ENDPOINT_CHANGED],
                detail={"EndpointName": [names.of(guest.stage)]},
            ),
            targets=[targets.EventBus(home, role=forward, dead_letter_queue=dead_letters)],
        )
