"""Rows of the Lambda service, and how a function is named."""

from __future__ import annotations

from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Kernel

FUNCTION, MAPPING = "lambda.function", "lambda.event_source_mapping"


def function_name(reference: str) -> str:
    """The name in a function's name, partial ARN or ARN.

    Raises:
        EmulatorError: a version or alias other than $LATEST is asked for.
    """
    parts = reference.split(":")
    if "function" in parts:
        parts = parts[parts.index("function") + 1 :]
    if len(parts) > 1 and parts[1] != "$LATEST":
        raise EmulatorError(f"lambda: FunctionName '{reference}': versions and aliases are not emulated yet")
    return parts[0]


def function(kernel: Kernel, reference: str) -> dict[str, Any]:
    """The function's row.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    name = function_name(reference)
    found = kernel.store.get(FUNCTION, name)
    if found is None:
        raise AwsError(
            "ResourceNotFoundException", f"Function not found: {kernel.arn('lambda', f'function:{name}')}", 404
        )
    return found
