"""How a function, one of its versions or an alias is named, and which version an alias means this time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

AWS_NAME = "Lambda function versions and aliases"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html, configuration-aliases.html and "
    "configuring-alias-routing.html (read 2026-11-23)"
)
DIFFERS = "functions of other accounts and regions are not reachable"

LATEST = "$LATEST"
_REFERENCE = re.compile(
    r"(?:(?:arn:[\w-]+:lambda:)?(?:[a-z]{2}(?:-[a-z]+)+-\d:)?(?:\d{12}:)?function:)?(?P<name>[\w-]+)(?::(?P<qualifier>[$\w-]+))?"
)


class Mismatch(ValueError):  # noqa: N818
    """The name says one qualifier and the parameter another."""


@dataclass(frozen=True)
class Reference:
    """A function's name; `qualifier` None: none was given."""

    name: str
    qualifier: str | None = None


def parse(reference: str, qualifier: str | None = None) -> Reference:
    """Read a name, a partial ARN or an ARN, with the `Qualifier` that was given beside it.

    Raises:
        Mismatch: both say a qualifier, and not the same.
    """
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        return Reference(reference, qualifier or None)
    said = found["qualifier"]
    if said and qualifier and said != qualifier:
        raise Mismatch(reference)
    return Reference(found["name"], qualifier or said)


def is_version(qualifier: str) -> bool:
    """A number, or $LATEST; all else names an alias."""
    return qualifier == LATEST or qualifier.isdecimal()


def routed(version: str, weights: Mapping[str, float], draw: float) -> str:
    """The version that an alias means; `draw` is a number in [0, 1)."""
    for other, weight in sorted(weights.items()):
        if draw < weight:
            return other
        draw -= weight
    return version


def routing_problem(version: str, weights: Mapping[str, float]) -> str | None:
    """Why AWS refuses an alias that goes to `version` and, by weights, to others."""
    if len(weights) > 1:
        return "Number of items in AdditionalVersionWeights cannot be greater than 1"
    for other in weights:
        if other == version:
            return (
                f"Invalid function version {other}. "
                f"Function version {other} is already included in routing configuration."
            )
        if version == LATEST or other == LATEST:
            return "$LATEST is not supported for an alias pointing to more than 1 version"
    return None
