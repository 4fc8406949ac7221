"""Production variants of an endpoint: from a configuration, kept over an update, and changed in place.

AWS_NAME: ProductionVariantSummary
SOURCE: API_UpdateEndpoint (RetainAllVariantProperties, ExcludeRetainedVariantProperties), API_VariantProperty,
    API_UpdateEndpointWeightsAndCapacities, API_PendingDeploymentSummary, read 2026-11
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

Variant = dict[str, Any]
_DESIRED = {"DesiredWeight": "CurrentWeight", "DesiredInstanceCount": "CurrentInstanceCount"}


def from_config(
    items: Iterable[Mapping[str, Any]], images: Mapping[str, Sequence[str]], now: datetime
) -> list[Variant]:
    """The variants that a configuration asks for, all instances running; `images` of containers by variant name."""
    return [_variant(item, images[item["VariantName"]], now) for item in items]


def names(config: Mapping[str, Any]) -> list[str]:
    """Production variants of a configuration, then its shadow variants."""
    return [item["VariantName"] for item in all_of(config)]


def all_of(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Production and shadow variants, as configured."""
    return [*config["ProductionVariants"], *config.get("ShadowProductionVariants", ())]


def is_serverless(config: Mapping[str, Any]) -> bool:
    return any("ServerlessConfig" in item for item in config["ProductionVariants"])


def counts(variants: Iterable[Variant]) -> dict[str, int]:
    """How many instances each variant should have."""
    return {
        variant["VariantName"]: 1 if is_idle_kind(variant) else variant["DesiredInstanceCount"] for variant in variants
    }


def is_idle_kind(variant: Variant) -> bool:
    """Whether it is serverless: it has no instances of its own; one is brought up for a first look, and by requests."""
    return "CurrentServerlessConfig" in variant


def retained(new: Sequence[Variant], old: Sequence[Variant], excluded: Iterable[str] = ()) -> list[Variant]:
    """`new` with the weights and instance counts that variants of the same names have in `old`, but for `excluded`."""
    chosen = [name for key in _DESIRED if key not in excluded for name in (key, _DESIRED[key])]
    before = {variant["VariantName"]: variant for variant in old}
    return [{**variant, **{key: before.get(variant["VariantName"], variant)[key] for key in chosen}} for variant in new]


def desired(variants: Sequence[Variant], wanted: Sequence[Mapping[str, Any]]) -> list[Variant]:
    """Variants with other desired weights and instance counts; what is current stays.

    Raises:
        KeyError: a name that the endpoint does not have.
    """
    found = {variant["VariantName"]: dict(variant) for variant in variants}
    for item in wanted:
        found[item["VariantName"]].update({key: item[key] for key in _DESIRED if key in item})
    return list(found.values())


def settled(variants: Sequence[Variant]) -> list[Variant]:
    """Variants whose current weights and instance counts are the desired ones."""
    return [
        {
            **{key: value for key, value in variant.items() if key != "VariantStatus"},
            **{current: variant[wanted] for wanted, current in _DESIRED.items()},
        }
        for variant in variants
    ]


def with_status(variants: Sequence[Variant], names: Iterable[str], status: Mapping[str, Any]) -> list[Variant]:
    """Variants of these names say what happens to them."""
    chosen = set(names)
    return [{**item, "VariantStatus": [dict(status)]} if item["VariantName"] in chosen else item for item in variants]


def pending(variants: Sequence[Variant], running: Mapping[str, int], status: Mapping[str, Any]) -> list[Variant]:
    """As PendingDeploymentSummary shows the variants of a deployment; `running` instances by name."""
    return [
        {**variant, "CurrentInstanceCount": running.get(variant["VariantName"], 0), "VariantStatus": [dict(status)]}
        for variant in variants
    ]


def _variant(item: Mapping[str, Any], images: Sequence[str], now: datetime) -> Variant:
    serverless = item.get("ServerlessConfig")
    weight, count = item.get("InitialVariantWeight", 1.0), 0 if serverless else item.get("InitialInstanceCount", 1)
    return {
        "VariantName": item["VariantName"],
        "DeployedImages": [
            {"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now} for image in images
        ],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
        **({"CurrentServerlessConfig": serverless, "DesiredServerlessConfig": serverless} if serverless else {}),
        **({"RoutingConfig": item["RoutingConfig"]} if "RoutingConfig" in item else {}),
    }
