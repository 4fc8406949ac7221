"""Versions that never change, and aliases that point to them."""

import json

import pytest

from emulator.kernel.errors import AwsError
from emulator.semantics.lambda_.qualifiers import Mismatch, Reference, parse, routed
from tests.unit.emulator.lambda_.laboratory import Laboratory, zipped

ARN = "arn:aws:lambda:us-east-1:123456789012:function:fn"


@pytest.mark.parametrize(
    ("reference", "qualifier", "found"),
    [
        ("fn", None, Reference("fn")),
        ("fn:live", None, Reference("fn", "live")),
        ("fn:$LATEST", None, Reference("fn", "$LATEST")),
        (ARN, None, Reference("fn")),
        (f"{ARN}:7", None, Reference("fn", "7")),
        ("123456789012:function:fn", None, Reference("fn")),
        ("123456789012:function:fn:live", "live", Reference("fn", "live")),
        ("fn", "7", Reference("fn", "7")),
    ],
)
def test_a_function_is_named_in_many_ways(reference: str, qualifier: str | None, found: Reference) -> None:
    assert parse(reference, qualifier) == found


def test_two_qualifiers_that_differ_are_a_contradiction(lab: Laboratory) -> None:
    with pytest.raises(Mismatch):
        parse("fn:1", "2")
    with pytest.raises(AwsError, match="does not match the specified qualifier"):
        lab.call("Invoke", FunctionName="fn:1", Qualifier="2")


def test_an_alias_goes_to_its_versions_by_weight() -> None:
    weights = {"2": 0.25}

    drawn = [routed("1", weights, n / 1000) for n in range(1000)]

    assert (drawn.count("1"), drawn.count("2")) == (750, 250)


def test_a_version_is_published_once_for_the_same_code_and_configuration(lab: Laboratory) -> None:
    first, again = (lab.call("PublishVersion", FunctionName="fn") for _ in range(2))
    lab.call("UpdateFunctionConfiguration", FunctionName="fn", Timeout=9)
    second = lab.call("PublishVersion", FunctionName="fn", Description="longer")
    third = lab.call("UpdateFunctionCode", FunctionName="fn", ZipFile=zipped("x = 1"), Publish=True)

    assert [found["Version"] for found in (first, again, second, third)] == ["1", "1", "2", "3"]
    assert (first["FunctionArn"], third["FunctionArn"]) == (f"{ARN}:1", f"{ARN}:3")
    assert (second["Timeout"], second["Description"]) == (9, "longer")
    listed = lab.call("ListVersionsByFunction", FunctionName="fn")["Versions"]
    assert [found["Version"] for found in listed] == ["$LATEST", "1", "2", "3"]


def test_a_published_version_stays_as_it_was(lab: Laboratory) -> None:
    before = lab.call("PublishVersion", FunctionName="fn")

    lab.call("UpdateFunctionConfiguration", FunctionName="fn", Timeout=9, Description="new")
    lab.call("UpdateFunctionCode", FunctionName="fn", ZipFile=zipped("x = 1"))

    assert lab.call("GetFunctionConfiguration", FunctionName="fn", Qualifier="1") == before
    lab.call("Invoke", FunctionName="fn:1")
    assert lab.sandboxes.invocations[-1].timeout_s == 3


@pytest.mark.parametrize(
    ("asked", "code"),
    [({"RevisionId": "other"}, "PreconditionFailedException"), ({"CodeSha256": "x"}, "InvalidParameterValueException")],
)
def test_a_version_is_published_of_what_the_caller_means(lab: Laboratory, asked: dict[str, str], code: str) -> None:
    with pytest.raises(AwsError) as refused:
        lab.call("PublishVersion", FunctionName="fn", **asked)

    assert refused.value.code == code


def test_an_invocation_says_which_version_ran_and_what_was_asked_for(lab: Laboratory) -> None:
    lab.call("PublishVersion", FunctionName="fn")
    lab.call("CreateAlias", FunctionName="fn", Name="live", FunctionVersion="1")

    answers = [lab.call("Invoke", FunctionName=name, LogType="Tail") for name in ("fn", "fn:1", "fn:live")]

    assert [answer["ExecutedVersion"] for answer in answers] == ["$LATEST", "1", "1"]
    assert [one.function_arn for one in lab.sandboxes.invocations] == [ARN, f"{ARN}:1", f"{ARN}:live"]
    lab.time.pass_time()
    assert ["[$LATEST]" in lab.world.logs.streams[0], "[1]" in lab.world.logs.streams[1]] == [True, True]
    assert any("Version: 1" in line for line in lab.world.logs.messages["/aws/lambda/fn"])
    assert {"FunctionName": "fn", "Resource": "fn:live"} in [found for _, _, found in lab.measured]


