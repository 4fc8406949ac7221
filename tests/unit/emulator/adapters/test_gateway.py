"""The front door: whose request it is, and that what breaks or is not there says so in a shape the client reads."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator import bootstrap
from emulator.adapters import wire
from emulator.adapters.gateway import Gateway, Signature, _once_each, service_of, signature_of
from emulator.adapters.moto_services import KEPT, MotoServices, S3Change
from emulator.kernel.errors import AwsError
from emulator.kernel.ports import Context, Kernel, Params, Principal
from emulator.services import cloudformation, events, lambda_, sagemaker, sagemaker_runtime
from tests.support.emulator import world
from tests.unit.emulator.adapters.client import client, received, request, sent

OWNED = {
    "cloudformation": cloudformation.OPERATIONS,
    "events": events.OPERATIONS,
    "lambda": lambda_.OPERATIONS,
    "sagemaker": sagemaker.OPERATIONS,
    "sagemaker-runtime": sagemaker_runtime.OPERATIONS,
}
SIGNED_AS_SAGEMAKER = ("sagemaker", "sagemaker-runtime", "sagemaker-featurestore-runtime", "sagemaker-metrics")


def _service(found: wire.HttpRequest) -> str:
    return service_of(signature_of(found).service, found)


def _filled(service: str, operation: str) -> dict[str, Any]:
    """Something for each required member, enough for a request to be built."""
    shape = client(service).meta.service_model.operation_model(operation).input_shape
    return {name: _something(shape.members[name]) for name in (shape.required_members if shape else ())}


def _something(shape: Any) -> Any:
    match shape.type_name:
        case "structure":
            return {name: _something(shape.members[name]) for name in shape.required_members}
        case "list" | "map":
            return [] if shape.type_name == "list" else {}
        case "integer" | "long" | "float" | "double":
            return 1
        case "boolean":
            return True
        case "blob":
            return b"x"
        case "timestamp":
            return datetime(2026, 1, 2, tzinfo=UTC)
    return "xxx"


@pytest.mark.parametrize("service", sorted({*KEPT, *OWNED, *SIGNED_AS_SAGEMAKER}))
def test_a_signed_request_of_every_service_is_known_by_its_name(service: str) -> None:
    model = client(service).meta.service_model
    signed = [name for name in model.operation_names if model.operation_model(name).auth_type != "none"]
    for operation in signed[:5]:
        assert _service(sent(service, operation, _filled(service, operation))) == service


@pytest.mark.parametrize("service", SIGNED_AS_SAGEMAKER[1:])
def test_every_operation_that_signs_as_sagemaker_is_told_from_its_siblings(service: str) -> None:
    for operation in client(service).meta.service_model.operation_names:
        assert _service(sent(service, operation, _filled(service, operation))) == service


def test_a_header_signature_tells_key_region_and_service() -> None:
    scope = "Credential=AKIA/20260102/eu-west-1/monitoring/aws4_request, SignedHeaders=host, Signature=x"

    found = signature_of(request(authorization=f"AWS4-HMAC-SHA256 {scope}"))

    assert found == Signature("AKIA", "eu-west-1", "monitoring")
    assert service_of(found.service, request()) == "cloudwatch"


def test_a_presigned_url_tells_the_same_in_its_query() -> None:
    s3 = client("s3")

    url = s3.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "a b+ü"})

    # botocore signs S3 URLs as query version 2 unless told otherwise; both forms come from S3 clients only
    assert _service(request(url.removeprefix("http://localhost:1"), "GET")) == "s3"
    signed = request("/b/k?X-Amz-Credential=ASIA1%2F20260102%2Fus-east-1%2Fsqs%2Faws4_request&X-Amz-Date=x", "GET")
    assert signature_of(signed) == Signature("ASIA1", "us-east-1", "sqs")


def test_who_signs_nothing_speaks_to_s3() -> None:
    assert _service(request("/bucket/key", "GET")) == "s3"


def test_streams_of_dynamodb_are_a_service_of_their_own() -> None:
    assert service_of("dynamodb", request(x_amz_target="DynamoDBStreams_20120810.ListStreams")) == "dynamodbstreams"
    assert service_of("dynamodb", request(x_amz_target="DynamoDB_20120810.ListTables")) == "dynamodb"


def test_a_sagemaker_path_that_nobody_has_is_named_and_given_to_nobody() -> None:
    name = service_of("sagemaker", request("/SendHeartbeat"))

    assert "/SendHeartbeat" in name
    assert name not in KEPT | OWNED.keys()


def test_each_object_of_a_request_is_one_event_whatever_moto_reports() -> None:
    def change(event: str, key: str, size: int) -> S3Change:
        return S3Change(f"s3:{event}", "b", key, size, "e", "v")

    seen = [
        change("ObjectCreated:Put", "k", 1),
        change("ObjectCreated:CompleteMultipartUpload", "k", 2),
        change("ObjectTagging:Put", "k", 2),
        change("ObjectRemoved:Delete", "old", 0),
        change("ObjectRemoved:DeleteMarkerCreated", "gone", 0),
    ]

    found = [(item.kind, item.key, item.size_bytes, item.is_delete_marker) for item in _once_each(seen)]

    assert found == [("created", "k", 2, False), ("deleted", "old", 0, False), ("deleted", "gone", 0, True)]


@pytest.fixture(scope="module")
def moto() -> MotoServices:
    return MotoServices(bootstrap.ACCOUNT_ID)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    made = world(tmp_path, {})
    yield made.kernel
    made.close()


@pytest.fixture
def gateway(kernel: Kernel, moto: MotoServices) -> Gateway:
    def broken(params: Params, ctx: Context) -> Params:
        raise KeyError("absent")

    def named(params: Params, ctx: Context) -> Params:
        return {"Result": ctx.principal.arn == "arn:key:test"}

    owned = {"events": {"DescribeRule": broken, "TestEventPattern": named}}
    return Gateway(kernel, moto, owned, lambda key: Principal(f"arn:key:{key}", kernel.account_id))


def _call(gateway: Gateway, service: str, operation: str, **params: Any) -> Any:
    return received(service, operation, gateway.handle(sent(service, operation, params)), params)


def test_an_operation_learns_who_calls(gateway: Gateway) -> None:
    assert _call(gateway, "events", "TestEventPattern", EventPattern="{}", Event="{}")["Result"]


def test_an_operation_that_breaks_is_a_journaled_internal_failure(gateway: Gateway, kernel: Kernel) -> None:
    with pytest.raises(ClientError, match="DescribeRule broke in the emulator: KeyError") as refused:
        _call(gateway, "events", "DescribeRule", Name="r")

    assert refused.value.response["Error"]["Code"] == "InternalFailure"
    (entry,) = kernel.journal.entries("gateway.operation.broken")
    assert entry["subject"] == "events:DescribeRule"


@pytest.mark.parametrize(
    ("service", "operation", "named"),
    [
        ("events", "ListArchives", "events: ListArchives"),
        ("ec2", "DescribeInstances", "'ec2'"),
        ("rds", "DescribeDBInstances", "'rds'"),
        ("scheduler", "ListSchedules", "'scheduler'"),
        ("route53", "ListHostedZones", "'route53'"),
        ("athena", "ListWorkGroups", "'athena'"),
        ("sagemaker-metrics", "BatchGetMetrics", "'sagemaker-metrics'"),
        ("sagemaker-edge", "SendHeartbeat", "/SendHeartbeat"),
    ],
)
def test_what_is_not_emulated_is_named_in_every_protocol(
    gateway: Gateway, service: str, operation: str, named: str
) -> None:
    with pytest.raises(ClientError) as refused:
        _call(gateway, service, operation, **_filled(service, operation))

    answer = refused.value.response
    assert answer["Error"]["Code"] == "NotEmulated"
    assert named in answer["Error"]["Message"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_a_call_in_process_is_validated_like_one_over_the_wire(gateway: Gateway) -> None:
    with pytest.raises(AwsError, match="Value null at 'event'") as refused:
        gateway.call("events", "TestEventPattern", {"EventPattern": "{}"}, Principal("arn", "1"))

    assert refused.value.code == "ValidationException"


def test_what_moto_has_not_is_refused_by_the_operations_name(gateway: Gateway) -> None:
    with pytest.raises(ClientError, match="sqs: ListMessageMoveTasks is not emulated"):
        _call(gateway, "sqs", "ListMessageMoveTasks", SourceArn="arn:aws:sqs:us-east-1:123456789012:q")


def test_a_call_of_moto_is_told_to_who_listens(gateway: Gateway) -> None:
    heard: list[str] = []
    gateway.on_served.append(lambda service, asked: heard.append(service))

    _call(gateway, "sts", "GetCallerIdentity")

    assert heard == ["sts"]


def test_a_request_of_boto3_is_signed_as_the_gateway_reads() -> None:
    assert signature_of(sent("sqs", "ListQueues")) == Signature("test", "us-east-1", "sqs")
