"""SizeBytes of a stream record: names and values of its keys and images, by DynamoDB's rules of item size.

The two examples of the Lambda guide (26 and 59 bytes) come out.
"""

from __future__ import annotations

import base64
import math
from typing import Any

AWS_NAME = "DynamoDB Streams: SizeBytes"
SOURCE = (
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html, "
    "https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (read 2026-11-23)"
)

_CONTAINER_BYTES, _ELEMENT_BYTES = 3, 1


def size_bytes(change: dict[str, Any]) -> int:
    """The size of the member `dynamodb` of a stream record."""
    return sum(_attributes(change[part]) for part in ("Keys", "NewImage", "OldImage") if part in change)


def _attributes(attributes: dict[str, Any]) -> int:
    return sum(len(name.encode()) + _value(value) for name, value in attributes.items())


def _value(value: dict[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            return _number(held)
        case "B":
            return _binary(held)
        case "SS" | "NS" | "BS":
            return sum(_value({kind[0]: item}) for item in held)
        case "L":
            return _CONTAINER_BYTES + sum(_ELEMENT_BYTES + _value(item) for item in held)
        case "M":
            return _CONTAINER_BYTES + len(held) * _ELEMENT_BYTES + _attributes(held)
    return 1  # BOOL, NULL


def _number(text: str) -> int:
    mantissa = text.lower().partition("e")[0]
    digits = mantissa.lstrip("-").replace(".", "").strip("0")
    return math.ceil(len(digits) / 2) + 1 + mantissa.startswith("-")


def _binary(held: str | bytes) -> int:
    return len(held) if isinstance(held, bytes) else len(base64.b64decode(held))
