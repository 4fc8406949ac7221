"""Which endpoint config a change of a release wants to be served, as a value. Nothing here talks to AWS.

Variants are fixed slots, `champion` and `challenger`: a promotion puts the new model into slot `champion`. Everything
is named after the package's version and the release, so a change that is repeated finds what it made before.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lambdas.shared.errors import Permanent
from lambdas.shared.settings import Machines, Scaling, Traffic

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
STAGES: Final = ("dev", "staging", "prod")

_NAME_MAX: Final = 63
_SUFFIX: Final = re.compile(r"-v\d+-[0-9a-f]{8}$")
_TIMEOUT_S: Final = (600, 28_800)
"""Bounds of MaximumExecutionTimeoutInSeconds. Source: SageMaker API reference, BlueGreenUpdatePolicy, read 2026-11."""


@dataclass(frozen=True)
class Experiment:
    """How challenger and champion share the traffic.

    Attributes:
        mode: `split` by weight; `paired`: the challenger sees every request and answers none; or `none`.
        start_weight: the challenger's share in mode split.
    """

    mode: str
    start_weight: float


@dataclass(frozen=True)
class Production:
    """What production serves now: its endpoint config, and the champion as that config has it."""

    config: str
    champion: Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """An endpoint with the config that it shall serve.

    Attributes:
        config: name of the endpoint config; empty when nothing has to change.
        variants: ProductionVariants of a config that has to be made; empty for one that exists.
        shadows: ShadowProductionVariants of it.
        mode: of an experiment: split or paired; none when there is no champion, off when nobody wants one.
        previous: the config that production served before.
        is_urgent: nobody shifts traffic bit by bit: what is served now is not wanted.
    """

    endpoint: str
    config: str
    variants: tuple[Mapping[str, Any], ...] = ()
    shadows: tuple[Mapping[str, Any], ...] = ()
    mode: str = "none"
    previous: str = ""
    is_urgent: bool = False

    @property
    def slots(self) -> str:
        """The variants' names, as `champion` or `champion,challenger`."""
        return ",".join(str(variant["VariantName"]) for variant in (*self.variants, *self.shadows)) or CHAMPION


@dataclass(frozen=True)
class Names:
    """Names of what one release of one version makes.

    Attributes:
        prefix: of the model's endpoints: `<prefix>-<stage>`.
    """

    prefix: str
    group: str
    version: int
    release_id: str

    @property
    def model(self) -> str:
        """The SageMaker model."""
        return _name(self.group, self._suffix)

    def endpoint(self, stage: str) -> str:
        """The endpoint of a stage; it keeps its name for ever.

        Raises:
            Permanent: there is no such stage.
        """
        return f"{self.prefix}-{self.stage(stage)}"

    @staticmethod
    def stage(name: str) -> str:
        """A stage by its name.

        Raises:
            Permanent: there is no such stage.
        """
        if name not in STAGES:
            raise Permanent(f"stage '{name}'", f"expected one of {', '.join(STAGES)}")
        return name

    def config(self, stage: str, purpose: str = "") -> str:
        """An endpoint config of this release."""
        return _name(self.endpoint(stage), self._suffix + purpose)

    def monitoring_job(self, title: str) -> str:
        """A job definition of this release."""
        return _name(f"{self.prefix}-{title}", self._suffix)

    def config_of(self, model: str) -> str:
        """The endpoint config with which a release brought its model into production: they end alike.

        Raises:
            Permanent: no release made the model.
        """
        found = _SUFFIX.search(model)
        if not found:
            raise Permanent(model, "expected a model that a release made; withdraw the experiment by hand")
        return _name(self.endpoint("prod"), found[0])

    @property
    def _suffix(self) -> str:
        return f"-v{self.version}-{hashlib.sha256(self.release_id.encode()).hexdigest()[:8]}"


def deploy(names: Names, stage: str, machines: Machines) -> Wanted:
    """The new model alone, in the slot `champion`."""
    variants = (_variant(CHAMPION, names.model, machines),)
    return Wanted(names.endpoint(stage), names.config(stage), variants)


def experiment(names: Names, machines: Machines, share: Experiment, production: Production | None) -> Wanted:
    """Champion and challenger side by side; nothing when production serves nobody yet, or nobody wants to compare."""
    endpoint = names.endpoint("prod")
    if production is None or share.mode == "none":
        return Wanted(endpoint, "", mode="none" if production is None else "off")
    challenger = _variant(CHALLENGER, names.model, machines)
    champion = {**production.champion, "InitialVariantWeight": 1.0}
    config = names.config("prod", "-ab")
    if share.mode == "paired":
        return Wanted(endpoint, config, (champion,), (challenger,), share.mode, production.config)
    split = (
        {**champion, "InitialVariantWeight": 1.0 - share.start_weight},
        {**challenger, "InitialVariantWeight": share.start_weight},
    )
    return Wanted(endpoint, config, split, (), share.mode, production.config)


