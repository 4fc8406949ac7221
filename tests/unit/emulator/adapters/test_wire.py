"""botocore's wire formats, both ways: what a client sends is what an operation gets, and back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.adapters import wire
from emulator.kernel.errors import AwsError, EmulatorError
from tests.unit.emulator.adapters.client import received, request, sent

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROLE = "arn:aws:iam::123456789012:role/r"


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        (
            "sagemaker",
            "AddTags",
            {"ResourceArn": "arn:ü", "Tags": [{"Key": "k", "Value": ""}, {"Key": "l", "Value": "v"}]},
        ),
        ("sagemaker", "ListEndpoints", {"MaxResults": 5, "CreationTimeAfter": AT}),
        ("events", "PutEvents", {"Entries": [{"Source": "s", "Detail": '{"a": "\\"é"}', "Time": AT}]}),
        (
            "lambda",
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE, "Timeout": 3, "Code": {"ZipFile": b"\0\xff"}, "Publish": False},
        ),
        ("lambda", "Invoke", {"FunctionName": "f", "InvocationType": "Event", "Payload": b'{"a": 1}'}),
        ("lambda", "ListFunctions", {"MaxItems": 3, "Marker": "a b+c"}),
        (
            "sagemaker-runtime",
            "InvokeEndpoint",
            {"EndpointName": "e", "ContentType": "text/csv", "Accept": "*/*", "Body": b"1,2\n\xff", "InferenceId": "i"},
        ),
        (
            "cloudformation",
            "CreateChangeSet",
            {
                "StackName": "s",
                "ChangeSetName": "c",
                "TemplateBody": '{"a": "ü & <b>"}\n',
                "Parameters": [{"ParameterKey": "p", "UsePreviousValue": True}],
                "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            },
        ),
    ],
)
def test_what_a_client_sends_is_what_the_operation_gets(service: str, operation: str, params: dict[str, Any]) -> None:
    parsed = wire.parse(service, sent(service, operation, params))

    assert parsed.operation.name == operation
    assert parsed.params == params


def test_a_time_is_aware_wherever_the_client_stands() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5)))

    (entry,) = wire.parse("events", sent("events", "PutEvents", {"Entries": [{"Time": there}]})).params["Entries"]

    assert entry["Time"] == AT
    assert entry["Time"].utcoffset() is not None


@pytest.mark.parametrize(
    ("service", "operation", "result"),
    [
        ("sagemaker", "DescribeModel", {"ModelName": "ü", "CreationTime": AT, "EnableNetworkIsolation": False}),
        ("sagemaker", "ListEndpoints", {"Endpoints": []}),
        ("events", "PutEvents", {"FailedEntryCount": 1, "Entries": [{"EventId": "i"}, {"ErrorCode": "c"}]}),
        ("lambda", "GetFunction", {"Configuration": {"Timeout": 3, "Environment": {"Variables": {"A": "b"}}}}),
        (
            "cloudformation",
            "DescribeStacks",
            {"Stacks": [{"StackName": "<s>", "CreationTime": AT, "StackStatus": "CREATE_COMPLETE", "Outputs": []}]},
        ),
        ("cloudformation", "DescribeStackEvents", {"StackEvents": [], "NextToken": "100"}),
    ],
)
def test_what_an_operation_answers_is_what_the_client_gets(
    service: str, operation: str, result: dict[str, Any]
) -> None:
    params = {"FunctionName": "f"} if operation == "GetFunction" else {}
    parsed = wire.parse(service, sent(service, operation, params))

    answer = received(service, operation, wire.render(parsed, result, "request-1"), params)

    metadata = answer.pop("ResponseMetadata")
    assert (metadata["HTTPStatusCode"], metadata["RequestId"]) == (200, "request-1")
    assert answer == result


def test_a_payload_comes_back_byte_by_byte_with_its_own_content_type() -> None:
    params = {"EndpointName": "e", "Body": b"1"}
    parsed = wire.parse("sagemaker-runtime", sent("sagemaker-runtime", "InvokeEndpoint", params))
    result = {"Body": b"\0\xff", "ContentType": "application/x-thing", "InvokedProductionVariant": "v"}

    answer = received("sagemaker-runtime", "InvokeEndpoint", wire.render(parsed, result, "r"), params)

    assert answer["Body"].read() == b"\0\xff"
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/x-thing", "v")


def test_a_function_error_is_told_in_its_header() -> None:
    params = {"FunctionName": "f"}
    parsed = wire.parse("lambda", sent("lambda", "Invoke", params))
    result = {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": b'{"errorType": "E"}'}

    answer = received("lambda", "Invoke", wire.render(parsed, result, "r"), params)

    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert answer["Payload"].read() == b'{"errorType": "E"}'


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("sagemaker", "DescribeModel"),
        ("events", "PutRule"),
        ("lambda", "ListFunctions"),
        ("cloudformation", "DescribeStacks"),
        ("sagemaker-metrics", "BatchGetMetrics"),
    ],
)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AwsError("ValidationException", "no <good> ü"), 400),
        (AwsError("ResourceNotFoundException", "gone", 404), 404),
        (EmulatorError("x: y is not emulated"), 501),
        (AwsError("InternalFailure", "broke", 500), 500),
    ],
)
def test_a_refusal_keeps_code_message_status_and_request_id(
    service: str, operation: str, error: AwsError, status: int
) -> None:
    parsed = wire.parse(service, sent(service, operation))

    with pytest.raises(ClientError) as refused:
        received(service, operation, wire.render(parsed, error, "request-1"))

    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == (error.code, error.message)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] == "request-1"


def test_a_path_that_is_no_operation_is_refused_by_what_was_asked() -> None:
    with pytest.raises(AwsError, match="GET /2015-03-31/nothing is no operation of lambda") as refused:
        wire.parse("lambda", request("/2015-03-31/nothing", "GET"))

    assert (refused.value.code, refused.value.status) == ("UnknownOperationException", 404)


@pytest.mark.parametrize(
    ("body", "target"),
    [
        (b"not json", "ListEndpoints"),
        (b"[1]", "ListEndpoints"),
        (b'"text"', "ListEndpoints"),
        (b'{"MaxResults": "many"}', "ListEndpoints"),
        (b'{"CreationTimeAfter": "yesterday"}', "ListEndpoints"),
        (b'{"Tags": [1], "ResourceArn": "a"}', "AddTags"),
    ],
)
def test_a_body_that_does_not_fit_the_input_is_a_serialization_error(body: bytes, target: str) -> None:
    asked = request(body=body, X_Amz_Target=f"SageMaker.{target}", Content_Type="application/x-amz-json-1.1")

    with pytest.raises(AwsError) as refused:
        wire.parse("sagemaker", asked)

    assert (refused.value.code, refused.value.status) == ("SerializationException", 400)
    assert target in refused.value.message


def test_an_empty_body_is_an_empty_request() -> None:
    asked = request(X_Amz_Target="SageMaker.ListEndpoints", Content_Type="application/x-amz-json-1.1")

    assert wire.parse("sagemaker", asked).params == {}


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "application/x-amz-json-1.1", "text/csv", "x"])
def test_a_payload_of_any_type_is_the_payload(kind: str) -> None:
    request = wire.HttpRequest("POST", "/endpoints/e/invocations", {"Content-Type": kind}, b"a=1", "localhost")

    parsed = wire.parse("sagemaker-runtime", request)

    assert (parsed.params["Body"], parsed.params["ContentType"]) == (b"a=1", kind)
