"""From a template's text to frozen values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import yaml

from emulator.semantics.cloudformation.errors import TemplateError

AWS_NAME = "AWS CloudFormation template anatomy"
SOURCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html (read 2026-11-23)"
DIFFERS = "Transform and Hooks are refused by name"

_SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
    }
)
_OBJECTS = ("Conditions", "Mappings", "Outputs", "Parameters", "Resources", "Rules")
_ATTRIBUTES = frozenset(
    {"Type", "Properties", "DependsOn", "Condition", "Metadata", "DeletionPolicy", "UpdateReplacePolicy"}
)


@dataclass(frozen=True)
class Resource:
    """One entry of Resources, its properties unresolved."""

    logical_id: str
    type: str
    properties: dict[str, Any]
    depends_on: tuple[str, ...]
    condition: str | None


@dataclass(frozen=True)
class Template:
    """A parsed template."""

    description: str
    parameters: dict[str, dict[str, Any]]
    mappings: dict[str, Any]
    conditions: dict[str, Any]
    rules: dict[str, Any]
    resources: dict[str, Resource]
    outputs: dict[str, Any]


def parse(text: str) -> Template:
    """Parse JSON or YAML.

    Raises:
        TemplateError: unreadable, no resources, or a section or resource attribute that is not emulated.
    """
    found = _load(text)
    unknown = sorted(set(map(str, found)) - _SECTIONS)
    if unknown:
        raise TemplateError(f"Template section {', '.join(unknown)} is not emulated yet; nothing was done")
    for section in _OBJECTS:
        if not isinstance(found.get(section) or {}, dict):
            raise TemplateError(f"Template format error: {section} must be an object.")
    if not found.get("Resources"):
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    return Template(
        description=str(found.get("Description", "")),
        parameters={name: _parameter(name, body) for name, body in (found.get("Parameters") or {}).items()},
        mappings=found.get("Mappings") or {},
        conditions=found.get("Conditions") or {},
        rules=found.get("Rules") or {},
        resources={name: _resource(name, body) for name, body in found["Resources"].items()},
        outputs=found.get("Outputs") or {},
    )


def _parameter(name: str, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or "Type" not in body:
        raise TemplateError(f"Template format error: Every Parameters object must contain a Type member. ({name})")
    return body


def _resource(name: str, body: Any) -> Resource:
    if not isinstance(body, dict):
        raise TemplateError(f"Template format error: [/Resources/{name}] resource definition is malformed")
    if "Type" not in body:
        raise TemplateError(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        )
    unknown = sorted(set(body) - _ATTRIBUTES)
    if unknown:
        raise TemplateError(f"Resource '{name}': attribute {', '.join(unknown)} is not emulated yet; nothing was done")
    depends = body.get("DependsOn", [])
    return Resource(
        logical_id=name,
        type=body["Type"],
        properties=body.get("Properties") or {},
        depends_on=(depends,) if isinstance(depends, str) else tuple(depends),
        condition=body.get("Condition"),
    )


def _load(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _Loader)
    except (ValueError, yaml.YAMLError) as error:
        raise TemplateError(f"Template format error: {error}") from error
    if not isinstance(found, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return found


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms; dates stay text."""


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, expression) for tag, expression in found if tag != "tag:yaml.org,2002:timestamp"]
    for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
