"""How many instances production has, as the settings say it: registered once the endpoint is there."""

from dataclasses import dataclass

from lambdas.change_endpoint import decision
from lambdas.shared.clients import Clients
from lambdas.shared.observability import log
from lambdas.shared.settings import Scaling


@dataclass(frozen=True)
class Scaler:
    """The scalable target of an endpoint's champion.

    Args:
        clients: of the account that the endpoint lives in.
    """

    clients: Clients
    scaling: Scaling | None

    def apply(self, endpoint: str) -> str:
        """Register the champion with its bounds and its policy, or take it off; either may be done again.

        Returns:
            What holds now, in words.
        """
        if self.scaling is None:
            return "taken off" if self.deregister(endpoint) else "not asked for"
        bounds = {"MinCapacity": self.scaling.instances_min, "MaxCapacity": self.scaling.instances_max}
        self.clients.autoscaling.register_scalable_target(**decision.scalable_target(endpoint), **bounds)
        self.clients.autoscaling.put_scaling_policy(**decision.scaling_policy(endpoint, self.scaling))
        log.info("endpoint.scaling", extra={"endpoint": endpoint, **bounds})
        return (
            f"{self.scaling.instances_min} to {self.scaling.instances_max} instances, "
            f"{self.scaling.invocations_per_instance:g} invocations a minute each"
        )

    def deregister(self, endpoint: str) -> bool:
        """Take the champion off, its policies too.

        Returns:
            Whether it was registered.
        """
        target = decision.scalable_target(endpoint)
        found = self.clients.autoscaling.describe_scalable_targets(
            ServiceNamespace=target["ServiceNamespace"], ResourceIds=[target["ResourceId"]]
        )
        if not found["ScalableTargets"]:
            return False
        self.clients.autoscaling.deregister_scalable_target(**target)
        log.info("endpoint.scaling_ended", extra={"endpoint": endpoint})
        return True