def withdraw(names: Names, previous: str) -> Wanted:
    """Production as it was before the experiment.

    Raises:
        Permanent: nobody said what that was.
    """
    if not previous:
        raise Permanent("withdraw", "expected the endpoint config that production had before, found nothing")
    return Wanted(names.endpoint("prod"), previous)


def properties_not_kept(running: Mapping[str, int], configured: Mapping[str, int]) -> list[str]:
    """What an update takes from the new config although RetainAllVariantProperties is on.

    Retaining keeps the instances that autoscaling added under load. Where nobody has moved their number since the old
    config, the new config's number is meant. The weight is always the new config's.

    Args:
        running: instances of each variant that the endpoint wants now.
        configured: instances of each variant in the endpoint's present config.
    """
    is_scaled = running.get(CHAMPION) != configured.get(CHAMPION)
    return ["DesiredWeight"] if is_scaled else ["DesiredWeight", "DesiredInstanceCount"]


def deployment(traffic: Traffic | None, before: Mapping[str, Any], wanted: Wanted) -> dict[str, Any] | None:
    """The DeploymentConfig of an update; None leaves it to the service: all at once.

    AWS takes none where variants come or go, so only the champion alone may follow the champion alone.

    Args:
        before: DescribeEndpointConfig of what is served now; empty if that config is gone.
    """
    is_alone = _slots(before) == [CHAMPION] and wanted.slots == CHAMPION and not wanted.shadows
    if traffic is None or wanted.is_urgent or not is_alone:
        return None
    size = {"Type": "CAPACITY_PERCENT", "Value": traffic.step_percent}
    sizes = {"canary": {"CanarySize": size}, "linear": {"LinearStepSize": size}}.get(traffic.shifting, {})
    least_s, most_s = _TIMEOUT_S
    policy = {
        "TrafficRoutingConfiguration": {
            "Type": traffic.shifting.upper(),
            "WaitIntervalInSeconds": traffic.wait_s,
            **sizes,
        },
        "TerminationWaitInSeconds": traffic.wait_s,
        "MaximumExecutionTimeoutInSeconds": min(max(traffic.timeout_s, least_s), most_s),
    }
    alarms = {"Alarms": [{"AlarmName": name} for name in traffic.alarms]}
    return {"BlueGreenUpdatePolicy": policy, **({"AutoRollbackConfiguration": alarms} if traffic.alarms else {})}


def _slots(config: Mapping[str, Any]) -> list[str]:
    """The variants of an endpoint config, shadows too."""
    variants = [*config.get("ProductionVariants", []), *config.get("ShadowProductionVariants", [])]
    return [str(variant["VariantName"]) for variant in variants]


def changes_machine(before: Mapping[str, Any], wanted: Wanted) -> bool:
    """Whether the champion would get another instance type: it may then not be a scalable target.

    Source: SageMaker developer guide, "Update endpoints that use auto scaling", read 2026-11.
    """
    types = [
        variant.get("InstanceType")
        for variants in (before.get("ProductionVariants", []), wanted.variants)
        for variant in variants
        if variant["VariantName"] == CHAMPION
    ]
    return len(set(types)) > 1


def scalable_target(endpoint: str) -> dict[str, str]:
    """The champion of an endpoint as Application Auto Scaling names it."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{CHAMPION}",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def scaling_policy(endpoint: str, scaling: Scaling) -> dict[str, Any]:
    """PutScalingPolicy: as many instances as keep each at so many invocations a minute."""
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    return {
        **scalable_target(endpoint),
        "PolicyName": f"{endpoint}-invocations",
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": scaling.invocations_per_instance,
            "PredefinedMetricSpecification": metric,
        },
    }


def _variant(slot: str, model: str, machines: Machines) -> dict[str, Any]:
    return {
        "VariantName": slot,
        "ModelName": model,
        "InstanceType": machines.instance_type,
        "InitialInstanceCount": machines.instance_count,
        "InitialVariantWeight": 1.0,
    }


def _name(stem: str, suffix: str) -> str:
    """Within SageMaker's 63 characters; the suffix tells releases apart, so it is the stem that gives way."""
    return stem[: _NAME_MAX - len(suffix)].rstrip("-") + suffix
