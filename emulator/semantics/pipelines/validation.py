"""Checks over a whole definition: names, references, dependencies, property files, cycles.

AWS_NAME: CreatePipeline's validation of PipelineDefinition
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps.html (unique names),
    build-and-manage-propertyfile.html, step-type-fail (nothing may depend on a FailStep); github.com/aws/
    sagemaker-python-sdk issue 3565 (a ConditionStep as DependsOn is refused), read 2026-11
DIFFERS: AWS's texts are undocumented; ours name the place. Property names of Describe responses are not checked here:
    a wrong one fails the step that reads it.
"""

from __future__ import annotations

from collections import Counter
from graphlib import CycleError, TopologicalSorter
from typing import Any

from emulator.semantics.pipelines import conditions, references
from emulator.semantics.pipelines.definition import Definition, Step
from emulator.semantics.pipelines.errors import DefinitionError, NotEmulated
from emulator.semantics.pipelines.references import EXECUTION_VARIABLES, FUNCTIONS, Reference


def check(definition: Definition) -> None:
    """Refuse a definition that contradicts itself.

    Raises:
        DefinitionError, NotEmulated: each names the place.
    """
    _check_unique("Parameters", [parameter.name for parameter in definition.parameters])
    _check_unique("Steps", [step.name for step in definition.steps])
    if not definition.steps:
        raise DefinitionError("Steps", "a pipeline needs at least one step")
    for step in definition.steps:
        _check_step(step, definition)
    _check_cycles(definition)


def _check_unique(what: str, names: list[str]) -> None:
    repeated = sorted(name for name, count in Counter(names).items() if count > 1)
    if repeated:
        raise DefinitionError(what, f"names must be unique, repeated: {', '.join(repeated)}")


def _check_step(step: Step, definition: Definition) -> None:
    place = f"step '{step.name}'"
    own = step.arguments.get("Conditions") if step.type == "Condition" else step.arguments
    for need in step.needs:
        _check_need(need, step, definition, place)
    for reference, is_in_json_get in references.find([own, dict(step.keys)], place):
        _check_reference(reference, is_in_json_get, definition, place)
    for name, call in _functions(own):
        _check_function(name, call, place)
    if step.type == "Condition":
        for condition in step.arguments["Conditions"]:
            conditions.check(condition, place)
    _check_property_files(step, place)


def _check_need(need: str, step: Step, definition: Definition, place: str) -> None:
    if not definition.has_step(need):
        raise DefinitionError(place, f"depends on step '{need}', which the pipeline does not have")
    kind = definition.step(need).type
    named = [item.get("Step") if isinstance(item, dict) else item for item in step.keys.get("DependsOn") or ()]
    if kind == "Fail" or (kind == "Condition" and need in named):
        raise DefinitionError(place, f"depends on '{need}': a step of type {kind} cannot be depended on")


def _check_reference(reference: Reference, is_in_json_get: bool, definition: Definition, place: str) -> None:
    text = f"Get '{reference.text}'"
    match reference.root:
        case "Parameters":
            if reference.name not in {parameter.name for parameter in definition.parameters}:
                raise DefinitionError(place, f"{text}: the pipeline has no such parameter")
        case "Execution":
            if reference.name not in EXECUTION_VARIABLES:
                raise DefinitionError(place, f"{text}: not one of {sorted(EXECUTION_VARIABLES)}")
        case "Steps":
            _check_property(reference, is_in_json_get, definition.step(reference.name), place)
        case "PipelineExperimentConfig" | "ForEach" | "IterationOutput":
            raise NotEmulated(place, text)
        case root:
            raise DefinitionError(place, f"{text}: unknown root '{root}'")


def _check_property(reference: Reference, is_in_json_get: bool, step: Step, place: str) -> None:
    text = f"Get '{reference.text}'"
    if reference.is_property_file is not is_in_json_get:
        raise DefinitionError(place, f"{text}: PropertyFiles stand in the PropertyFile of a Std:JsonGet and only there")
    if reference.is_property_file:
        known = {file.name for file in step.property_files}
        if len(reference.path) != 2 or reference.path[1] not in known:
            raise DefinitionError(place, f"{text}: step '{step.name}' has the property files {sorted(known)}")
    elif step.type in ("Callback", "Lambda"):
        declared = {output.get("OutputName") for output in step.keys.get("OutputParameters") or ()}
        if len(reference.path) != 2 or reference.path[1] not in declared:
            raise DefinitionError(place, f"{text}: step '{step.name}' declares the OutputParameters {sorted(declared)}")
    elif step.type == "Condition" and reference.path != ("Outcome",):
        raise DefinitionError(place, f"{text}: the only property of a condition step is Outcome")
    elif not reference.path:
        raise DefinitionError(place, f"{text}: names no property of the step")


def _functions(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _functions(item)]
    if not isinstance(value, dict):
        return []
    own = [(key, item) for key, item in value.items() if key.startswith("Std:")]
    return own + [found for item in value.values() for found in _functions(item)]


def _check_function(name: str, call: Any, place: str) -> None:
    if name not in FUNCTIONS:
        raise DefinitionError(place, f"unknown function '{name}', known are {sorted(FUNCTIONS)}")
    if name == "Std:JsonGet" and "S3Uri" in call:
        raise NotEmulated(place, "Std:JsonGet with S3Uri")
    needed = {"On", "Values"} if name == "Std:Join" else {"PropertyFile", "Path"}
    if not isinstance(call, dict) or call.keys() != needed:
        raise DefinitionError(place, f"{name} takes {sorted(needed)}, found {call!r}")


def _check_property_files(step: Step, place: str) -> None:
    outputs = (step.arguments.get("ProcessingOutputConfig") or {}).get("Outputs") or ()
    names = [output.get("OutputName") for output in outputs]
    for file in step.property_files:
        if file.output_name not in names:
            raise DefinitionError(
                place,
                f"property file '{file.name}': output '{file.output_name}' not among outputs {names}; "
                "add it to ProcessingOutputConfig or rename the output",
            )


def _check_cycles(definition: Definition) -> None:
    edges = {step.name: {*step.needs, *({step.within.condition} if step.within else ())} for step in definition.steps}
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        raise DefinitionError("Steps", f"cyclic dependency {' -> '.join(reversed(error.args[1]))}") from error
