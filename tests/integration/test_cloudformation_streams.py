"""Streams in a stack, and what they feed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.feeding import Fed, fed
from tests.support.stacks import deployed
from tests.support.waiting import eventually

Client = Callable[[str], Any]
KEY = {"KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}]}
RESOURCES: dict[str, Any] = {
    "Stream": {
        "Type": "AWS::Kinesis::Stream",
        "Properties": {
            "ShardCount": "2",
            "RetentionPeriodHours": 48,
            "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
            "Tags": [{"Key": "a", "Value": "1"}],
        },
    },
    "OnDemand": {"Type": "AWS::Kinesis::Stream", "Properties": {"StreamModeDetails": {"StreamMode": "ON_DEMAND"}}},
    "Table": {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            **KEY,
            "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
        },
    },
    "Dead": {"Type": "AWS::SQS::Queue", "Properties": {}},
    "OfStream": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": "cfn-fed",
            "EventSourceArn": {"Fn::GetAtt": ["Stream", "Arn"]},
            "StartingPosition": "AT_TIMESTAMP",
            "StartingPositionTimestamp": 1_700_000_000,
            "BatchSize": "50",
            "BisectBatchOnFunctionError": "true",
            "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}},
            "FilterCriteria": {"Filters": [{"Pattern": json.dumps({"partitionKey": ["k"]})}]},
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "MaximumRecordAgeInSeconds": 3600,
            "MaximumRetryAttempts": 2,
            "MetricsConfig": {"Metrics": ["EventCount"]},
            "ParallelizationFactor": 2,
        },
    },
    "OfTable": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": "cfn-fed",
            "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
            "StartingPosition": "TRIM_HORIZON",
            "TumblingWindowInSeconds": 0,
        },
    },
}
OUTPUTS = {name: {"Value": {"Ref": name}} for name in RESOURCES}


@pytest.fixture(scope="module")
def function(client: Client) -> Fed:
    return fed(client, "cfn-fed")


@pytest.fixture(scope="module")
def outputs(client: Client, function: Fed) -> dict[str, str]:
    """The outputs of the stack, once it is made."""
    return deployed(client, "streams", RESOURCES, OUTPUTS)


def test_a_stream_is_made_as_its_properties_say(client: Client, outputs: dict[str, str]) -> None:
    kinesis = client("kinesis")

    found = kinesis.describe_stream_summary(StreamName=outputs["Stream"])["StreamDescriptionSummary"]

    assert (found["OpenShardCount"], found["RetentionPeriodHours"], found["EncryptionType"]) == (2, 48, "KMS")
    assert kinesis.list_tags_for_stream(StreamName=outputs["Stream"])["Tags"] == [{"Key": "a", "Value": "1"}]
    on_demand = kinesis.describe_stream_summary(StreamName=outputs["OnDemand"])["StreamDescriptionSummary"]
    assert on_demand["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}


def test_a_mapping_is_made_as_its_properties_say(client: Client, outputs: dict[str, str]) -> None:
    found = client("lambda").get_event_source_mapping(UUID=outputs["OfStream"])

    expected = {"BatchSize": 50, "BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 2}
    expected |= {"MaximumRecordAgeInSeconds": 3600, "ParallelizationFactor": 2, "State": "Enabled"}
    assert expected.items() <= found.items()
    assert found["StartingPositionTimestamp"].timestamp() == 1_700_000_000
    assert found["DestinationConfig"]["OnFailure"]["Destination"].startswith("arn:aws:sqs:")


def test_what_the_stack_wired_feeds_the_function(client: Client, function: Fed, outputs: dict[str, str]) -> None:
    client("kinesis").put_record(StreamName=outputs["Stream"], PartitionKey="k", Data=b"seen")
    client("kinesis").put_record(StreamName=outputs["Stream"], PartitionKey="other", Data=b"unseen")
    client("dynamodb").put_item(TableName=outputs["Table"], Item={"k": {"S": "row"}})
    heard: set[str] = set()

    def all_heard() -> bool:
        heard.update(text for told in function.heard() for text in told["texts"])
        return len(heard) >= 2

    eventually(all_heard)
    assert heard == {"seen", "row"}
