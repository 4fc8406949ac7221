"""Our layout of JSON results is moto's, for every kind of member."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from moto.core.serialize import get_serializer_class

from emulator.adapters import wire

AT = datetime(2026, 11, 23, 12, 30, 15, 123456, tzinfo=UTC)
RESULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("sagemaker", "DescribeModelPackage", {"ModelPackageVersion": 3, "CreationTime": AT, "Unknown": 1, "Tags": None}),
    (
        "sagemaker",
        "DescribeModelPackage",
        {
            "CustomerMetadataProperties": {"a": "b"},
            "InferenceSpecification": {"Containers": [{"Image": "i", "Environment": {"K": "V"}}, {}]},
            "CreationTime": AT.replace(microsecond=0).astimezone(timezone(timedelta(hours=2))),
            "SkipModelValidation": "None",
        },
    ),
    ("sagemaker", "ListModelPackages", {"ModelPackageSummaryList": [], "NextToken": ""}),
    (
        "sagemaker",
        "DescribeTrainingJob",
        {"FinalMetricDataList": [{"Value": 0.5, "Timestamp": AT}], "HyperParameters": {}},
    ),
    ("sagemaker", "DeleteModel", {}),
    ("events", "TestEventPattern", {"Result": False}),
    ("events", "ListRules", {"Rules": [{"Name": "n", "State": "ENABLED"}]}),
    ("kms", "Encrypt", {"CiphertextBlob": b"\0\1", "KeyId": "k"}),
]


@pytest.mark.parametrize(("service", "operation", "result"), RESULTS)
def test_a_result_is_laid_out_as_moto_lays_it_out(service: str, operation: str, result: dict[str, Any]) -> None:
    model = wire.operation_model(service, operation)

    ours = wire._serializer_class(service, "json")(operation_model=model).serialize(result)
    theirs = get_serializer_class(service, "json")(operation_model=model).serialize(result)

    assert json.loads(ours["body"]) == json.loads(theirs["body"])
    assert {**ours, "body": ""} == {**theirs, "body": ""}
