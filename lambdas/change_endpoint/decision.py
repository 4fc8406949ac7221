"""Which endpoint config a change of a release wants to be served, as a value. Nothing here talks to AWS.

Variants are fixed slots, `champion` and `challenger`: a promotion puts the new model into slot `champion`. Everything
is named after the package's version and the release, so a change that is repeated finds what it made before.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lambdas.shared.errors import Permanent

CHAMPION: Final = "champion"
CHALLENGER: Final = "challenger"
STAGES: Final = ("dev", "staging", "prod")

_NAME_MAX: Final = 63


@dataclass(frozen=True)
class Machines:
    """What an endpoint runs on."""

    instance_type: str
    instance_count: int


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
    """

    endpoint: str
    config: str
    variants: tuple[Mapping[str, Any], ...] = ()
    shadows: tuple[Mapping[str, Any], ...] = ()
    mode: str = "none"
    previous: str = ""

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
        if stage not in STAGES:
            raise Permanent(f"stage '{stage}'", f"expected one of {', '.join(STAGES)}")
        return f"{self.prefix}-{stage}"

    def config(self, stage: str, purpose: str = "") -> str:
        """An endpoint config of this release."""
        return _name(self.endpoint(stage), self._suffix + purpose)

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
