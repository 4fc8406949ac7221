"""Checks a request against botocore's own service model, with the messages that AWS gives.

SOURCE: the common validation error format, e.g.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html (read 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import regex
from botocore.model import ListShape, MapShape, Shape, StructureShape

from emulator.kernel.errors import AwsError


def check(shape: Shape | None, params: dict[str, Any], code: str = "ValidationException") -> None:
    """Refuse `params` when they break what the model says: required, types, enums, patterns, lengths and ranges.

    Raises:
        AwsError: `code`, naming every offence with its path and the constraint.
    """
    if shape is None:
        return
    problems = list(_problems(shape, params, ""))
    if problems:
        plural = "s" if len(problems) > 1 else ""
        raise AwsError(code, f"{len(problems)} validation error{plural} detected: " + "; ".join(problems))


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    match shape:
        case StructureShape():
            yield from _structure(shape, value, path)
        case ListShape():
            yield from _list(shape, value, path)
        case MapShape():
            yield from _map(shape, value, path)
        case _:
            yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _broken(path, value, "Member must be a structure")
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield _broken(_below(path, name), None, "Member must not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _problems(member, value[name], _below(path, name))


def _list(shape: ListShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list | tuple):
        yield _broken(path, value, "Member must be a list")
        return
    yield from _length(shape, len(value), value, path)
    for index, item in enumerate(value):
        yield from _problems(shape.member, item, f"{path}.{index + 1}.member")


def _map(shape: MapShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield _broken(path, value, "Member must be a map")
        return
    yield from _length(shape, len(value), value, path)
    for key, item in value.items():
        yield from _problems(shape.key, key, f"{path}.{key}.key")
        yield from _problems(shape.value, item, f"{path}.{key}")


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    allowed = _TYPES.get(kind)
    if allowed and (not isinstance(value, allowed) or (isinstance(value, bool) and kind != "boolean")):
        yield _broken(path, value, f"Member must be of type {kind}")
        return
    if kind == "string":
        yield from _string(shape, value, path)
    elif kind in ("integer", "long", "float", "double"):
        yield from _range(shape, value, path)
    elif kind == "blob" and isinstance(value, bytes | str):
        yield from _length(shape, len(value), "<bytes>", path)


def _string(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _length(shape, len(value), value, path)
    enum = shape.metadata.get("enum")
    if enum and value not in enum:
        yield _broken(path, value, f"Member must satisfy enum value set: [{', '.join(enum)}]")
    pattern = shape.metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        yield _broken(path, value, f"Member must satisfy regular expression pattern: {pattern}")


_BEYOND_THE_BMP = r"\uD800\uDC00-\uDBFF\uDFFF"
"""How Java, whose strings are UTF-16, writes that range of characters; no range to anybody else."""


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern.replace(_BEYOND_THE_BMP, r"\U00010000-\U0010FFFF"))


def _length(shape: Shape, length: int, value: Any, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and length < low:
        yield _broken(path, value, f"Member must have length greater than or equal to {low}")
    if high is not None and length > high:
        yield _broken(path, value, f"Member must have length less than or equal to {high}")


def _range(shape: Shape, value: float, path: str) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield _broken(path, value, f"Member must have value greater than or equal to {low}")
    if high is not None and value > high:
        yield _broken(path, value, f"Member must have value less than or equal to {high}")


def _broken(path: str, value: Any, constraint: str) -> str:
    shown = "null" if value is None else f"'{str(value)[:200]}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _below(path: str, name: str) -> str:
    """AWS writes the first letter of each member small."""
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name