def test_an_alias_with_weights_runs_both_versions(lab: Laboratory) -> None:
    lab.call("PublishVersion", FunctionName="fn")
    lab.call("UpdateFunctionConfiguration", FunctionName="fn", Timeout=9)
    lab.call("PublishVersion", FunctionName="fn")
    routing = {"AdditionalVersionWeights": {"2": 0.5}}
    lab.call("CreateAlias", FunctionName="fn", Name="live", FunctionVersion="1", RoutingConfig=routing)

    versions = {lab.call("Invoke", FunctionName="fn:live")["ExecutedVersion"] for _ in range(100)}

    assert versions == {"1", "2"}
    lab.call("UpdateAlias", FunctionName="fn", Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in lab.call("GetAlias", FunctionName="fn", Name="live")


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ({"FunctionVersion": "7"}, "Function not found"),
        ({"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}}, "already included"),
        ({"FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.1}}}, "LATEST is not"),
        ({"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"7": 0.1}}}, "Function not found"),
    ],
)
def test_an_alias_that_aws_refuses_is_refused(lab: Laboratory, alias: dict[str, object], message: str) -> None:
    lab.call("PublishVersion", FunctionName="fn")

    with pytest.raises(AwsError, match=message):
        lab.call("CreateAlias", FunctionName="fn", Name="live", **alias)

    assert lab.call("ListAliases", FunctionName="fn")["Aliases"] == []


def test_an_alias_is_made_once_moved_listed_and_deleted(lab: Laboratory) -> None:
    lab.call("PublishVersion", FunctionName="fn")
    made = lab.call("CreateAlias", FunctionName="fn", Name="live", FunctionVersion="$LATEST")
    with pytest.raises(AwsError, match="Alias already exists"):
        lab.call("CreateAlias", FunctionName="fn", Name="live", FunctionVersion="1")
    with pytest.raises(AwsError, match="Revision Id"):
        lab.call("UpdateAlias", FunctionName="fn", Name="live", FunctionVersion="1", RevisionId="other")

    lab.call("UpdateAlias", FunctionName="fn", Name="live", FunctionVersion="1", RevisionId=made["RevisionId"])

    assert [one["Name"] for one in lab.call("ListAliases", FunctionName="fn", FunctionVersion="1")["Aliases"]] == [
        "live"
    ]
    lab.call("DeleteAlias", FunctionName="fn", Name="live")
    with pytest.raises(AwsError, match="Cannot find alias arn"):
        lab.call("GetAlias", FunctionName="fn", Name="live")


def test_a_version_that_an_alias_points_to_stays(lab: Laboratory) -> None:
    lab.call("PublishVersion", FunctionName="fn")
    lab.call("CreateAlias", FunctionName="fn", Name="live", FunctionVersion="1")

    with pytest.raises(AwsError, match="is referenced by aliases"):
        lab.call("DeleteFunction", FunctionName="fn", Qualifier="1")

    lab.call("DeleteAlias", FunctionName="fn", Name="live")
    lab.call("DeleteFunction", FunctionName="fn:1")
    with pytest.raises(AwsError, match="Function not found"):
        lab.call("GetFunction", FunctionName="fn:1")
    lab.call("UpdateFunctionConfiguration", FunctionName="fn", Timeout=9)
    assert lab.call("PublishVersion", FunctionName="fn")["Version"] == "2"


def test_a_deleted_function_takes_its_versions_and_aliases_along(lab: Laboratory) -> None:
    lab.call("PublishVersion", FunctionName="fn")
    lab.call("CreateAlias", FunctionName="fn", Name="live", FunctionVersion="1")
    lab.call("PutFunctionEventInvokeConfig", FunctionName="fn", Qualifier="live", MaximumRetryAttempts=0)

    lab.call("DeleteFunction", FunctionName="fn")
    lab.create()

    assert len(lab.call("ListVersionsByFunction", FunctionName="fn")["Versions"]) == 1
    assert lab.call("ListAliases", FunctionName="fn")["Aliases"] == []
    assert lab.call("ListFunctionEventInvokeConfigs", FunctionName="fn")["FunctionEventInvokeConfigs"] == []


def test_each_qualifier_has_a_policy_of_its_own(lab: Laboratory) -> None:
    lab.call("PublishVersion", FunctionName="fn")
    grant = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    lab.call("AddPermission", FunctionName="fn", **grant)
    lab.call("AddPermission", FunctionName="fn", Qualifier="1", **grant)
    with pytest.raises(AwsError, match="already exists"):
        lab.call("AddPermission", FunctionName="fn:1", **grant)

    lab.call("RemovePermission", FunctionName="fn", StatementId="s3")

    policy = json.loads(lab.call("GetPolicy", FunctionName="fn", Qualifier="1")["Policy"])
    assert [statement["Resource"] for statement in policy["Statement"]] == [f"{ARN}:1"]
    with pytest.raises(AwsError, match="does not exist"):
        lab.call("GetPolicy", FunctionName="fn")
