"""Callback steps: a token goes to a queue, and the step ends as whoever has it says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from tests.support.emulator import World
from tests.support.waiting import eventually
from tests.unit.emulator.sagemaker.requests import create_pipeline, execution_end, start

QUEUE = "http://localhost/123456789012/waits"
OUTPUTS = [{"OutputName": "verdict", "OutputType": "String"}, {"OutputName": "count", "OutputType": "Integer"}]
WAIT = {
    "Name": "Wait",
    "Type": "Callback",
    "SqsQueueUrl": QUEUE,
    "Arguments": {"stage": "dev"},
    "OutputParameters": OUTPUTS,
}
SAY = {
    "Name": "Say",
    "Type": "Fail",
    "Arguments": {
        "ErrorMessage": {
            "Std:Join": {
                "On": " ",
                "Values": [
                    {"Get": "Steps.Wait.OutputParameters['verdict']"},
                    {"Get": "Steps.Wait.OutputParameters['count']"},
                ],
            }
        }
    },
}


@pytest.fixture
def execution(aws: World) -> str:
    """An execution that waits in its callback step."""
    create_pipeline(aws, WAIT, SAY)
    arn = start(aws)
    eventually(lambda: _steps(aws, arn)["Wait"]["StepStatus"] == "Executing")
    return arn


def _steps(aws: World, arn: str) -> dict[str, Any]:
    found = aws.sagemaker("ListPipelineExecutionSteps", PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    return {step["StepName"]: step for step in found} or {"Wait": {"StepStatus": "not yet"}}


def _told(aws: World) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(aws.queues[QUEUE][-1])
    return found


def _say(aws: World, token: str, **more: Any) -> Any:
    outputs = [{"Name": "verdict", "Value": "promote"}, {"Name": "count", "Value": "3"}]
    return aws.sagemaker("SendPipelineExecutionStepSuccess", CallbackToken=token, OutputParameters=outputs, **more)


def test_the_queue_gets_a_token_and_the_answers_outputs_go_on(aws: World, execution: str) -> None:
    told = _told(aws)
    assert told == {
        "token": told["token"],
        "pipelineExecutionArn": execution,
        "arguments": {"stage": "dev"},
        "status": "Executing",
    }

    assert _say(aws, told["token"]) == {"PipelineExecutionArn": execution}

    execution_end(aws, execution)
    done = _steps(aws, execution)
    assert done["Say"]["FailureReason"] == "promote 3"
    assert done["Wait"]["Metadata"]["Callback"] == {
        "CallbackToken": told["token"],
        "SqsQueueUrl": QUEUE,
        "OutputParameters": [{"Name": "verdict", "Value": "promote"}, {"Name": "count", "Value": "3"}],
    }


def test_a_failure_fails_the_step_with_its_reason(aws: World, execution: str) -> None:
    aws.sagemaker("SendPipelineExecutionStepFailure", CallbackToken=_told(aws)["token"], FailureReason="too slow")

    assert execution_end(aws, execution)[""]["PipelineExecutionStatus"] == "Failed"
    assert _steps(aws, execution)["Wait"]["FailureReason"] == "ClientError: Callback failed: too slow"


def test_a_stopped_execution_tells_the_queue_and_ends_when_the_token_is_answered(aws: World, execution: str) -> None:
    aws.sagemaker("StopPipelineExecution", PipelineExecutionArn=execution, ClientRequestToken="t" * 32)

    eventually(lambda: len(aws.queues[QUEUE]) == 2)
    assert _told(aws)["status"] == "Stopping"
    _say(aws, _told(aws)["token"])
    assert execution_end(aws, execution)[""]["PipelineExecutionStatus"] == "Stopped"


def test_waiting_for_an_answer_does_not_hold_time_up(aws: World, execution: str) -> None:
    assert aws.kernel.dispatcher.settle(30)

    _say(aws, _told(aws)["token"])
    execution_end(aws, execution)


def test_an_unknown_token_and_a_second_answer_are_refused_but_not_a_repetition(aws: World, execution: str) -> None:
    token, request = _told(aws)["token"], "r" * 32
    _say(aws, token, ClientRequestToken=request)

    assert _say(aws, token, ClientRequestToken=request) == {"PipelineExecutionArn": execution}
    for wrong, more in (("absent0000", {}), (token, {}), (token, {"ClientRequestToken": "s" * 32})):
        with pytest.raises(AwsError, match="ResourceNotFound"):
            _say(aws, wrong, **more)


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ({"Name": "more", "Value": "1"}, "'more' is not declared"),
        ({"Name": "count", "Value": "many"}, "'many' is not of Integer"),
    ],
)
def test_an_output_that_was_not_declared_so_is_refused_and_the_step_waits_on(
    aws: World, execution: str, output: dict[str, str], problem: str
) -> None:
    token = _told(aws)["token"]

    with pytest.raises(AwsError, match=problem):
        aws.sagemaker("SendPipelineExecutionStepSuccess", CallbackToken=token, OutputParameters=[output])

    assert _steps(aws, execution)["Wait"]["StepStatus"] == "Executing"
    _say(aws, token)
