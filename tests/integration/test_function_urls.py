"""Function URLs on loopback: any HTTP client reaches a function, and no web page that was not asked in does."""

import base64
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.support.functions import Client, create

CODE = """
def handler(event, context):
    if event["rawPath"] == "/fail":
        raise ValueError("no")
    if event["rawPath"] == "/plain":
        return {"seen": event["requestContext"]["http"]["method"]}
    if event["rawPath"] == "/binary":
        return {"statusCode": 200, "body": "/wA=", "isBase64Encoded": True, "headers": {"Content-Type": "image/x"}}
    if event["rawPath"] == "/cookies":
        return {"statusCode": 201, "cookies": ["a=1", "b=2; Secure"], "body": ",".join(event["cookies"])}
    return {"statusCode": 200, "body": __import__("json").dumps(event)}
"""


@pytest.fixture(scope="session")
def url(client: Client) -> str:
    create(client, "web", CODE)
    cors = {"AllowOrigins": ["https://app.example"], "AllowMethods": ["POST"], "MaxAge": 60, "ExposeHeaders": ["x-a"]}
    made = client("lambda").create_function_url_config(FunctionName="web", AuthType="NONE", Cors=cors)
    return str(made["FunctionUrl"])


def _ask(
    url: str, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    connection.request(method, parts.path.rstrip("/") + path, body, headers or {})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def test_a_web_request_becomes_an_event_of_format_2(url: str) -> None:
    status, _, body = _ask(url, "/a/b%20c?x=1&x=2&y=", "POST", b'{"n": 1}', {"Content-Type": "application/json"})

    event = json.loads(body)
    context = event["requestContext"]
    assert status == 200
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == ("2.0", "/a/b%20c", "x=1&x=2&y=")
    assert (event["queryStringParameters"], event["body"]) == ({"x": "1,2", "y": ""}, '{"n": 1}')
    assert (event["isBase64Encoded"], event["headers"]["content-type"]) == (False, "application/json")
    assert context["http"]["method"] == "POST"
    assert context["http"]["sourceIp"] == "127.0.0.1"
    assert url.rstrip("/").endswith(context["domainPrefix"])
    assert context["accountId"] == "anonymous"


def test_bytes_travel_in_base64_both_ways(url: str) -> None:
    event = json.loads(_ask(url, "/", "PUT", b"\xff\x00", {"Content-Type": "application/octet-stream"})[2])
    status, headers, body = _ask(url, "/binary")

    assert (base64.b64decode(event["body"]), event["isBase64Encoded"]) == (b"\xff\x00", True)
    assert (status, headers["Content-Type"], body) == (200, "image/x", b"\xff\x00")


def test_an_answer_without_a_status_is_json(url: str) -> None:
    status, headers, body = _ask(url, "/plain")

    assert (status, headers["Content-Type"], json.loads(body)) == (200, "application/json", {"seen": "GET"})


def test_cookies_go_in_and_out(url: str) -> None:
    status, headers, body = _ask(url, "/cookies", headers={"Cookie": "c=3; d=4"})

    assert (status, body) == (201, b"c=3,d=4")
    assert headers.get_all("Set-Cookie") == ["a=1", "b=2; Secure"]


def test_a_function_that_fails_is_a_bad_gateway(url: str) -> None:
    assert _ask(url, "/fail")[::2] == (502, b"Internal Server Error")


def test_a_url_is_reached_by_its_host_too(url: str) -> None:
    parts = urlsplit(url)
    host = f"{parts.path.strip('/').split('/')[1]}.lambda-url.us-east-1.localhost:{parts.port}"

    status, _, body = _ask(f"http://{parts.netloc}", "/_url/x", headers={"Host": host})

    assert (status, json.loads(body)["rawPath"]) == (200, "/_url/x")


def test_a_url_that_is_not_there_is_forbidden(url: str) -> None:
    assert _ask(url.rsplit("/", 2)[0] + "/nothing", "/")[0] == 403


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://app.example", 200), ("http://localhost:3000", 200), ("https://evil.example", 403)],
)
def test_only_pages_of_origins_that_the_url_names_come_in(url: str, origin: str, status: int) -> None:
    found, headers, _ = _ask(url, "/plain", "POST", b"{}", {"Origin": origin, "Sec-Fetch-Site": "cross-site"})

    assert found == (status if origin != "http://localhost:3000" else 200)
    assert headers["Access-Control-Allow-Origin"] == ("https://app.example" if "app" in origin else None)


def test_a_preflight_is_answered_without_the_function(url: str) -> None:
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}

    status, headers, body = _ask(url, "/fail", "OPTIONS", headers=asked)

    assert (status, body) == (200, b"")
    assert headers["Access-Control-Allow-Methods"] == "POST"
    assert headers["Access-Control-Max-Age"] == "60"


def test_another_host_never_comes_in_whatever_its_origin(url: str) -> None:
    headers = {"Host": "evil.example", "Origin": "https://app.example"}

    assert _ask(url, "/plain", headers=headers)[0] == 403


def test_a_url_with_iam_wants_a_signature(client: Client) -> None:
    create(client, "private", CODE)
    made = client("lambda").create_function_url_config(FunctionName="private", AuthType="AWS_IAM")
    signed = AWSRequest("GET", made["FunctionUrl"])
    SigV4Auth(Credentials("AKIATEST", "secret"), "lambda", "us-east-1").add_auth(signed)

    status, _, body = _ask(made["FunctionUrl"], "/", headers=dict(signed.headers))

    assert _ask(made["FunctionUrl"], "/")[::2] == (403, b'{"Message":"Forbidden"}')
    assert status == 200
    iam = json.loads(body)["requestContext"]["authorizer"]["iam"]
    assert (iam["accessKey"], iam["accountId"]) == ("AKIATEST", "123456789012")


def test_an_alias_has_a_url_of_its_own_that_can_be_changed_listed_and_deleted(client: Client) -> None:
    api: Any = client("lambda")
    create(client, "aliased", CODE, Publish=True)
    api.create_alias(FunctionName="aliased", Name="live", FunctionVersion="1")
    asked = {"FunctionName": "aliased", "Qualifier": "live"}
    made = api.create_function_url_config(**asked, AuthType="AWS_IAM")
    with pytest.raises(api.exceptions.ResourceConflictException):
        api.create_function_url_config(**asked, AuthType="NONE")

    changed = api.update_function_url_config(**asked, AuthType="NONE")

    assert changed["FunctionUrl"] == made["FunctionUrl"]
    assert _ask(made["FunctionUrl"], "/plain")[0] == 200
    assert [
        one["FunctionArn"] for one in api.list_function_url_configs(FunctionName="aliased")["FunctionUrlConfigs"]
    ] == [made["FunctionArn"]]
    api.delete_function_url_config(**asked)
    assert _ask(made["FunctionUrl"], "/plain")[0] == 403


def test_streaming_is_refused_by_name(client: Client) -> None:
    create(client, "streamed", CODE)

    with pytest.raises(client("lambda").exceptions.ClientError, match="RESPONSE_STREAM"):
        client("lambda").create_function_url_config(
            FunctionName="streamed", AuthType="NONE", InvokeMode="RESPONSE_STREAM"
        )
