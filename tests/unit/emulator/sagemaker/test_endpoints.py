"""Endpoints are real model servers behind the life cycle of AWS."""

from __future__ import annotations

import socket

import pytest

from emulator.kernel import traffic
from emulator.kernel.errors import AwsError
from tests.support.emulator import ROLE, World
from tests.unit.emulator.sagemaker.requests import SKLEARN, tarball
from tests.unit.emulator.sagemaker.serving import INFERENCE, at_rest, configure, deploy, invoke, statuses, up


def test_an_endpoint_answers_with_its_model(aws: World) -> None:
    described = up(aws, deploy(aws, "one"))

    answer = invoke(aws)

    assert b'"model": "one", "answer": 0.25' in answer["Body"]
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/json", "champion")
    variant = described["ProductionVariants"][0]
    assert (variant["CurrentWeight"], variant["DeployedImages"][0]["SpecifiedImage"]) == (1.0, SKLEARN)
    assert statuses(aws) == ["CREATING", "IN_SERVICE"]
    assert aws.events.details("Model State Change")[0]["PrimaryContainer"]["Image"] == SKLEARN
    assert aws.events.details("Endpoint Config State Change")[0]["EndpointConfigName"] == "one"


def test_errors_of_the_container_are_model_errors_with_their_status(aws: World) -> None:
    up(aws, deploy(aws, "one"))

    with pytest.raises(AwsError, match=r"Received client error \(400\) from primary") as refused:
        invoke(aws, content_type="text/plain")
    with pytest.raises(AwsError, match=r"Received server error \(500\) from primary") as broken:
        invoke(aws, body="0")

    assert (refused.value.code, refused.value.status) == ("ModelError", 424)
    fields = getattr(refused.value, "fields")  # noqa: B009 - only model errors have them
    assert (fields["OriginalStatusCode"], fields["OriginalMessage"]) == (400, "cannot read text/plain")
    assert fields["LogStreamArn"].endswith("log-group:/aws/sagemaker/Endpoints/e")
    assert "ZeroDivisionError" in str(broken.value)
    aws.logs.wait("ZeroDivisionError: division by zero")


def test_an_update_replaces_the_servers_without_a_gap(aws: World) -> None:
    up(aws, deploy(aws, "one"))
    deploy(aws, "two")

    aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="two")
    with pytest.raises(AwsError, match="Cannot update in-progress endpoint"):
        aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="one")
    seen = b""
    while b"two" not in seen:
        seen = invoke(aws)["Body"]

    described = at_rest(aws, "two")
    assert (described["EndpointConfigName"], described["EndpointStatus"]) == ("two", "InService")
    assert statuses(aws) == ["CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE"]


def test_an_update_that_fails_rolls_back_and_still_reads_in_service(aws: World) -> None:
    up(aws, deploy(aws, "one"))
    deploy(aws, "bad", "def model_fn(model_dir): raise RuntimeError('broken model')")

    aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="bad")

    at_rest(aws, "one", "ROLLING_BACK")
    aws.events.wait(lambda kind, detail: statuses(aws)[-2:] == ["ROLLING_BACK", "IN_SERVICE"])
    described = aws.sagemaker("DescribeEndpoint", EndpointName="e")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", "one")
    assert described["FailureReason"].startswith("The primary container for production variant champion did not pass")
    assert "broken model" in described["FailureReason"]
    assert b'"one"' in invoke(aws)["Body"]


def test_an_endpoint_that_cannot_be_created_has_failed_and_can_only_be_deleted(aws: World) -> None:
    deploy(aws, "none", "", script="other_py")
    aws.sagemaker("CreateEndpoint", EndpointName="e", EndpointConfigName="none")

    described = at_rest(aws, "none", "FAILED")

    assert "no inference script /opt/ml/model/code/inference.py" in described["FailureReason"]
    with pytest.raises(AwsError, match="cannot go from Failed to Updating"):
        aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="none")
    with pytest.raises(AwsError, match="Endpoint e of account 123456789012 not found"):
        invoke(aws)


def test_weights_choose_the_variant_and_a_target_overrules_them(aws: World) -> None:
    deploy(aws, "one")
    deploy(aws, "two")
    configure(aws, "both", {"one": 1.0, "two": 0.0}, "champion", "challenger")
    up(aws, "both")

    by_weight = {invoke(aws)["InvokedProductionVariant"] for _ in range(20)}
    by_target = invoke(aws, TargetVariant="challenger")

    assert by_weight == {"champion"}
    assert by_target["InvokedProductionVariant"] == "challenger"
    assert b'"two"' in by_target["Body"]
    with pytest.raises(AwsError, match="Variant nobody not found"):
        invoke(aws, TargetVariant="nobody")


