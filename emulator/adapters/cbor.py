"""Smithy's RPC v2 CBOR protocol, served. botocore's own reader and writer of CBOR do the work; moto has neither.

boto3 and the AWS CLI speak JSON to CloudWatch; the SDKs for other languages speak this.
"""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import ResponseParserError, RpcV2CBORParser
from botocore.serialize import RpcV2CBORSerializer

PROTOCOL = "smithy-rpc-v2-cbor"
HEADER = "rpc-v2-cbor"
CONTENT_TYPE = "application/cbor"
_reader: Any = RpcV2CBORParser()
_writer: Any = RpcV2CBORSerializer()


class CborError(ValueError):
    """The bytes are not a CBOR map."""


def is_spoken(smithy_protocol: str) -> bool:
    """Whether a request with this `smithy-protocol` header speaks CBOR."""
    return smithy_protocol.lower() == HEADER


class _Body(io.BytesIO):
    """What botocore's reader wants of a stream; asked for more than there is, it gives what there is."""

    def peek(self, size: int = 1) -> bytes:
        return self.getvalue()[self.tell() : self.tell() + size]


def decode(shape: Shape | None, body: bytes) -> dict[str, Any]:
    """A request's parameters, of an operation whose input has this shape.

    Raises:
        CborError: the body is malformed.
    """
    if not body:
        return {}
    try:
        found = _reader.parse_data_item(_Body(body))
    except (ArithmeticError, LookupError, ResponseParserError, RuntimeError, TypeError, ValueError) as error:
        raise CborError(f"the request's body is not CBOR: {error}") from error
    if not isinstance(found, dict):
        raise CborError("the request's body is not a CBOR map")
    _check_times(shape, found)
    return found


def _check_times(shape: Shape | None, value: Any) -> None:
    """Validation looks at everything but at this."""
    match shape:
        case StructureShape() if isinstance(value, dict):
            for name in shape.members.keys() & value.keys():
                _check_times(shape.members[name], value[name])
        case ListShape() if isinstance(value, list):
            for item in value:
                _check_times(shape.member, item)
        case Shape(type_name="timestamp") if not isinstance(value, datetime):
            raise CborError(f"{value!r} is no timestamp")


def encode(shape: Shape | None, result: dict[str, Any]) -> bytes:
    """A response's body: what the shape knows of the result."""
    body = bytearray()
    if shape is None:
        return b"\xa0"
    _writer._serialize_data_item(body, _known(shape, result), shape)
    return bytes(body)


def encode_error(name: str, message: str) -> bytes:
    """The body of a refusal."""
    body = bytearray([0xA2])  # a map of two
    for text in ("__type", name, "message", message):
        _writer._serialize_type_string(body, text, None, None)
    return bytes(body)


def _known(shape: Shape, value: Any) -> Any:
    match shape:
        case StructureShape():
            held = {name: item for name, item in value.items() if name in shape.members and item is not None}
            return {name: _known(shape.members[name], item) for name, item in held.items()}
        case ListShape():
            return [_known(shape.member, item) for item in value]
        case MapShape():
            return {key: _known(shape.value, item) for key, item in value.items()}
    return float(value) if shape.type_name in ("double", "float") else value
