"""Functions with all that belongs to them in a stack: layers, versions, aliases, URLs, asynchronous settings."""

import json
import urllib.request
from typing import Any

import pytest

from tests.support.functions import Client, invoke, role, zipped
from tests.support.stacks import deployed

BUCKET, NAME = "cfn-functions", "cfn-function"
CODE = "import shared\ndef handler(event, context): return [shared.who, context.function_version]"


def _resources(role_arn: str) -> dict[str, Any]:
    function = {"Ref": "Function"}
    queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    return {
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "cfn-function-records"}},
        "Layer": {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {
                "Content": {"S3Bucket": BUCKET, "S3Key": "layer.zip"},
                "CompatibleRuntimes": ["python3.13"],
            },
        },
        "Function": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": NAME,
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": role_arn,
                "Code": {"ZipFile": CODE},
                "Layers": [{"Ref": "Layer"}],
                "ReservedConcurrentExecutions": "3",
                "DeadLetterConfig": {"TargetArn": queue},
            },
        },
        "Version": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": function, "Description": "first"}},
        "Alias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "Name": "live",
                "FunctionName": function,
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
            },
        },
        "Async": {
            "Type": "AWS::Lambda::EventInvokeConfig",
            "Properties": {
                "FunctionName": function,
                "Qualifier": "live",
                "MaximumRetryAttempts": 1,
                "DestinationConfig": {"OnFailure": {"Destination": queue}},
            },
            "DependsOn": "Alias",
        },
        "Url": {
            "Type": "AWS::Lambda::Url",
            "Properties": {"TargetFunctionArn": {"Ref": "Alias"}, "AuthType": "NONE"},
        },
        "Public": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": "Alias"},
                "Action": "lambda:InvokeFunctionUrl",
                "Principal": "*",
                "FunctionUrlAuthType": "NONE",
            },
        },
    }


@pytest.fixture(scope="module")
def outputs(client: Client) -> dict[str, str]:
    client("s3").create_bucket(Bucket=BUCKET)
    client("s3").put_object(Bucket=BUCKET, Key="layer.zip", Body=zipped({"python/shared.py": "who = 'layer'"}))
    outputs = {
        "Alias": {"Value": {"Ref": "Alias"}},
        "Version": {"Value": {"Ref": "Version"}},
        "Url": {"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}},
        "Layer": {"Value": {"Ref": "Layer"}},
    }
    return deployed(client, "functions", _resources(role(client)), outputs)


def test_an_alias_of_a_stack_runs_its_version_with_its_layer(client: Client, outputs: dict[str, str]) -> None:
    assert outputs["Version"].endswith(f":function:{NAME}:1")
    assert invoke(client, outputs["Alias"]) == (None, ["layer", "1"])


def test_a_url_of_a_stack_answers(outputs: dict[str, str]) -> None:
    with urllib.request.urlopen(outputs["Url"], timeout=30) as answer:
        assert json.load(answer) == ["layer", "1"]


def test_what_a_stack_says_of_a_function_is_set(client: Client, outputs: dict[str, str]) -> None:
    api = client("lambda")
    found = api.get_function(FunctionName=NAME)

    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    assert found["Configuration"]["DeadLetterConfig"]["TargetArn"].endswith(":cfn-function-records")
    assert [layer["Arn"] for layer in found["Configuration"]["Layers"]] == [outputs["Layer"]]
    assert api.get_function_event_invoke_config(FunctionName=NAME, Qualifier="live")["MaximumRetryAttempts"] == 1
    policy = json.loads(api.get_policy(FunctionName=NAME, Qualifier="live")["Policy"])["Statement"][0]
    assert policy["Condition"] == {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