def test_weights_change_in_place_and_are_retained_over_an_update(aws: World) -> None:
    deploy(aws, "one")
    deploy(aws, "two")
    configure(aws, "both", {"one": 1.0, "two": 0.0}, "champion", "challenger")
    configure(aws, "again", {"one": 1.0, "two": 0.0}, "champion", "challenger")
    up(aws, "both")
    wanted = [{"VariantName": "champion", "DesiredWeight": 0.0}, {"VariantName": "challenger", "DesiredWeight": 2.0}]

    aws.sagemaker("UpdateEndpointWeightsAndCapacities", EndpointName="e", DesiredWeightsAndCapacities=wanted)
    aws.events.wait(lambda kind, detail: statuses(aws)[2:] == ["UPDATING", "IN_SERVICE"])
    aws.sagemaker("UpdateEndpoint", EndpointName="e", EndpointConfigName="again", RetainAllVariantProperties=True)
    described = at_rest(aws, "again")

    assert [variant["CurrentWeight"] for variant in described["ProductionVariants"]] == [0.0, 2.0]
    assert invoke(aws)["InvokedProductionVariant"] == "challenger"


def test_a_server_that_dies_is_started_again_and_its_end_is_on_record(aws: World) -> None:
    up(aws, deploy(aws, "one"))

    with pytest.raises(AwsError):
        invoke(aws, body='"die"')

    aws.logs.wait("[emulator] model server of variant champion ended with exit code 7")
    answer = None
    while answer is None:
        try:
            answer = invoke(aws)
        except AwsError as error:
            assert error.code in ("ServiceUnavailable", "ModelError")  # noqa: PT017 - until the new server stands
    kinds = [entry["kind"] for entry in aws.kernel.journal.entries("endpoint.instance")]
    assert kinds[0] == "endpoint.instance.crashed"


def test_a_deleted_endpoint_is_gone_with_its_server(aws: World) -> None:
    up(aws, deploy(aws, "one"))
    route = traffic.of(aws.kernel.engines).route("e")
    port = route.variants[0].pools[0].instances[0].ports[0]

    aws.sagemaker("DeleteEndpoint", EndpointName="e")

    aws.logs.wait("[emulator] model server of variant champion ended with exit code 0")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_a_package_version_is_a_model(aws: World) -> None:
    aws.s3.put("s3://bucket/m.tar.gz", tarball(code__serve_py=INFERENCE, name_txt="packaged"))
    container = {
        "Image": SKLEARN,
        "ModelDataUrl": "s3://bucket/m.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "serve.py"},
    }
    spec = {"Containers": [container], "SupportedContentTypes": ["a/b"], "SupportedResponseMIMETypes": ["a/b"]}
    aws.sagemaker("CreateModelPackageGroup", ModelPackageGroupName="g")
    package = aws.sagemaker("CreateModelPackage", ModelPackageGroupName="g", InferenceSpecification=spec)

    primary = {"ModelPackageName": package["ModelPackageArn"]}
    aws.sagemaker("CreateModel", ModelName="m", Containers=[primary], ExecutionRoleArn=ROLE)
    configure(aws, "m", {"m": 1.0})
    up(aws, "m")

    assert b'"packaged"' in invoke(aws)["Body"]


def test_defaults_of_the_toolkit_read_and_write_csv(aws: World) -> None:
    code = """
class Doubler:
    def predict(self, rows): return rows * 2
def model_fn(model_dir): return Doubler()
"""
    up(aws, deploy(aws, "one", code))

    answer = invoke(aws, body="1,2\n3,4", content_type="text/csv", Accept="text/csv")

    assert (answer["ContentType"], answer["Body"]) == ("text/csv", b"2.0,4.0\n6.0,8.0\n")


def test_what_is_missing_or_not_emulated_is_named(aws: World) -> None:
    with pytest.raises(AwsError, match='Could not find model "arn:aws:sagemaker:us-east-1:123456789012:model/nope"'):
        configure(aws, "c", {"nope": 1.0})
    with pytest.raises(AwsError, match="Could not find endpoint configuration"):
        aws.sagemaker("CreateEndpoint", EndpointName="e", EndpointConfigName="nope")
    with pytest.raises(
        AwsError, match=r'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e"\.'
    ):
        aws.sagemaker("DescribeEndpoint", EndpointName="e")
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://bucket/no.tar.gz"}
    with pytest.raises(AwsError, match=r"Could not access model data at s3://bucket/no\.tar\.gz"):
        aws.sagemaker("CreateModel", ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)


def test_an_error_of_the_toolkit_answers_with_its_own_status(aws: World) -> None:
    code = """
class BaseInferenceToolkitError(Exception):
    status_code = 422
def model_fn(model_dir): return None
def transform_fn(model, data, content_type, accept): raise BaseInferenceToolkitError("no such column")
"""
    up(aws, deploy(aws, "one", code))

    with pytest.raises(AwsError, match=r'client error \(422\) from primary with message "no such column"'):
        invoke(aws)
