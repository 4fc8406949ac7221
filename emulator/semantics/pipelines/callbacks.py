"""What a callback step says to its queue, and what it takes from the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Scalar = str | int | float | bool


class WrongOutputError(ValueError):
    """An answer that the step did not declare, or that has another type."""


def message(token: str, execution_arn: str, arguments: Mapping[str, Any], status: str) -> dict[str, Any]:
    """The body of the message; `status` is Executing, or Stopping when the execution is being stopped."""
    return {"token": token, "pipelineExecutionArn": execution_arn, "arguments": dict(arguments), "status": status}


def outputs(declared: Sequence[Mapping[str, str]], given: Sequence[Mapping[str, str]]) -> dict[str, Scalar]:
    """The outputs of an answer, whose values come as text, in the types that the step declared.

    Raises:
        WrongOutputError: one is not declared, or does not have its type.
    """
    types = {item["OutputName"]: item.get("OutputType", "String") for item in declared}
    found: dict[str, Scalar] = {}
    for item in given:
        name = item["Name"]
        if name not in types:
            raise WrongOutputError(f"Output parameter '{name}' is not declared by the step; expected {sorted(types)}")
        try:
            found[name] = _TYPES[types[name]](item["Value"])
        except (KeyError, ValueError) as error:
            raise WrongOutputError(f"Output parameter '{name}': '{item['Value']}' is not of {types[name]}") from error
    return found


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_TYPES: Mapping[str, Callable[[str], Scalar]] = {"String": str, "Integer": int, "Float": float, "Boolean": _boolean}
