"""A parsed pipeline definition as frozen values. The tree of condition branches is flattened; `within` keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Scalar = str | int | float | bool


@dataclass(frozen=True)
class Parameter:
    """A pipeline parameter; `default` is None when an execution has to supply a value."""

    name: str
    type: str
    default: Scalar | None
    allowed: tuple[Scalar, ...] = ()


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file inside a processing step's output that Std:JsonGet may read."""

    name: str
    output_name: str
    path: str


@dataclass(frozen=True)
class Branch:
    """The branch of a condition step that a step stands in."""

    condition: str
    outcome: bool


@dataclass(frozen=True)
class Step:
    """One step. `needs` are the steps it waits for: explicit dependencies and every step that its references name.

    `keys` holds the step's own keys as written (FunctionArn, OutputParameters, …), unresolved like `arguments`.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    needs: tuple[str, ...]
    within: Branch | None = None
    property_files: tuple[PropertyFile, ...] = ()
    keys: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Definition:
    """All parameters and all steps, in the order written (a condition step before the steps of its branches)."""

    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)

    def has_step(self, name: str) -> bool:
        return any(step.name == name for step in self.steps)
