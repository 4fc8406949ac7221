"""Which records pass. The table of body formats is the one of the Lambda guide."""

import base64
import json
from typing import Any

import pytest

from emulator.semantics.lambda_ import event_filters
from emulator.semantics.lambda_.event_filters import InvalidFilter


def _message(body: str) -> dict[str, Any]:
    return {"messageId": "m", "body": body, "eventSource": "aws:sqs"}


def _record(data: bytes) -> dict[str, Any]:
    return {"eventID": "e", "kinesis": {"partitionKey": "1", "data": base64.b64encode(data).decode()}}


def _passes(kind: str, pattern: dict[str, Any], record: dict[str, Any]) -> bool:
    return event_filters.compile((json.dumps(pattern),), kind).passes(record)


@pytest.mark.parametrize(
    ("body", "pattern", "passes"),
    [
        ("text", {"body": ["text"]}, True),
        ("text", {"body": ["other"]}, False),
        ("text", {"messageId": ["m"]}, True),
        ("text", {"body": {"a": [1]}}, False),
        ('{"a": 1}', {"body": ['{"a": 1}']}, False),
        ('{"a": 1}', {"messageId": ["m"]}, True),
        ('{"a": 1}', {"messageId": ["n"]}, False),
        ('{"a": 1}', {"body": {"a": [1]}}, True),
        ('{"a": 1}', {"body": {"a": [2]}}, False),
        ('{"a": {"b": "deep"}}', {"body": {"a": {"b": [{"prefix": "de"}]}}}, True),
    ],
)
def test_a_message_is_read_as_its_pattern_is_written(body: str, pattern: dict[str, Any], passes: bool) -> None:
    assert _passes("sqs", pattern, _message(body)) is passes


@pytest.mark.parametrize(
    ("data", "pattern", "passes"),
    [
        (b'{"a": 1}', {"data": {"a": [1]}}, True),
        (b'{"a": 1}', {"partitionKey": ["1"], "data": {"a": [{"exists": True}]}}, True),
        (b'{"a": 1}', {"partitionKey": ["2"]}, False),
        (b"text", {"partitionKey": ["1"]}, True),
        (b"text", {"data": {"a": [{"exists": False}]}}, False),
        (b"\xff\xfe", {"data": {"a": [1]}}, False),
    ],
)
def test_data_of_kinesis_is_decoded_for_its_pattern(data: bytes, pattern: dict[str, Any], passes: bool) -> None:
    assert _passes("kinesis", pattern, _record(data)) is passes


def test_a_change_of_a_table_is_matched_as_it_is() -> None:
    record = {"eventName": "INSERT", "dynamodb": {"Keys": {"Id": {"N": "101"}}}}

    assert _passes("dynamodb", {"dynamodb": {"Keys": {"Id": {"N": ["101"]}}}}, record)
    assert not _passes("dynamodb", {"eventName": ["REMOVE"]}, record)


def test_one_filter_of_several_is_enough_and_none_lets_everything_through() -> None:
    patterns = (json.dumps({"body": {"a": [1]}}), json.dumps({"body": ["text"]}))

    assert event_filters.compile(patterns, "sqs").passes(_message("text"))
    assert event_filters.compile((), "sqs").passes(_message("anything"))


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"a": 1}', '{"body": {"a": [{"unheard": 1}]}}'])
def test_a_pattern_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidFilter):
        event_filters.compile((text,), "sqs")


@pytest.mark.parametrize(("kind", "field"), [("kinesis", "data"), ("dynamodb", "dynamodb")])
def test_a_stream_has_no_text_to_ask_for(kind: str, field: str) -> None:
    with pytest.raises(InvalidFilter):
        event_filters.compile((json.dumps({field: ["text"]}),), kind)
