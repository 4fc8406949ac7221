"""Smithy's RPC v2 CBOR protocol, served. botocore's own reader and writer of CBOR do the work; moto has neither.

boto3 and the AWS CLI speak JSON to CloudWatch; the SDKs for other languages speak this.
"""

from __future__ import annotations

import io
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


def decode(body: bytes) -> dict[str, Any]:
    """A request's parameters.

    Raises:
        CborError: the body is malformed.
    """
    if not body:
        return {}
    try:
        found = _reader.parse_data_item(io.BufferedReader(io.BytesIO(body)))
    except (ResponseParserError, ValueError, OverflowError, RecursionError, TypeError) as error:
        raise CborError(f"the request's body is not CBOR: {error}") from error
    if not isinstance(found, dict):
        raise CborError("the request's body is not a CBOR map")
    return found


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
