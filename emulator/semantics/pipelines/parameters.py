"""Pipeline parameters: what a definition declares, and the values of one execution.

AWS_NAME: Pipeline parameters
SOURCE: docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-parameters.html; API_Parameter (Value is a string of
    at most 1,024 characters), read 2026-11
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulator.semantics.pipelines.definition import Definition, Parameter, Scalar
from emulator.semantics.pipelines.errors import DefinitionError

_TYPES: dict[str, tuple[type, ...]] = {"String": (str,), "Integer": (int,), "Float": (int, float), "Boolean": (bool,)}


def declare(raw: Any) -> Parameter:
    """A definition's parameter entry.

    Raises:
        DefinitionError: unknown keys or type, or a default that does not fit.
    """
    name = raw.get("Name") if isinstance(raw, dict) else None
    if not isinstance(name, str):
        raise DefinitionError("Parameters", f"an entry without Name: {raw!r}")
    place = f"parameter '{name}'"
    unknown = raw.keys() - {"Name", "Type", "DefaultValue", "EnumValues"}
    if unknown:
        raise DefinitionError(place, f"unknown keys {sorted(unknown)}")
    if raw.get("Type") not in _TYPES:
        raise DefinitionError(place, f"Type {raw.get('Type')!r} is not one of {sorted(_TYPES)}")
    allowed = tuple(raw.get("EnumValues") or ())
    parameter = Parameter(name, raw["Type"], raw.get("DefaultValue"), allowed)
    for value in [*allowed, *([] if parameter.default is None else [parameter.default])]:
        _check(parameter, value)
    return parameter


def bind(definition: Definition, given: Sequence[Mapping[str, str]]) -> dict[str, Scalar]:
    """The value of every parameter, from the strings of StartPipelineExecution and the defaults.

    Raises:
        DefinitionError: an unknown, repeated, missing or ill-typed parameter.
    """
    texts: dict[str, str] = {}
    known = {parameter.name for parameter in definition.parameters}
    for item in given:
        place = f"parameter '{item['Name']}'"
        if item["Name"] not in known:
            raise DefinitionError(place, f"not defined by the pipeline, which has {sorted(known)}")
        if item["Name"] in texts:
            raise DefinitionError(place, "given more than once")
        texts[item["Name"]] = item["Value"]
    return {parameter.name: _value(parameter, texts.get(parameter.name)) for parameter in definition.parameters}


def _value(parameter: Parameter, text: str | None) -> Scalar:
    place = f"parameter '{parameter.name}'"
    if text is None and parameter.default is None:
        raise DefinitionError(place, "has no default and no value was given")
    if text is None:
        assert parameter.default is not None
        return parameter.default
    try:
        value = _coerce(parameter.type, text)
    except ValueError as error:
        raise DefinitionError(place, f"{text!r} is not of type {parameter.type}") from error
    _check(parameter, value)
    return value


def _coerce(type_name: str, text: str) -> Scalar:
    match type_name:
        case "Integer":
            return int(text)
        case "Float":
            return float(text)
        case "Boolean":
            return {"true": True, "false": False}[text.lower()] if text.lower() in ("true", "false") else _refuse(text)
        case _:
            return text


def _refuse(text: str) -> bool:
    raise ValueError(text)


def _check(parameter: Parameter, value: Any) -> None:
    place = f"parameter '{parameter.name}'"
    is_wrong_bool = isinstance(value, bool) and parameter.type != "Boolean"
    if is_wrong_bool or not isinstance(value, _TYPES[parameter.type]):
        raise DefinitionError(place, f"{value!r} is not of type {parameter.type}")
    if parameter.allowed and value not in parameter.allowed:
        raise DefinitionError(place, f"{value!r} is not one of the allowed values {list(parameter.allowed)}")
