"""Which variant, fleet and instance answer a request.

AWS_NAME: traffic of an endpoint (weights, TargetVariant, routing strategy, shadow variants)
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/model-ab-testing.html (weight over their sum, TargetVariant overrides),
    API_ProductionVariantRoutingConfig (RANDOM by default, LEAST_OUTSTANDING_REQUESTS), model-shadow-deployment.html
    and API_CreateEndpointConfig (one production and one shadow variant), read 2026-11
DIFFERS: AWS does not document what a shadow variant's weight means; here its share of the requests is its weight over
    the production variant's, at most all. Where one fleet has no healthy instance, the other takes its traffic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from emulator.semantics.endpoints.asynchronous import Asynchronous
from emulator.semantics.endpoints.capture import Capture

LEAST_BUSY = "LEAST_OUTSTANDING_REQUESTS"


class ModelNotLoaded(Exception):  # noqa: N818
    """A model of a multi-model endpoint that is not there (status 400) or that its container would not load."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Instance:
    """One instance: the ports and names of its containers, in the order in which they answer.

    `load` brings a model of a multi-model endpoint in and answers its name in the container.
    """

    instance_id: str
    ports: tuple[int, ...]
    names: tuple[str, ...] = ("primary",)
    load: Callable[[str], str] | None = None


@dataclass(frozen=True)
class Pool:
    """The healthy instances of a variant that run one configuration, and their share of the variant's traffic."""

    config_name: str
    share: float
    instances: tuple[Instance, ...]


@dataclass(frozen=True)
class Serverless:
    """A variant without instances of its own; `wake` brings one up where there is none, and waits for it."""

    max_concurrency: int
    wake: Callable[[], None]


@dataclass(frozen=True)
class Variant:
    """A production or shadow variant. `size` is how many instances it has, healthy or not."""

    name: str
    weight: float
    pools: tuple[Pool, ...]
    strategy: str = "RANDOM"
    serverless: Serverless | None = None

    @property
    def size(self) -> int:
        return sum(len(pool.instances) for pool in self.pools)


@dataclass(frozen=True)
class Route:
    """An endpoint that takes requests."""

    endpoint: str
    variants: tuple[Variant, ...]
    shadow: Variant | None = None
    capture: Capture | None = None
    asynchronous: Asynchronous | None = None


def variant_by_weight(variants: Sequence[Variant], unit: float) -> Variant | None:
    """The variant that answers; `unit` is a number in [0, 1). None when all weights are zero."""
    point = unit * sum(variant.weight for variant in variants)
    for variant in variants:
        point -= variant.weight
        if point < 0:
            return variant
    return None


def named(variants: Sequence[Variant], name: str) -> Variant | None:
    return next((variant for variant in variants if variant.name == name), None)


def pool_by_share(variant: Variant, unit: float, tried: Collection[str] = ()) -> Pool | None:
    """The fleet that answers, among those with an instance that was not tried. None when there is none."""
    open_pools = [pool for pool in variant.pools if any(item.instance_id not in tried for item in pool.instances)]
    point = unit * sum(pool.share for pool in open_pools)
    for pool in open_pools:
        point -= pool.share
        if point < 0:
            return pool
    return open_pools[0] if open_pools else None


def instance(pool: Pool, strategy: str, load: Mapping[str, int], unit: float, tried: Collection[str] = ()) -> Instance:
    """One of the pool's instances that was not tried: the least busy one, or any."""
    candidates = [item for item in pool.instances if item.instance_id not in tried] if tried else pool.instances
    if strategy == LEAST_BUSY:
        fewest = min(load.get(item.instance_id, 0) for item in candidates)
        candidates = [item for item in candidates if load.get(item.instance_id, 0) == fewest]
    return candidates[int(unit * len(candidates))]


def is_throttled(variant: Variant, load: Mapping[str, int]) -> bool:
    """Whether a serverless variant has as many requests under way as it may.

    Source: serverless-endpoints.html#serverless-endpoints-how-it-works-concurrency (beyond it requests are throttled).
    """
    if variant.serverless is None:
        return False
    ids = [item.instance_id for pool in variant.pools for item in pool.instances]
    return sum(load.get(name, 0) for name in ids) >= variant.serverless.max_concurrency


def is_mirrored(route: Route, unit: float) -> bool:
    """Whether this request is copied to the shadow variant."""
    if route.shadow is None:
        return False
    production = route.variants[0].weight
    return unit * production < route.shadow.weight if production else route.shadow.weight > 0


def needs_loading(route: Route) -> bool:
    """Whether a request may have to wait until a model or an instance is there."""
    return any(variant.serverless for variant in route.variants) or any(
        item.load for variant in route.variants for pool in variant.pools for item in pool.instances
    )
