"""The JSON text of a pipeline definition as frozen values.

AWS_NAME: Pipeline definition, version 2020-12-01
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/define-pipeline.html; API_CreatePipeline (at most 1,048,576
    characters); what the SDK v3 renders, nulls and empty members included, read 2026-11
DIFFERS: step caching, retry policies, run conditions and the step types in `step_types.NOT_EMULATED` are refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from emulator.semantics.pipelines import parameters, references, validation
from emulator.semantics.pipelines.definition import Branch, Definition, PropertyFile, Step
from emulator.semantics.pipelines.errors import DefinitionError, NotEmulated
from emulator.semantics.pipelines.step_types import COMMON_KEYS, NOT_EMULATED, STEP_TYPES

_TOP = frozenset({"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"})
_STEP_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")


def parse(text: str) -> Definition:
    """The definition, checked as a whole: what this returns can be executed.

    Raises:
        DefinitionError: AWS would refuse it.
        NotEmulated: AWS would take it; we cannot run it yet.
    """
    raw = _document(text)
    declared = tuple(parameters.declare(entry) for entry in raw.get("Parameters") or ())
    steps = tuple(_steps(raw.get("Steps"), None))
    definition = Definition(declared, steps)
    validation.check(definition)
    return definition


def _document(text: str) -> dict[str, Any]:
    place = "pipeline definition"
    if len(text) > 1_048_576:
        raise DefinitionError(place, f"{len(text)} characters, at most 1048576 are allowed")
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise DefinitionError(place, f"not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise DefinitionError(place, f"not a JSON object: {type(raw).__name__}")
    if raw.get("Version") != "2020-12-01":
        raise DefinitionError(place, f"Version must be '2020-12-01', found {raw.get('Version')!r}")
    if raw.keys() - _TOP:
        raise DefinitionError(place, f"unknown properties {sorted(raw.keys() - _TOP)}")
    for key in ("PipelineExperimentConfig", "MlflowConfig"):
        if raw.get(key):
            raise NotEmulated(place, key)
    return raw


def _steps(raw: Any, within: Branch | None) -> Iterator[Step]:
    if not isinstance(raw, list):
        raise DefinitionError("pipeline definition", f"Steps must be a list, found {raw!r}")
    for entry in raw:
        step = _step(entry, within)
        yield step
        if step.type == "Condition":
            yield from _steps(step.arguments.get("IfSteps") or [], Branch(step.name, True))
            yield from _steps(step.arguments.get("ElseSteps") or [], Branch(step.name, False))


def _step(raw: Any, within: Branch | None) -> Step:
    name = raw.get("Name") if isinstance(raw, dict) else None
    if not isinstance(name, str) or not _STEP_NAME.fullmatch(name):
        raise DefinitionError("pipeline definition", f"step Name must match {_STEP_NAME.pattern}, found {name!r}")
    place = f"step '{name}'"
    _check_keys(raw, place)
    arguments = raw.get("Arguments") or {}
    own = {key: value for key, value in raw.items() if key not in ("Name", "Type", "Arguments")}
    needs = [*_depends_on(raw, place), *_referred_steps([_own_arguments(raw["Type"], arguments), own], place)]
    files = tuple(_property_file(entry, place) for entry in raw.get("PropertyFiles") or ())
    return Step(name, raw["Type"], arguments, tuple(dict.fromkeys(needs)), within, files, own)


def _check_keys(raw: dict[str, Any], place: str) -> None:
    kind = raw.get("Type")
    if kind in NOT_EMULATED:
        raise NotEmulated(place, f"type '{kind}'")
    if kind not in STEP_TYPES:
        raise DefinitionError(place, f"unknown step type {kind!r}")
    spec = STEP_TYPES[str(kind)]
    arguments = raw.get("Arguments") or {}
    if not isinstance(arguments, dict):
        raise DefinitionError(place, f"Arguments must be an object, found {arguments!r}")
    problems = {
        "unknown keys": raw.keys() - COMMON_KEYS - spec.keys,
        "unknown arguments": arguments.keys() - spec.arguments if spec.arguments is not None else set(),
        "missing keys": spec.required_keys - raw.keys(),
        "missing arguments": spec.required_arguments - arguments.keys(),
    }
    for problem, names in problems.items():
        if names:
            raise DefinitionError(place, f"{problem} for type '{kind}': {', '.join(sorted(names))}")
    if (raw.get("CacheConfig") or {}).get("Enabled"):
        raise NotEmulated(place, "CacheConfig (step caching)")
    if raw.get("RetryPolicies"):
        raise NotEmulated(place, "RetryPolicies")


def _own_arguments(kind: str, arguments: dict[str, Any]) -> Any:
    """What the step itself reads: a condition step's branches are steps of their own."""
    return arguments.get("Conditions") if kind == "Condition" else arguments


def _depends_on(raw: dict[str, Any], place: str) -> Iterator[str]:
    for item in raw.get("DependsOn") or ():
        if isinstance(item, dict) and item.get("Trigger"):
            raise NotEmulated(place, f"DependsOn with Trigger '{item['Trigger']}'")
        name = item.get("Step") if isinstance(item, dict) else item
        if not isinstance(name, str):
            raise DefinitionError(place, f"DependsOn takes step names, found {item!r}")
        yield name


def _referred_steps(value: Any, place: str) -> Iterator[str]:
    for reference, _ in references.find(value, place):
        if reference.root == "Steps":
            yield reference.name


def _property_file(raw: Any, place: str) -> PropertyFile:
    try:
        return PropertyFile(raw["PropertyFileName"], raw["OutputName"], raw["FilePath"])
    except (KeyError, TypeError) as error:
        message = f"a property file needs PropertyFileName, OutputName and FilePath, found {raw!r}"
        raise DefinitionError(place, message) from error
