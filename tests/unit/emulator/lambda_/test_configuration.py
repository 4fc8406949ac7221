"""What a function may be configured to be, and how it answers when it is not asked rightly."""

import base64
import json
from typing import Any

import pytest

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Outcome
from tests.unit.emulator.lambda_.laboratory import Laboratory


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"Environment": {"Variables": {"AWS_REGION": "x"}}}, "Reserved keys used in this request: AWS_REGION"),
        ({"Environment": {"Variables": {"LONG": "x" * 4096}}}, "exceeded the 4KB limit"),
        ({"Timeout": 901}, "less than or equal to 900"),
        ({"MemorySize": 10_241}, "less than or equal to 10240"),
        ({"LoggingConfig": {"SystemLogLevel": "WARN"}}, "LogFormat is JSON"),
        ({"RevisionId": "other"}, "Revision Id"),
        ({"Layers": ["arn:aws:lambda:us-east-1:123456789012:layer:none:1"]}, "does not exist"),
    ],
)
def test_a_setting_that_aws_refuses_is_refused_and_nothing_changes(
    lab: Laboratory, settings: dict[str, Any], message: str
) -> None:
    before = lab.call("GetFunctionConfiguration", FunctionName="fn")

    with pytest.raises(AwsError, match=message):
        lab.call("UpdateFunctionConfiguration", FunctionName="fn", **settings)

    assert lab.call("GetFunctionConfiguration", FunctionName="fn") == before


@pytest.mark.parametrize("runtime", ["java21", "dotnet8", "ruby3.4", "provided"])
def test_a_runtime_that_we_do_not_run_is_refused_by_name(lab: Laboratory, runtime: str) -> None:
    with pytest.raises(EmulatorError, match=f"'{runtime}'"):
        lab.create("other", Runtime=runtime)


def test_four_kilobytes_of_variables_are_allowed(lab: Laboratory) -> None:
    value = "x" * (4096 - len('{"LONG":""}'))

    lab.call("UpdateFunctionConfiguration", FunctionName="fn", Environment={"Variables": {"LONG": value}})

    lab.call("Invoke", FunctionName="fn")
    assert lab.sandboxes.specs[-1].env["LONG"] == value


def test_functions_are_listed_page_by_page_with_their_versions_on_demand(lab: Laboratory) -> None:
    for name in ("a", "b"):
        lab.create(name, Publish=True)
    first = lab.call("ListFunctions", MaxItems=2)
    second = lab.call("ListFunctions", MaxItems=2, Marker=first["NextMarker"])

    assert [one["FunctionName"] for one in first["Functions"] + second["Functions"]] == ["a", "b", "fn"]
    assert "NextMarker" not in second
    everything = lab.call("ListFunctions", FunctionVersion="ALL")["Functions"]
    assert [one["FunctionArn"].split(":function:")[1] for one in everything] == [
        *("a:$LATEST", "a:1", "b:$LATEST", "b:1", "fn:$LATEST"),
    ]


def test_a_dry_run_runs_nothing(lab: Laboratory) -> None:
    assert lab.call("Invoke", FunctionName="fn", InvocationType="DryRun")["StatusCode"] == 204
    with pytest.raises(AwsError, match="Function not found"):
        lab.call("Invoke", FunctionName="none", InvocationType="DryRun")
    assert lab.sandboxes.invocations == []


def test_a_client_context_reaches_the_function(lab: Laboratory) -> None:
    context = {"custom": {"a": "b"}}

    lab.call("Invoke", FunctionName="fn", ClientContext=base64.b64encode(json.dumps(context).encode()).decode())

    assert json.loads(lab.sandboxes.invocations[0].client_context) == context
    with pytest.raises(AwsError, match="Client context"):
        lab.call("Invoke", FunctionName="fn", ClientContext="%%%")


def test_an_event_over_six_megabytes_is_refused(lab: Laboratory) -> None:
    with pytest.raises(AwsError, match="RequestResponse invocation type") as refused:
        lab.call("Invoke", FunctionName="fn", Payload=b'"' + b"x" * 6_291_456 + b'"')

    assert (refused.value.code, refused.value.status) == ("RequestEntityTooLargeException", 413)


def test_an_answer_over_six_megabytes_is_an_error(lab: Laboratory) -> None:
    lab.sandboxes.answer = lambda event: Outcome(b'"' + b"x" * 6_291_556 + b'"')

    answer = lab.call("Invoke", FunctionName="fn")

    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"])["errorType"] == "Function.ResponseSizeTooLarge"


def test_an_initialization_over_ten_seconds_is_begun_anew_in_the_invocation(lab: Laboratory) -> None:
    lab.sandboxes.status = "timeout"

    answer = lab.call("Invoke", FunctionName="fn", LogType="Tail")

    assert len(lab.sandboxes.specs) == 2
    log = base64.b64decode(answer["LogResult"]).decode()
    assert "Phase: init\tStatus: timeout" in log
    assert "Init Duration" not in log.split("\nREPORT ")[1]
