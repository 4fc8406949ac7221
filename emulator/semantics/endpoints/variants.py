"""Production variants of an endpoint: from a configuration, kept over an update, and changed in place.

AWS_NAME: ProductionVariantSummary
SOURCE: API_UpdateEndpoint (RetainAllVariantProperties, ExcludeRetainedVariantProperties), API_VariantProperty,
    API_UpdateEndpointWeightsAndCapacities, read 2026-11
DIFFERS: one model server stands for all instances of a variant; instance counts are records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

Variant = dict[str, Any]


def from_config(config: Mapping[str, Any], images: Mapping[str, str], now: datetime) -> list[Variant]:
    """The variants that a configuration asks for; `images` by variant name."""
    return [_variant(item, images[item["VariantName"]], now) for item in config["ProductionVariants"]]


def retained(new: Sequence[Variant], old: Sequence[Variant], excluded: Iterable[str] = ()) -> list[Variant]:
    """`new` with the weights and instance counts that variants of the same names have in `old`, but for `excluded`."""
    kept = {"DesiredWeight": "CurrentWeight", "DesiredInstanceCount": "CurrentInstanceCount"}
    chosen = [name for key in kept if key not in excluded for name in (key, kept[key])]
    before = {variant["VariantName"]: variant for variant in old}
    return [{**variant, **{key: before.get(variant["VariantName"], variant)[key] for key in chosen}} for variant in new]


def rescaled(variants: Sequence[Variant], wanted: Sequence[Mapping[str, Any]]) -> list[Variant]:
    """Variants with new weights and instance counts.

    Raises:
        KeyError: a name that the endpoint does not have.
    """
    found = {variant["VariantName"]: dict(variant) for variant in variants}
    for item in wanted:
        variant = found[item["VariantName"]]
        for field, current in (("DesiredWeight", "CurrentWeight"), ("DesiredInstanceCount", "CurrentInstanceCount")):
            if field in item:
                variant[field] = variant[current] = item[field]
    return list(found.values())


def choose(variants: Sequence[Variant], unit: float) -> str | None:
    """The variant that answers, by weight; `unit` is a number in [0, 1). None when all weights are zero.

    Source: docs.aws.amazon.com/sagemaker/latest/dg/model-ab-testing.html (weight over their sum), read 2026-11.
    """
    point = unit * sum(variant["CurrentWeight"] for variant in variants)
    for variant in variants:
        point -= variant["CurrentWeight"]
        if point < 0:
            return str(variant["VariantName"])
    return None


def _variant(item: Mapping[str, Any], image: str, now: datetime) -> Variant:
    weight, count = item.get("InitialVariantWeight", 1.0), item.get("InitialInstanceCount", 1)
    return {
        "VariantName": item["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image, "ResolutionTime": now}],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
    }
