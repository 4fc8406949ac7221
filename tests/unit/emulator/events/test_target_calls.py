"""Which calls a delivery is, by the kind of its target."""

from typing import Any

import pytest

from emulator.adapters import validation, wire
from emulator.semantics.events import target_calls
from emulator.semantics.events.target_calls import Message

EVENT = {"id": "e-1", "detail": {"bucket": "raw", "size": 5, "ok": True, "key": {"k": 1}}}
MESSAGE = Message('{"a":1}', EVENT, "0b6d3a3e-3c55-4e0e-b4c5-3a7c9a3f1d11", 1_767_225_600_000)
IN = "us-east-1:123456789012:"


@pytest.mark.parametrize(
    ("target", "operations"),
    [
        ({"Arn": f"arn:aws:lambda:{IN}function:f"}, ["lambda:Invoke"]),
        ({"Arn": f"arn:aws:sqs:{IN}q"}, ["sqs:SendMessage"]),
        ({"Arn": f"arn:aws:sqs:{IN}q.fifo", "SqsParameters": {"MessageGroupId": "g"}}, ["sqs:SendMessage"]),
        ({"Arn": f"arn:aws:sns:{IN}t"}, ["sns:Publish"]),
        ({"Arn": f"arn:aws:states:{IN}stateMachine:m"}, ["stepfunctions:StartExecution"]),
        ({"Arn": f"arn:aws:sagemaker:{IN}pipeline/p"}, ["sagemaker:StartPipelineExecution"]),
        ({"Arn": f"arn:aws:kinesis:{IN}stream/s"}, ["kinesis:PutRecord"]),
        ({"Arn": f"arn:aws:firehose:{IN}deliverystream/d"}, ["firehose:PutRecord"]),
        ({"Arn": f"arn:aws:logs:{IN}log-group:/aws/events/g:*"}, ["logs:CreateLogStream", "logs:PutLogEvents"]),
    ],
)
def test_every_kind_of_target_becomes_calls_that_the_models_accept(
    target: dict[str, Any], operations: list[str]
) -> None:
    calls = target_calls.calls(target, MESSAGE)

    assert [f"{call.service}:{call.operation}" for call in calls] == operations
    for call in calls:
        validation.check(wire.operation_model(call.service, call.operation).input_shape, call.params)


def test_a_pipelines_parameters_may_be_paths_into_the_event() -> None:
    values = ["fixed", "$.detail.bucket", "$.detail.size", "$.detail.ok", "$.detail.absent"]
    given = [{"Name": f"p{index}", "Value": value} for index, value in enumerate(values)]
    target = {
        "Arn": f"arn:aws:sagemaker:{IN}pipeline/p",
        "SageMakerPipelineParameters": {"PipelineParameterList": given},
    }

    (call,) = target_calls.calls(target, MESSAGE)

    assert [one["Value"] for one in call.params["PipelineParameters"]] == ["fixed", "raw", "5", "true", ""]


def test_a_stream_is_partitioned_by_the_path_or_by_the_events_id() -> None:
    target: dict[str, Any] = {"Arn": f"arn:aws:kinesis:{IN}stream/s"}

    (plain,) = target_calls.calls(target, MESSAGE)
    (by_path,) = target_calls.calls({**target, "KinesisParameters": {"PartitionKeyPath": "$.detail.bucket"}}, MESSAGE)

    assert (plain.params["PartitionKey"], by_path.params["PartitionKey"]) == ("e-1", "raw")


@pytest.mark.parametrize("arn", [f"arn:aws:ecs:{IN}cluster/c", f"arn:aws:sagemaker:{IN}endpoint/e", "queue", ""])
def test_other_targets_are_named(arn: str) -> None:
    with pytest.raises(target_calls.UnknownTarget, match="not delivered to yet"):
        target_calls.kind(arn)
