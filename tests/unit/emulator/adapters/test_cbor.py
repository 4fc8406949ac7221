"""CBOR as other SDKs speak it: what is written is read again, and what is broken is refused."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.serialize import RpcV2CBORSerializer
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.adapters import cbor, wire
from emulator.adapters.cbor import CborError

PUT = wire.operation_model("cloudwatch", "PutMetricData").input_shape
AT = datetime(2026, 1, 1, tzinfo=UTC)


def written(params: dict[str, Any]) -> bytes:
    body = bytearray()
    RpcV2CBORSerializer()._serialize_data_item(body, params, PUT)
    return bytes(body)


def test_a_request_is_read_as_it_was_written() -> None:
    params = {"Namespace": "ä", "MetricData": [{"MetricName": "m", "Value": 1.5, "Timestamp": AT, "Values": [0.1]}]}

    assert cbor.decode(PUT, written(params)) == params


def test_an_answer_holds_what_its_shape_knows() -> None:
    shape = wire.operation_model("cloudwatch", "DescribeAlarms").output_shape
    row = {"AlarmName": "a", "Threshold": 5, "StateUpdatedTimestamp": AT, "Held": {"By": "x"}, "Unit": None}

    body = cbor.encode(shape, {"MetricAlarms": [row]})

    kept = {"AlarmName": "a", "Threshold": 5.0, "StateUpdatedTimestamp": AT}
    assert cbor.decode(shape, body) == {"MetricAlarms": [kept]}
    assert cbor.encode(None, {}) == cbor.encode(shape, {}) == b"\xa0"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff",
        b"\x01",
        b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81" * 5000,
        b"\xa1\x80\x01",
        b"\xa1\x6aMetricData\x81\xa1\x69Timestamp\x05",
    ],
)
def test_what_is_broken_is_refused(body: bytes) -> None:
    with pytest.raises(CborError):
        cbor.decode(PUT, body)


@given(st.binary(max_size=60))
@example(b"\xc1\xfb\x7f\xf0\x00\x00\x00\x00\x00\x00")
@example(b"\xa1\x61a\xc1\x1b\xff\xff\xff\xff\xff\xff\xff\xff")
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(CborError):
        assert isinstance(cbor.decode(PUT, body), dict)
