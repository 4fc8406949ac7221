"""Requests that break a service's model are refused in AWS's words."""

from typing import Any

import pytest

from emulator.adapters import validation, wire
from emulator.kernel.errors import AwsError

OWNED = ("cloudformation", "events", "lambda", "sagemaker", "sagemaker-runtime")
REGEX = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
ROLE = "arn:aws:iam::123456789012:role/r"


def _refusal(service: str, operation: str, params: dict[str, Any]) -> str:
    with pytest.raises(AwsError) as refused:
        validation.check(wire.operation_model(service, operation).input_shape, params)
    assert refused.value.code == "ValidationException"
    return refused.value.message


@pytest.mark.parametrize(
    ("service", "operation", "params", "message"),
    [
        (
            "sagemaker",
            "DescribeModel",
            {},
            (
                "1 validation error detected: "
                "Value null at 'modelName' failed to satisfy constraint: Member must not be null"
            ),
        ),
        (
            "sagemaker",
            "DeleteEndpoint",
            {"EndpointName": "bad name"},
            (
                "1 validation error detected: Value 'bad name' at 'endpointName' failed to satisfy constraint: "
                "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
            ),
        ),
        (
            "events",
            "PutRule",
            {"Name": "r", "State": "ON"},
            (
                "1 validation error detected: Value 'ON' at 'state' failed to satisfy constraint: "
                "Member must satisfy enum value set: "
                "[ENABLED, DISABLED, ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS]"
            ),
        ),
        (
            "events",
            "PutEvents",
            {"Entries": []},
            (
                "1 validation error detected: Value '[]' at 'entries' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            ),
        ),
        (
            "lambda",
            "UpdateFunctionConfiguration",
            {"FunctionName": "f", "MemorySize": 1},
            (
                "1 validation error detected: Value '1' at 'memorySize' failed to satisfy constraint: "
                "Member must have value greater than or equal to 128"
            ),
        ),
        (
            "events",
            "PutTargets",
            {"Rule": "r", "Targets": [{"Id": "ok", "Arn": "a"}, {"Id": "x" * 65, "Arn": "a"}]},
            (
                f"1 validation error detected: Value '{'x' * 65}' at 'targets.2.member.id' "
                "failed to satisfy constraint: Member must have length less than or equal to 64"
            ),
        ),
        (
            "events",
            "PutTargets",
            {"Rule": "r", "Targets": "all"},
            "1 validation error detected: Value 'all' at 'targets' failed to satisfy constraint: Member must be a list",
        ),
        (
            "lambda",
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE, "Code": {}, "Timeout": True},
            (
                "1 validation error detected: Value 'True' at 'timeout' failed to satisfy constraint: "
                "Member must be of type integer"
            ),
        ),
    ],
)
def test_an_offence_is_named_with_its_value_its_place_and_the_constraint(
    service: str, operation: str, params: dict[str, Any], message: str
) -> None:
    assert _refusal(service, operation, params) == message


def test_several_offences_are_counted_and_named_together() -> None:
    message = _refusal("events", "PutRule", {"Name": "bad name", "State": "ON"})

    assert message.startswith("2 validation errors detected: Value 'bad name' at 'name' failed")
    assert "; Value 'ON' at 'state' failed to satisfy constraint" in message


def test_a_long_value_is_shown_by_its_beginning() -> None:
    message = _refusal("sagemaker", "DeleteEndpoint", {"EndpointName": "a" * 5000})

    assert len(message) < 1000
    assert "Member must have length less than or equal to 63" in message


def test_what_fits_the_model_passes() -> None:
    shape = wire.operation_model("events", "PutRule").input_shape

    validation.check(shape, {"Name": "a.b_c-1", "State": "ENABLED", "Tags": [{"Key": "k", "Value": ""}]})
    validation.check(None, {})


@pytest.mark.parametrize("service", OWNED)
def test_every_pattern_of_our_services_models_compiles(service: str) -> None:
    seen: set[str] = set()

    def walk(shape: Any) -> None:
        if shape is None or shape.name in seen:
            return
        seen.add(shape.name)
        if shape.metadata.get("pattern"):
            validation._compiled(shape.metadata["pattern"])
        for below in (*getattr(shape, "members", {}).values(), *_parts(shape)):
            walk(below)

    model = wire._model(service)
    for operation in model.operation_names:
        walk(model.operation_model(operation).input_shape)

    assert len(seen) > 5


def _parts(shape: Any) -> list[Any]:
    return [
        getattr(shape, name)
        for name in ("member", "key", "value")
        if shape.type_name in ("list", "map") and hasattr(shape, name)
    ]
