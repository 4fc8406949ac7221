"""What a resource type needs while a stack is made: calls as the deploying role, names, and plain JSON helpers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, Shape, StructureShape

from emulator.kernel.errors import EmulatorError
from emulator.kernel.ports import Kernel, Principal

Properties = dict[str, Any]


@dataclass(frozen=True)
class Created:
    """A made resource: what Ref answers, and what GetAtt answers by attribute."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Deployment:
    """One stack being made, as one principal."""

    kernel: Kernel
    principal: Principal
    stack_name: str

    def call(self, service: str, operation: str, params: Properties) -> Properties:
        """An API call as the deploying role. Text is turned into the numbers and booleans that the model wants."""
        shape = _input_shape(service, operation)
        return self.kernel.calls(service, operation, _fitted(shape, params), self.principal)

    def physical_name(self, logical_id: str, longest: int = 64, is_lower: bool = False) -> str:
        """A name as CloudFormation makes it for a resource that has none."""
        name = f"{self.stack_name}-{logical_id}"[: longest - 13] + "-" + self.kernel.ids.alnum(12)
        return name.lower() if is_lower else name

    def arn(self, service: str, resource: str) -> str:
        return self.kernel.arn(service, resource)


Create = Callable[[Deployment, str, Properties], Created]


@dataclass(frozen=True)
class ResourceType:
    """How one type is made. Properties outside `properties` are refused before anything is created."""

    name: str
    properties: frozenset[str]
    create: Create


def picked(properties: Properties, *names: str) -> Properties:
    """The named properties that are there."""
    return {name: properties[name] for name in names if name in properties}


def document(value: Any) -> str:
    """A policy document or other JSON property as the text that APIs take."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def tags_as_map(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags", [])}


def only(place: str, value: dict[str, Any], *names: str) -> None:
    """Refuse nested members that we would drop.

    Raises:
        EmulatorError: naming them.
    """
    unknown = sorted(set(value) - set(names))
    if unknown:
        raise EmulatorError(f"cloudformation: {place}: {', '.join(unknown)} is not emulated yet")


@lru_cache(maxsize=256)
def _input_shape(service: str, operation: str) -> Shape | None:
    shape: Shape | None = _session().get_service_model(service).operation_model(operation).input_shape
    return shape


@lru_cache(maxsize=1)
def _session() -> Any:
    return botocore.session.Session()


def _fitted(shape: Shape | None, value: Any) -> Any:
    match shape:
        case StructureShape() if isinstance(value, dict):
            return {name: _fitted(shape.members.get(name), item) for name, item in value.items()}
        case ListShape() if isinstance(value, list):
            return [_fitted(shape.member, item) for item in value]
        case MapShape() if isinstance(value, dict):
            return {key: _fitted(shape.value, item) for key, item in value.items()}
    return value if shape is None else _scalar(shape.type_name, value)


def _scalar(kind: str, value: Any) -> Any:
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind in ("float", "double") and isinstance(value, str | int) and not isinstance(value, bool):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return value == "true"
    if kind == "string" and isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if kind == "string" and isinstance(value, int | float) else value
