"""Replacing references and functions by values when a step is about to start.

AWS_NAME: Pipeline variables, Std:Join, Std:JsonGet
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-properties.html and
    build-and-manage-propertyfile.html, read 2026-11
DIFFERS: how Std:Join spells a Boolean is undocumented; `true` and `false` here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from emulator.semantics.pipelines import references
from emulator.semantics.pipelines.definition import Scalar
from emulator.semantics.pipelines.errors import UnresolvedError
from emulator.semantics.pipelines.references import Path

# Lists of the Describe responses whose items a reference names instead of counting.
_NAMED_BY = ("OutputName", "InputName", "ChannelName", "MetricName", "VariantName", "Name")


@dataclass(frozen=True)
class Facts:
    """What is known when a step starts: `properties` by step are Describe responses, `files` by (step, property file)
    parsed JSON documents."""

    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    execution: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    files: Mapping[tuple[str, str], Any] = field(default_factory=dict)


def resolve(value: Any, facts: Facts) -> Any:
    """The value with every reference and function replaced; JSON types are kept.

    Raises:
        UnresolvedError: something referred to is not there.
    """
    if isinstance(value, list):
        return [resolve(item, facts) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Get"}:
        return _get(value["Get"], facts)
    if value.keys() == {"Std:Join"}:
        return _join(value["Std:Join"], facts)
    if value.keys() == {"Std:JsonGet"}:
        return _json_get(value["Std:JsonGet"], facts)
    return {key: resolve(item, facts) for key, item in value.items()}


def walk(value: Any, path: Path, subject: str) -> Any:
    """Follow a path through JSON; a name on a list finds the item that bears it.

    Raises:
        UnresolvedError: the path leads nowhere.
    """
    for token in path:
        value = _one_step(value, token, subject)
    return value


def text_of(value: Any) -> str:
    """A scalar as Std:Join and string-typed arguments spell it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _get(text: str, facts: Facts) -> Any:
    reference = references.parse(text, "reference")
    match reference.root:
        case "Parameters":
            return facts.parameters[reference.name]
        case "Execution":
            return facts.execution[reference.name]
        case _:
            properties = facts.properties.get(reference.name)
            if properties is None:
                raise UnresolvedError(f"{text}: step '{reference.name}' has no properties")
            return walk(properties, reference.path, text)


def _join(call: Mapping[str, Any], facts: Facts) -> str:
    values = resolve(call.get("Values", []), facts)
    separator = call.get("On", "")
    wrong = next((value for value in values if value is None or isinstance(value, list | dict)), "")
    if wrong != "":
        raise UnresolvedError(f"Std:Join takes strings and numbers, found {wrong!r}")
    return str(separator).join(text_of(value) for value in values)


def _json_get(call: Mapping[str, Any], facts: Facts) -> Any:
    reference = references.parse(call["PropertyFile"]["Get"], "Std:JsonGet")
    file = str(reference.path[1])
    path = str(call["Path"])
    try:
        tokens = references.parse_path(path.removeprefix("$").removeprefix("."))
    except ValueError as error:
        raise UnresolvedError(f"Std:JsonGet: {error}") from error
    return walk(facts.files[reference.name, file], tokens, f"path '{path}' in property file '{file}'")


def _one_step(value: Any, token: str | int, subject: str) -> Any:
    if isinstance(value, Mapping) and token in value:
        return value[token]
    if isinstance(value, list) and isinstance(token, int) and token < len(value):
        return value[token]
    if isinstance(value, list) and isinstance(token, str):
        for item in value:
            if isinstance(item, Mapping) and any(item.get(key) == token for key in _NAMED_BY):
                return item
    raise UnresolvedError(f"{subject}: {token!r} not found")
