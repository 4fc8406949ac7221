"""Stacks through change sets, as the CDK CLI deploys them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.stacks import ended

Client = Callable[[str], Any]
NO_CHANGES = "The submitted information didn't contain changes. Submit different information to create a change set."
CHANGE_SET = "cdk-deploy-change-set"


def _template(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


def _queue(name: str) -> dict[str, Any]:
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}


def _propose(client: Client, stack: str, body: str, kind: str = "CREATE", **more: Any) -> dict[str, Any]:
    cfn = client("cloudformation")
    request = {"StackName": stack, "ChangeSetName": CHANGE_SET, "ChangeSetType": kind, "TemplateBody": body, **more}
    cfn.create_change_set(**request)
    found: dict[str, Any] = cfn.describe_change_set(StackName=stack, ChangeSetName=CHANGE_SET)
    return found


def _made(client: Client, stack: str, body: str, **more: Any) -> dict[str, Any]:
    """The stack, once it is no longer being made."""
    _propose(client, stack, body, **more)
    client("cloudformation").execute_change_set(StackName=stack, ChangeSetName=CHANGE_SET)
    return ended(client, stack)


def _refused(client: Client, stack: str, body: str, kind: str = "CREATE", **more: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as refused:
        _propose(client, stack, body, kind, **more)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def _does_not_exist(client: Client, stack: str) -> bool:
    with pytest.raises(ClientError, match=f"Stack with id {stack} does not exist"):
        client("cloudformation").describe_stacks(StackName=stack)
    return True


def test_a_change_set_makes_a_stack_with_outputs_events_and_resources(client: Client) -> None:
    client("ssm").put_parameter(Name="/cfn/ssm", Value="from-ssm", Type="String")
    body = _template(
        {
            "Main": {
                "Type": "AWS::SQS::Queue",
                "Properties": {
                    "QueueName": {"Fn::Sub": "${Prefix}-main"},
                    "VisibilityTimeout": "60",
                    "RedrivePolicy": {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3},
                },
            },
            "Dead": _queue("cfn-dead"),
            "Never": {"Type": "AWS::SQS::Queue", "Condition": "IsOther"},
        },
        Parameters={
            "Prefix": {"Type": "String", "Default": "cfn"},
            "Ssm": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cfn/ssm"},
        },
        Conditions={"IsOther": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}},
        Outputs={
            "Arn": {"Value": {"Fn::GetAtt": ["Main", "Arn"]}, "Description": "d", "Export": {"Name": "cfn-arn"}},
            "Ssm": {"Value": {"Ref": "Ssm"}},
            "Absent": {"Value": "x", "Condition": "IsOther"},
        },
    )

    stack = _made(client, "cfn-small", body)

    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert outputs == {"Arn": "arn:aws:sqs:us-east-1:123456789012:cfn-main", "Ssm": "from-ssm"}
    resources = client("cloudformation").describe_stack_resources(StackName="cfn-small")["StackResources"]
    assert [(r["LogicalResourceId"], r["ResourceStatus"]) for r in resources] == [
        ("Dead", "CREATE_COMPLETE"),
        ("Main", "CREATE_COMPLETE"),
    ]
    events = client("cloudformation").describe_stack_events(StackName="cfn-small")["StackEvents"]
    told = [(event["LogicalResourceId"], event["ResourceStatus"]) for event in reversed(events)]
    assert told[:2] == [("cfn-small", "REVIEW_IN_PROGRESS"), ("cfn-small", "CREATE_IN_PROGRESS")]
    assert told[-1] == ("cfn-small", "CREATE_COMPLETE")
    exports = {item["Name"]: item["Value"] for item in client("cloudformation").list_exports()["Exports"]}
    assert exports["cfn-arn"] == outputs["Arn"]
    url = client("sqs").get_queue_url(QueueName="cfn-main")["QueueUrl"]
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "60"
    assert "cfn-dead" in attributes["RedrivePolicy"]


def test_a_template_on_s3_is_deployed_by_its_url(client: Client) -> None:
    client("s3").create_bucket(Bucket="cfn-templates")
    client("s3").put_object(
        Bucket="cfn-templates", Key="a b.json", Body=_template({"Q": _queue("cfn-by-url")}).encode()
    )
    url = "https://s3.us-east-1.amazonaws.com/cfn-templates/a%20b.json"
    cfn = client("cloudformation")
    request = {"StackName": "cfn-by-url", "ChangeSetName": "c", "ChangeSetType": "CREATE"}

    cfn.create_change_set(**request, TemplateURL=url)

    changes = cfn.describe_change_set(StackName="cfn-by-url", ChangeSetName="c")["Changes"]
    assert [change["ResourceChange"]["LogicalResourceId"] for change in changes] == ["Q"]
    with pytest.raises(ClientError, match="S3 error: The specified key does not exist"):
        cfn.create_change_set(**{**request, "StackName": "cfn-no-url"}, TemplateURL=url + "x")


def test_an_unknown_type_is_a_validation_error_and_no_stack_is_made(client: Client) -> None:
    body = _template({"Cluster": {"Type": "AWS::EKS::Cluster"}, "Q": _queue("cfn-unknown")})

    code, message = _refused(client, "cfn-unknown", body)

    assert (code, "AWS::EKS::Cluster (Cluster)" in message) == ("ValidationError", True)
    assert _does_not_exist(client, "cfn-unknown")
    with pytest.raises(ClientError):
        client("sqs").get_queue_url(QueueName="cfn-unknown")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("Resources:\n  A:\n", "resource definition is malformed"),
        ("{", "Template format error"),
        (_template({"Q": {"Type": "AWS::SQS::Queue", "Properties": {"Colour": 1}}}), "Q (AWS::SQS::Queue): Colour"),
        (_template({"Q": _queue("x")}, Parameters={"P": {"Type": "String"}}), "[P] must have values"),
        (_template({"Q": _queue("x")}, Parameters={"P": {}}), "must contain a Type"),
        (
            _template(
                {"Q": _queue("x")}, Parameters={"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/no"}}
            ),
            "Unable to fetch parameters [/no]",
        ),
        (
            _template({"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::ImportValue": "x"}}}}),
            "ImportValue",
        ),
    ],
)
def test_what_cannot_be_deployed_is_a_validation_error_before_anything_exists(
    client: Client, body: str, named: str
) -> None:
    code, message = _refused(client, "cfn-invalid", body)

    assert code == "ValidationError"
    assert named in message
    assert _does_not_exist(client, "cfn-invalid")


def test_a_failing_resource_leaves_create_failed_with_its_reason_on_resource_and_stack(client: Client) -> None:
    resources = {
        "First": _queue("cfn-first"),
        "Bad": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"FunctionName": "absent", "EventSourceArn": {"Fn::GetAtt": ["First", "Arn"]}},
        },
        "After": {"Type": "AWS::SQS::Queue", "DependsOn": "Bad"},
    }

    stack = _made(client, "cfn-failing", _template(resources))

    assert (stack["StackStatus"], stack["StackStatusReason"]) == (
        "CREATE_FAILED",
        "The following resource(s) failed to create: [Bad]. ",
    )
    found = client("cloudformation").describe_stack_resources(StackName="cfn-failing")["StackResources"]
    assert {item["LogicalResourceId"]: item["ResourceStatus"] for item in found} == {
        "First": "CREATE_COMPLETE",
        "Bad": "CREATE_FAILED",
    }
    (bad,) = [item for item in found if item["LogicalResourceId"] == "Bad"]
    assert "Function does not exist" in bad["ResourceStatusReason"]
    assert _refused(client, "cfn-failing", _template(resources), "UPDATE")[0] in (
        "AlreadyExistsException",
        "ValidationError",
    )


def test_one_change_set_name_serves_two_stacks(client: Client) -> None:
    for number in (1, 2):
        _propose(client, f"cfn-two-{number}", _template({"Q": _queue(f"cfn-two-{number}")}))
    cfn = client("cloudformation")

    cfn.delete_change_set(StackName="cfn-two-1", ChangeSetName=CHANGE_SET)

    left = cfn.describe_change_set(StackName="cfn-two-2", ChangeSetName=CHANGE_SET)
    assert left["StackName"] == "cfn-two-2"
    with pytest.raises(cfn.exceptions.ChangeSetNotFoundException):
        cfn.describe_change_set(StackName="cfn-two-1", ChangeSetName=CHANGE_SET)


def test_a_change_set_is_found_and_deleted_by_its_arn_alone(client: Client) -> None:
    body = _template({"Q": _queue("cfn-arn")})
    arn = _propose(client, "cfn-arn", body)["ChangeSetId"]
    cfn = client("cloudformation")

    assert cfn.get_template(StackName="cfn-arn", ChangeSetName=arn)["TemplateBody"] == json.loads(body)
    cfn.delete_change_set(ChangeSetName=arn)
    cfn.delete_change_set(ChangeSetName=arn)

    with pytest.raises(cfn.exceptions.ChangeSetNotFoundException):
        cfn.describe_change_set(ChangeSetName=arn)


def test_a_change_set_of_a_name_that_is_taken_is_refused(client: Client) -> None:
    body = _template({"Q": _queue("cfn-taken")})
    _propose(client, "cfn-taken", body)

    assert _refused(client, "cfn-taken", body)[0] == "AlreadyExistsException"


def test_a_change_set_is_executed_once_and_takes_the_others_with_it(client: Client) -> None:
    body = _template({"Q": _queue("cfn-once")})
    cfn = client("cloudformation")
    cfn.create_change_set(StackName="cfn-once", ChangeSetName="other", ChangeSetType="CREATE", TemplateBody=body)

    _made(client, "cfn-once", body)

    with pytest.raises(cfn.exceptions.InvalidChangeSetStatusException):
        cfn.execute_change_set(StackName="cfn-once", ChangeSetName=CHANGE_SET)
    with pytest.raises(cfn.exceptions.ChangeSetNotFoundException):
        cfn.execute_change_set(StackName="cfn-once", ChangeSetName="other")


PARAMETERS = {"Name": {"Type": "String", "Default": "cfn-again"}, "Other": {"Type": "String", "Default": "o"}}


@pytest.fixture(scope="session")
def existing(client: Client) -> str:
    """The template of a stack `cfn-again` that exists."""
    body = _template(
        {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}}, Parameters=PARAMETERS
    )
    given = [{"ParameterKey": "Other", "ParameterValue": "given"}]
    assert _made(client, "cfn-again", body, Parameters=given)["StackStatus"] == "CREATE_COMPLETE"
    return body


def _again(client: Client, body: str, **more: Any) -> dict[str, Any]:
    client("cloudformation").delete_change_set(StackName="cfn-again", ChangeSetName=CHANGE_SET)
    return _propose(client, "cfn-again", body, "UPDATE", **more)


def test_an_identical_change_set_fails_with_the_words_that_the_cdk_looks_for(client: Client, existing: str) -> None:
    same = [
        {"ParameterKey": "Other", "UsePreviousValue": True},
        {"ParameterKey": "Name", "ParameterValue": "cfn-again"},
    ]

    found = _again(client, existing, Parameters=same)

    assert (found["Status"], found["StatusReason"]) == ("FAILED", NO_CHANGES)
    assert found["ExecutionStatus"] == "UNAVAILABLE"
    with pytest.raises(ClientError, match="cannot be executed in its current status of"):
        client("cloudformation").execute_change_set(StackName="cfn-again", ChangeSetName=CHANGE_SET)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"TemplateBody": _template({"R": _queue("r")})}, "the template differs"),
        ({"Parameters": [{"ParameterKey": "Other", "ParameterValue": "new"}]}, "parameters differ (Other)"),
        ({}, "parameters differ (Other)"),
        (
            {
                "Parameters": [{"ParameterKey": "Other", "UsePreviousValue": True}],
                "Tags": [{"Key": "k", "Value": "v"}],
            },
            "the tags differ",
        ),
    ],
)
def test_an_update_is_refused_by_name_and_changes_nothing(
    client: Client, existing: str, change: dict[str, Any], named: str
) -> None:
    body = change.pop("TemplateBody", existing)

    with pytest.raises(ClientError) as refused:
        _again(client, body, **change)

    error = refused.value.response["Error"]
    assert error["Code"] == "NotEmulated"
    assert f"stack 'cfn-again' exists and {named}; updates are not emulated yet" in error["Message"]
    assert (
        client("cloudformation").describe_stacks(StackName="cfn-again")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    )


def test_the_kind_of_a_change_set_has_to_fit_the_stack(client: Client, existing: str) -> None:
    assert _refused(client, "cfn-nowhere", existing, "UPDATE") == (
        "ValidationError",
        "Stack [cfn-nowhere] does not exist",
    )
    assert "ChangeSetType 'IMPORT'" in _refused(client, "cfn-nowhere", existing, "IMPORT")[1]
    client("cloudformation").delete_change_set(StackName="cfn-again", ChangeSetName=CHANGE_SET)
    assert "already exists and cannot be created again" in _refused(client, "cfn-again", existing, "CREATE")[1]


@pytest.mark.parametrize("operation", ["delete_stack", "rollback_stack", "continue_update_rollback"])
def test_what_is_not_built_yet_says_so(client: Client, existing: str, operation: str) -> None:
    with pytest.raises(ClientError, match="is not emulated yet; nothing was done"):
        getattr(client("cloudformation"), operation)(StackName="cfn-again")


def test_an_option_of_a_change_set_that_is_not_emulated_is_named(client: Client) -> None:
    request = {"StackName": "options", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": "{}"}

    with pytest.raises(ClientError, match="NotificationARNs is not emulated yet"):
        client("cloudformation").create_change_set(**request, NotificationARNs=["arn:aws:sns:us-east-1:123456789012:t"])


def test_circular_conditions_are_refused(client: Client) -> None:
    conditions = {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Not": [{"Condition": "A"}]}}
    body = {"Conditions": conditions, "Resources": {"Q": {"Type": "AWS::SQS::Queue", "Condition": "A"}}}
    request = {
        "StackName": "circular",
        "ChangeSetName": "c",
        "ChangeSetType": "CREATE",
        "TemplateBody": json.dumps(body),
    }

    with pytest.raises(ClientError, match="ValidationError"):
        client("cloudformation").create_change_set(**request)
