"""What a web request becomes for a function, and what a function's answer becomes for the web."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.adapters.function_urls import address
from emulator.semantics.lambda_ import function_urls
from emulator.semantics.lambda_.function_urls import Arrival, WebRequest

ARRIVAL = Arrival("abc", "us-east-1", "id", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


def _request(body: bytes = b"", kind: str = "", **headers: str) -> WebRequest:
    named = {"content-type": kind} if kind else {}
    return WebRequest("POST", "/p", "", {**named, **headers}, body, "127.0.0.1")


@pytest.mark.parametrize(
    ("host", "path", "found"),
    [
        ("localhost:4566", "/_url/abc/", ("abc", "/")),
        ("localhost:4566", "/_url/abc", ("abc", "/")),
        ("127.0.0.1", "/_url/ABC/x/y", ("abc", "/x/y")),
        ("abc.lambda-url.us-east-1.localhost:4566", "/_url/x", ("abc", "/_url/x")),
        ("abc.lambda-url.us-east-1.localhost", "/", ("abc", "/")),
        ("localhost:4566", "/bucket/_url/abc", None),
        ("localhost:4566", "/", None),
        ("bucket.localhost:4566", "/", None),
    ],
)
def test_a_url_is_known_by_its_path_or_its_host(host: str, path: str, found: tuple[str, str] | None) -> None:
    assert address(host, path) == found


@pytest.mark.parametrize(
    ("kind", "body", "text", "is_base64"),
    [
        ("application/json; charset=utf-8", '{"ä": 1}'.encode(), '{"ä": 1}', False),
        ("text/plain", b"x", "x", False),
        ("application/problem+json", b"{}", "{}", False),
        ("application/x-www-form-urlencoded", b"a=1", "YT0x", True),
        ("application/json", b"\xff", "/w==", True),
        ("", b"x", "eA==", True),
    ],
)
def test_a_body_is_text_by_its_type_and_base64_otherwise(kind: str, body: bytes, text: str, is_base64: bool) -> None:
    event = function_urls.event(_request(body, kind), ARRIVAL)

    assert (event["body"], event["isBase64Encoded"]) == (text, is_base64)


def test_what_is_not_there_is_not_in_the_event() -> None:
    event = function_urls.event(_request(), ARRIVAL)

    assert {"body", "cookies", "queryStringParameters"} & event.keys() == set()
    assert event["requestContext"]["time"] == "02/Jan/2026:03:04:05 +0000"
    assert event["requestContext"]["timeEpoch"] == 1767323045000


@pytest.mark.parametrize(
    ("payload", "status", "body"),
    [
        ({"statusCode": 201, "body": "x"}, 201, b"x"),
        ({"statusCode": "404"}, 404, b""),
        ({"statusCode": 200, "body": {"a": 1}}, 200, b'{"a": 1}'),
        ({"statusCode": 200, "body": "eA==", "isBase64Encoded": True}, 200, b"x"),
        ({"body": "x"}, 200, b'{"body": "x"}'),
        ("hello", 200, b"hello"),
        ([1], 200, b"[1]"),
        (None, 200, b"null"),
        ({"statusCode": "ok"}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "body": "%", "isBase64Encoded": True}, 502, b"Internal Server Error"),
        ({"statusCode": 200, "headers": "x"}, 502, b"Internal Server Error"),
    ],
)
def test_an_answer_is_read_as_aws_reads_it(payload: Any, status: int, body: bytes) -> None:
    answered = function_urls.answer(json.dumps(payload).encode())

    assert (answered.status, answered.body) == (status, body)


def test_headers_of_a_function_replace_the_default_whatever_their_case() -> None:
    payload = {"statusCode": 200, "headers": {"Content-Type": "text/html", "X-N": 7}}

    assert function_urls.answer(json.dumps(payload).encode()).headers == {"content-type": "text/html", "x-n": "7"}


@pytest.mark.parametrize(
    ("cors", "origin", "allowed"),
    [
        ({"AllowOrigins": ["*"]}, "https://a.example", "*"),
        ({"AllowOrigins": ["*"], "AllowCredentials": True}, "https://a.example", "https://a.example"),
        ({"AllowOrigins": ["https://a.example"]}, "https://a.example", "https://a.example"),
        ({"AllowOrigins": ["https://a.example"]}, "https://b.example", None),
        ({}, "https://a.example", None),
    ],
)
def test_an_answer_says_which_origin_may_read_it(cors: dict[str, Any], origin: str, allowed: str | None) -> None:
    answered = function_urls.with_cors(cors, _request(origin=origin), function_urls.answer(b"1"))

    assert answered.headers.get("access-control-allow-origin") == allowed


def test_every_origin_means_every_page_of_this_machine_here() -> None:
    assert function_urls.welcomes({"AllowOrigins": ["*"]}, "http://localhost:3000")
    assert not function_urls.welcomes({"AllowOrigins": ["*"]}, "https://evil.example")
    assert not function_urls.welcomes({"AllowOrigins": ["*"]}, "http://[")
    assert function_urls.welcomes({"AllowOrigins": ["https://a.example"]}, "https://a.example")
