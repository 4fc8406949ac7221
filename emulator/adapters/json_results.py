"""Results of the JSON protocol, laid out along botocore's shapes.

moto's serializer does the same for any kind of object and keeps track of paths; our results are dictionaries in AWS's
casing, which is less work. Whatever is not a structure, list, map, string or boolean is left to moto.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any


def lay_out(serializer: Any, shape: Any, value: Any) -> Any:
    """A value as the wire has it: members that the shape does not know, or that are None, are left out."""
    match shape.type_name:
        case "structure" if isinstance(value, dict) and not shape.is_document_type:
            found = ((wire, member, value.get(name)) for name, wire, member in _members(shape))
            return {wire: lay_out(serializer, member, item) for wire, member, item in found if item is not None}
        case "list" if isinstance(value, list | tuple):
            return [lay_out(serializer, shape.member, item) for item in value]
        case "map" if isinstance(value, dict):
            return {name: lay_out(serializer, shape.value, item) for name, item in value.items()}
        case "string" if type(value) is str:
            return value
        case "boolean" if type(value) is bool:
            return value
    return _by_moto(serializer, shape, value)


@lru_cache(maxsize=4096)
def _members(shape: Any) -> tuple[tuple[str, str, Any], ...]:
    return tuple((name, member.serialization.get("name", name), member) for name, member in shape.members.items())


def _by_moto(serializer: Any, shape: Any, value: Any) -> Any:
    wrapper: dict[str, Any] = {}
    serializer._serialize(wrapper, value, shape, "value")
    return next(iter(wrapper.values()), value)
