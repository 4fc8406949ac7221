"""What one request to an endpoint becomes: the variant, fleet and instance that answer it, and the shadow's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.kernel.errors import AwsError
from emulator.semantics.endpoints import capture, routes

SERVERLESS_MAX = 4 * 1024 * 1024
"""Source: serverless-endpoints-invoke.html (4 MB), read 2026-11."""


@dataclass(frozen=True, slots=True)
class Request:
    """InvokeEndpoint, as the model server is told it."""

    endpoint: str
    headers: Mapping[str, str]
    body: bytes
    target_variant: str | None = None
    target_model: str | None = None
    timeout_s: float = 60.0
    is_asynchronous: bool = False
    inference_id: str = ""
    custom_attributes: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """An instance that takes a request."""

    variant: routes.Variant
    pool: routes.Pool
    instance: routes.Instance


@dataclass(frozen=True, slots=True)
class Turn:
    """`place` is None when the variant has no healthy instance that was not tried."""

    route: routes.Route
    variant: routes.Variant
    place: Place | None
    shadow: Place | None
    is_captured: bool

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(place.instance.instance_id for place in (self.place, self.shadow) if place)


@dataclass(frozen=True, slots=True)
class Draws:
    """The chance that one request needs: numbers in [0, 1)."""

    variant: float
    pool: float
    instance: float
    mirror: float
    sample: float

    @staticmethod
    def of(unit: Callable[[], float]) -> Draws:
        return Draws(unit(), unit(), unit(), unit(), unit())


def first(request: Request, draws: Draws, account_id: str, route: Any, load: Mapping[str, int]) -> Turn:
    """Choose for a request that comes in.

    Raises:
        AwsError: no such endpoint or variant.
    """
    if not isinstance(route, routes.Route):
        raise AwsError("ValidationError", f"Endpoint {request.endpoint} of account {account_id} not found.")
    _check_kind(request, route)
    variant = _variant(route, request, draws)
    if routes.is_throttled(variant, load):
        raise AwsError("ThrottlingException", "Rate exceeded", 429)
    place = _place(variant, draws, load, ())
    if place is not None:
        _check_model(request, place.instance)
    shadow = None
    if route.shadow and routes.is_mirrored(route, draws.mirror):
        shadow = _place(route.shadow, draws, load, ())
    is_captured = capture.is_sampled(route.capture, draws.sample)
    return Turn(route, variant, place, shadow, is_captured)


def again(before: Turn, tried: tuple[str, ...], draws: Draws, route: Any, load: Mapping[str, int]) -> Turn:
    """Choose another instance of the same variant; the instances that were tried took no request."""
    now = route if isinstance(route, routes.Route) else before.route
    variant = routes.named(now.variants, before.variant.name) or before.variant
    return Turn(now, variant, _place(variant, draws, load, tried), None, before.is_captured)


def _check_kind(request: Request, route: routes.Route) -> None:
    """Asynchronous endpoints take asynchronous requests only, the others none of them."""
    if request.is_asynchronous != (route.asynchronous is not None):
        kind = "asynchronous" if route.asynchronous else "real-time"
        raise AwsError("ValidationError", f"Endpoint {request.endpoint} is {kind} and does not take this request.")
    is_serverless = any(variant.serverless for variant in route.variants)
    if is_serverless and len(request.body) > SERVERLESS_MAX:
        raise AwsError(
            "ValidationError", f"Request body of {len(request.body)} bytes exceeds the limit of {SERVERLESS_MAX}.", 413
        )


def _check_model(request: Request, instance: routes.Instance) -> None:
    """TargetModel belongs to multi-model endpoints, where it is needed."""
    if request.target_model and instance.load is None:
        raise AwsError("ValidationError", f"TargetModel is not supported: {request.endpoint} hosts a single model.")
    if instance.load is not None and not request.target_model:
        raise AwsError("ValidationError", f"TargetModel is required: {request.endpoint} is a multi-model endpoint.")


def _variant(route: routes.Route, request: Request, draws: Draws) -> routes.Variant:
    if request.target_variant is not None:
        named = routes.named(route.variants, request.target_variant)
        if named is None:
            raise AwsError(
                "ValidationError", f"Variant {request.target_variant} not found for endpoint {request.endpoint}."
            )
        return named
    chosen = routes.variant_by_weight(route.variants, draws.variant)
    if chosen is None:
        raise AwsError("ValidationError", f"Endpoint {request.endpoint} has no variant with a weight above zero.")
    return chosen


def _place(variant: routes.Variant, draws: Draws, load: Mapping[str, int], tried: tuple[str, ...]) -> Place | None:
    pool = routes.pool_by_share(variant, draws.pool, tried)
    if pool is None:
        return None
    return Place(variant, pool, routes.instance(pool, variant.strategy, load, draws.instance, tried))
