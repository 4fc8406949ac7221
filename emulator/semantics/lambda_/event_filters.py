"""Which records of an event source a function gets to see: patterns as in EventBridge, over the record.

What a producer wrote (`body` of a message, `data` of a Kinesis record) is read as JSON where it is JSON. A pattern that
wants fields of text, or text of JSON, drops the record; a pattern that says nothing of the data does not look at it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from emulator.semantics.events import patterns

AWS_NAME = "Lambda event filtering"
SOURCE = (
    "https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/with-sqs-filtering.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html (read 2026-11-23)"
)
DIFFERS = (
    "a pattern may name any field of the record beside the data; JSON that is not an object (a number, a list) counts "
    "as text, which AWS leaves open"
)

_DATA = {"sqs": "body", "sqs-fifo": "body", "kinesis": "data", "dynamodb": "dynamodb"}
_TEXT_IS_POSSIBLE = frozenset({"sqs", "sqs-fifo"})


class InvalidFilter(ValueError):  # noqa: N818 - AWS says: Invalid filter pattern definition
    """The pattern is none, or asks for text where records hold JSON."""


@dataclass(frozen=True)
class Filter:
    """One pattern; `wants` is what it expects the data to be: `json`, `text` or nothing in particular."""

    pattern: patterns.Pattern
    wants: str


@dataclass(frozen=True)
class Filters:
    """Alternatives: a record passes that satisfies one of them, and any record passes where there are none."""

    kind: str
    alternatives: tuple[Filter, ...]

    def passes(self, record: Mapping[str, Any]) -> bool:
        """Whether the function gets this record, which is in the shape that the function would see."""
        return not self.alternatives or any(self._passes(record, one) for one in self.alternatives)

    def _passes(self, record: Mapping[str, Any], one: Filter) -> bool:
        seen, is_json = _seen(self.kind, record)
        if one.wants and one.wants != ("json" if is_json else "text"):
            return False
        return one.pattern.matches(seen)


@lru_cache(maxsize=512)
def compile(texts: tuple[str, ...], kind: str) -> Filters:  # noqa: A001 - reads `event_filters.compile(texts, kind)`
    """The filters of a mapping.

    Raises:
        InvalidFilter: what is wrong with one of them.
    """
    return Filters(kind, tuple(_filter(text, kind) for text in texts))


def _filter(text: str, kind: str) -> Filter:
    try:
        pattern = patterns.compile(text)
    except patterns.InvalidPattern as error:
        raise InvalidFilter(str(error)) from error
    wants = _wanted(json.loads(text).get(_DATA[kind]))
    if wants == "text" and kind not in _TEXT_IS_POSSIBLE:
        raise InvalidFilter(f"the pattern of '{_DATA[kind]}' must be an object: records hold JSON")
    return Filter(pattern, wants)


def _wanted(rule: Any) -> str:
    if rule is None:
        return ""
    return "json" if isinstance(rule, dict) else "text"


def _seen(kind: str, record: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """The record as patterns see it, and whether its data is a JSON object."""
    match kind:
        case "dynamodb":
            return dict(record), True
        case "kinesis":
            fields = dict(record["kinesis"])
            data = _object(base64.b64decode(fields["data"]))
            whole = {**record, **fields, "data": fields["data"] if data is None else data}
            return whole, data is not None
        case _:
            body = _object(record["body"])
            return {**record, "body": record["body"] if body is None else body}, body is not None


def _object(text: str | bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
