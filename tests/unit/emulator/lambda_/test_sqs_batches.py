"""Which messages of a batch are done. Reasoned from services-sqs-errorhandling.html of the Lambda guide."""

import json
from typing import Any

import pytest

from emulator.semantics.lambda_ import sqs_batches

IDS = ["a", "b", "c"]
NONE, ALL = frozenset[str](), frozenset(IDS)


def _failures(*ids: Any) -> bytes:
    return json.dumps({"batchItemFailures": [{"itemIdentifier": item} for item in ids]}).encode()


@pytest.mark.parametrize(
    ("payload", "done"),
    [
        (_failures(), ALL),
        (_failures("b"), frozenset({"a", "c"})),
        (_failures("b", "b"), frozenset({"a", "c"})),
        (_failures("a", "b", "c"), NONE),
        (b"null", ALL),
        (b"{}", ALL),
        (b"", ALL),
        (b'{"batchItemFailures": null}', ALL),
        (b'"text"', ALL),
        (_failures("unknown"), NONE),
        (_failures(""), NONE),
        (_failures(None), NONE),
        (_failures(["a"]), NONE),
        (b'{"batchItemFailures": [{"id": "a"}]}', NONE),
        (b'{"batchItemFailures": ["a"]}', NONE),
        (b'{"batchItemFailures": "a"}', NONE),
    ],
)
def test_a_partial_response_says_what_is_done(payload: bytes, done: frozenset[str]) -> None:
    verdict = sqs_batches.settle(IDS, payload, is_error=False, has_partial_responses=True)

    assert verdict.message_ids == done
    assert bool(verdict.problem) == (done != ALL)


def test_a_function_that_failed_has_done_nothing() -> None:
    assert sqs_batches.settle(IDS, _failures("a"), True, True).message_ids == NONE


def test_without_partial_responses_any_answer_is_a_success() -> None:
    assert sqs_batches.settle(IDS, _failures("a"), False, False).message_ids == ALL


def test_a_record_has_the_names_that_functions_expect() -> None:
    attribute = {"StringValue": "v", "DataType": "String"}
    message = {
        "MessageId": "m",
        "ReceiptHandle": "r",
        "Body": "b",
        "MD5OfBody": "5",
        "MessageAttributes": {"K": attribute},
    }

    (record,) = sqs_batches.render([message], "arn:aws:sqs:eu-west-1:1:q")["Records"]

    assert record["awsRegion"] == "eu-west-1"
    assert (record["messageId"], record["body"], record["eventSource"]) == ("m", "b", "aws:sqs")
    expected = {"stringValue": "v", "dataType": "String", "stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {"K": expected}
