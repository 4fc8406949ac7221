"""JSON paths as EventBridge knows them: `$`, `$.detail.items[0].name`, `$.detail['a-b']`, `$.detail.items[*].name`."""

from __future__ import annotations

import re
from typing import Any, Final

AWS_NAME = "JSON paths in EventBridge target inputs"
SOURCE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html (read 2026-11-23)"
DIFFERS = "filters, slices and recursive descent are refused by name; AWS's own grammar is not published"

_STEP = re.compile(r"\.([^.\[\]\s]+)|\[(\d+|\*)\]|\['([^']+)'\]")
Step = str | int
MISSING: Final = object()
"""What `find` answers where the document has nothing; null is a value."""


class InvalidPath(ValueError):  # noqa: N818 - AWS calls it a ValidationException
    """The text is no JSON path that is understood here."""


def parse(path: str) -> tuple[Step, ...]:
    """The steps of a path: names, indices, and `*` for every element.

    Raises:
        InvalidPath: naming the path.
    """
    if not path.startswith("$"):
        raise InvalidPath(f"JSON path '{path}' does not start with '$'")
    steps: list[Step] = []
    index = 1
    while index < len(path):
        found = _STEP.match(path, index)
        if not found:
            raise InvalidPath(f"JSON path '{path}' is not understood from '{path[index:]}' on")
        name, position, quoted = found.groups()
        steps.append(name or quoted or (-1 if position == "*" else int(position)))
        index = found.end()
    return tuple(steps)


def is_path(text: str) -> bool:
    """Whether a parameter's value is meant as a path: `$` or `$.…` or `$[…`."""
    return text == "$" or text.startswith(("$.", "$["))


def find(document: Any, path: str) -> Any:
    """What stands at `path`, or MISSING."""
    return _walk(document, parse(path))


def _walk(value: Any, steps: tuple[Step, ...]) -> Any:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if step == -1:
        found = [_walk(item, rest) for item in value] if isinstance(value, list) else []
        return [item for item in found if item is not MISSING]
    if isinstance(step, str):
        return _walk(value[step], rest) if isinstance(value, dict) and step in value else MISSING
    return _walk(value[step], rest) if isinstance(value, list) and step < len(value) else MISSING
