"""Schedules on a clock that the test moves: when they fire, what the target gets, and what becomes of failures."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.services import events, scheduler
from tests.support.clocks import FakeClock
from tests.support.dispatching import FakeDispatcher, stand_still
from tests.support.emulator import World, world

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
DEAD = "arn:aws:sqs:us-east-1:123456789012:dead"
ROLE = "arn:aws:iam::123456789012:role/scheduler"
DAY_S = 86_400
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Aws:
    """A scheduler with a fake clock; calls to services that are not ours are recorded, or refused by `refuse`."""

    def __init__(self, path: Path) -> None:
        self.world: World = world(path, {"scheduler": scheduler.OPERATIONS, "events": events.OPERATIONS})
        self.clock = FakeClock(NOON)
        self.dispatcher: FakeDispatcher = stand_still(self.world, self.clock)
        self.calls: list[tuple[str, dict[str, Any], datetime]] = []
        self.refuse: dict[str, str] = {}
        own = self.world.kernel.calls

        def call(service: str, operation: str, params: dict[str, Any], principal: Any = None) -> dict[str, Any]:
            if service in ("scheduler", "events"):
                return own(service, operation, params, principal)
            queue = str(params.get("QueueUrl", "")).rsplit("/", 1)[-1]
            if queue in self.refuse:
                raise AwsError(self.refuse[queue], "refused")
            self.calls.append((f"{service}:{operation}", params, self.clock.now()))
            return {}

        self.world.kernel.calls = call

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.world.call("scheduler", operation, params)

    def create(self, expression: str, target: dict[str, Any] | None = None, **more: Any) -> None:
        whole = {"Arn": QUEUE, "RoleArn": ROLE, **(target or {})}
        window = more.pop("FlexibleTimeWindow", {"Mode": "OFF"})
        self("CreateSchedule", Name="s", ScheduleExpression=expression, Target=whole, FlexibleTimeWindow=window, **more)

    def times(self) -> list[str]:
        return [at.strftime("%d %H:%M:%S") for _, _, at in self.calls]

    def kinds(self) -> list[str]:
        return [entry["kind"] for entry in self.world.kernel.journal.entries("scheduler.")]


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    made = Aws(tmp_path)
    yield made
    made.world.close()


def test_a_rate_begins_at_once_and_goes_on(aws: Aws) -> None:
    aws.create("rate(1 hour)")

    aws.dispatcher.pass_time(2 * 3600)

    assert aws.times() == ["01 12:00:00", "01 13:00:00", "01 14:00:00"]


def test_a_rate_with_a_start_date_counts_from_it_until_the_end_date(aws: Aws) -> None:
    aws.create("rate(1 hour)", StartDate=NOON + timedelta(minutes=90), EndDate=NOON + timedelta(minutes=160))

    aws.dispatcher.pass_time(DAY_S)

    assert aws.times() == ["01 13:30:00", "01 14:30:00"]
    assert aws.kinds().count("scheduler.completed") == 1


def test_a_cron_fires_in_its_time_zone(aws: Aws) -> None:
    aws.create("cron(0 9 * * ? *)", ScheduleExpressionTimezone="America/New_York")

    aws.dispatcher.pass_time(2 * DAY_S)

    assert aws.times() == ["01 14:00:00", "02 14:00:00"]


def test_a_one_time_schedule_is_gone_afterwards_when_it_says_so(aws: Aws) -> None:
    aws.create("at(2026-01-01T13:00:00)", ActionAfterCompletion="DELETE")

    aws.dispatcher.pass_time(DAY_S)

    assert aws.times() == ["01 13:00:00"]
    with pytest.raises(AwsError, match="Schedule s does not exist"):
        aws("GetSchedule", Name="s")


def test_a_one_time_schedule_stays_otherwise(aws: Aws) -> None:
    aws.create("at(2026-01-01T13:00:00)")

    aws.dispatcher.pass_time(DAY_S)

    assert aws("GetSchedule", Name="s")["State"] == "ENABLED"


def test_within_a_flexible_window_each_time_is_drawn(aws: Aws) -> None:
    drawn = iter([0.5, 0.1])
    aws.world.kernel.ids.unit = lambda: next(drawn)  # type: ignore[method-assign]
    aws.create("cron(0 * * * ? *)", FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 30})

    aws.dispatcher.pass_time(2.5 * 3600)

    assert aws.times() == ["01 13:15:00", "01 14:03:00"]


def test_a_disabled_or_deleted_schedule_is_silent_and_an_update_replaces_it(aws: Aws) -> None:
    aws.create("cron(0 * * * ? *)", State="DISABLED")
    aws.dispatcher.pass_time(2 * 3600)
    assert aws.calls == []

    target = {"Arn": QUEUE, "RoleArn": ROLE}
    window = {"Mode": "OFF"}
    aws("UpdateSchedule", Name="s", ScheduleExpression="cron(30 * * * ? *)", Target=target, FlexibleTimeWindow=window)
    aws.dispatcher.pass_time(2 * 3600)
    assert aws.times() == ["01 14:30:00", "01 15:30:00"]

    aws("DeleteSchedule", Name="s")
    aws.dispatcher.pass_time(DAY_S)
    assert len(aws.calls) == 2


def test_the_context_of_an_invocation_is_put_into_the_input(aws: Aws) -> None:
    text = '{"arn": "<aws.scheduler.schedule-arn>", "at": "<aws.scheduler.scheduled-time>",'
    text += ' "try": "<aws.scheduler.attempt-number>", "id": "<aws.scheduler.execution-id>"}'
    aws.create("at(2026-01-01T13:00:00)", {"Input": text})

    aws.dispatcher.pass_time(DAY_S)

    body = json.loads(aws.calls[0][1]["MessageBody"])
    assert body["arn"] == "arn:aws:scheduler:us-east-1:123456789012:schedule/default/s"
    assert (body["at"], body["try"], len(body["id"])) == ("2026-01-01T13:00:00Z", "1", 16)


def test_without_input_a_target_gets_the_schedulers_notification(aws: Aws) -> None:
    aws.create("at(2026-01-01T13:00:00)")

    aws.dispatcher.pass_time(DAY_S)

    body = json.loads(aws.calls[0][1]["MessageBody"])
    assert (body["source"], body["detail-type"], body["time"]) == (
        "aws.scheduler",
        "Scheduled Event",
        "2026-01-01T13:00:00Z",
    )


def test_a_universal_target_calls_the_operation_with_the_input(aws: Aws) -> None:
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:lambda:invoke",
        "Input": '{"FunctionName": "f", "InvocationType": "Event", "Payload": "{\\"a\\": 1}"}',
    }
    aws.create("at(2026-01-01T13:00:00)", target)

    aws.dispatcher.pass_time(DAY_S)

    call = {"FunctionName": "f", "InvocationType": "Event", "Payload": b'{"a": 1}'}
    assert aws.calls[0][:2] == ("lambda:Invoke", call)


def test_a_bus_gets_an_event_of_the_schedule(aws: Aws) -> None:
    aws.world.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source": ["my.clock"]}'})
    aws.world.call("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "q", "Arn": QUEUE}]})
    target = {
        "Arn": "arn:aws:events:us-east-1:123456789012:event-bus/default",
        "EventBridgeParameters": {"Source": "my.clock", "DetailType": "tick"},
        "Input": '{"n": 1}',
    }
    aws.create("at(2026-01-01T13:00:00)", target)

    aws.dispatcher.pass_time(DAY_S)

    body = json.loads(aws.calls[0][1]["MessageBody"])
    assert (body["source"], body["detail-type"], body["detail"]) == ("my.clock", "tick", {"n": 1})


def test_pipeline_parameters_are_values_and_no_paths(aws: Aws) -> None:
    parameters = {"PipelineParameterList": [{"Name": "p", "Value": "$.detail"}]}
    target = {
        "Arn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/watch",
        "SageMakerPipelineParameters": parameters,
    }
    aws.create("at(2026-01-01T13:00:00)", target)

    aws.dispatcher.pass_time(DAY_S)

    assert aws.calls[0][0] == "sagemaker:StartPipelineExecution"
    assert aws.calls[0][1]["PipelineParameters"] == [{"Name": "p", "Value": "$.detail"}]


def test_a_failure_is_tried_again_with_the_next_attempt_number(aws: Aws) -> None:
    aws.refuse["q"] = "ServiceUnavailable"
    aws.create("at(2026-01-01T13:00:00)", {"Input": "try <aws.scheduler.attempt-number>"})
    aws.dispatcher.pass_time(3600)

    del aws.refuse["q"]
    aws.dispatcher.pass_time(60)

    assert [params["MessageBody"] for _, params, _ in aws.calls] == ["try 2"]


def test_what_is_given_up_goes_to_the_dead_letter_queue_with_its_reason(aws: Aws) -> None:
    aws.refuse["q"] = "ServiceUnavailable"
    more = {"DeadLetterConfig": {"Arn": DEAD}, "RetryPolicy": {"MaximumRetryAttempts": 2}}
    aws.create("at(2026-01-01T13:00:00)", {"Input": "hello", **more})

    aws.dispatcher.pass_time(DAY_S)

    ((_, params, _),) = aws.calls
    why = {name: value["StringValue"] for name, value in params["MessageAttributes"].items()}
    assert params["MessageBody"] == "hello"
    assert (why["RETRY_ATTEMPTS"], why["EXHAUSTED_RETRY_CONDITION"]) == ("2", "MaximumRetryAttempts")
    assert (why["TARGET_ARN"], why["SCHEDULED_TIME"]) == (QUEUE, "2026-01-01T13:00:00Z")


def test_deleting_a_group_deletes_its_schedules(aws: Aws) -> None:
    aws("CreateScheduleGroup", Name="g")
    aws.create("rate(1 hour)", GroupName="g")
    aws.dispatcher.pass_time(1)
    aws("DeleteScheduleGroup", Name="g")

    aws.dispatcher.pass_time(DAY_S)

    assert len(aws.calls) == 1
    assert aws("ListSchedules")["Schedules"] == []


def test_the_same_client_token_makes_one_schedule(aws: Aws) -> None:
    aws.create("rate(1 hour)", ClientToken="t")
    aws.create("rate(1 hour)", ClientToken="t")

    with pytest.raises(AwsError, match="already exists"):
        aws.create("rate(1 hour)", ClientToken="other")


@pytest.mark.parametrize(
    ("expression", "target", "more", "why"),
    [
        ("rate(1 hours)", {}, {}, "Invalid Schedule Expression"),
        ("rate(1 hour)", {}, {"ScheduleExpressionTimezone": "Mars/Olympus"}, "Mars/Olympus is not valid"),
        ("rate(1 hour)", {}, {"GroupName": "absent"}, "Schedule group absent does not exist"),
        ("rate(1 hour)", {}, {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "MaximumWindowInMinutes is required"),
        ("rate(1 hour)", {}, {"StartDate": NOON, "EndDate": NOON}, "EndDate must be after"),
        ("rate(1 hour)", {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:getQueueUrl"}, {}, "not in correct format"),
        ("rate(1 hour)", {"Arn": "arn:aws:scheduler:::aws-sdk:sqs:fly"}, {}, "not in correct format"),
        ("rate(1 hour)", {"Arn": "arn:aws:kinesis:us-east-1:1:stream/s"}, {}, "missing KinesisParameters"),
        ("rate(1 hour)", {"Arn": QUEUE + ".fifo"}, {}, "MessageGroupId is required"),
        ("rate(1 hour)", {"Arn": "arn:aws:lambda:us-east-1:1:function:f", "Input": "no json"}, {}, "not valid JSON"),
    ],
)
def test_what_aws_refuses(aws: Aws, expression: str, target: dict[str, Any], more: dict[str, Any], why: str) -> None:
    with pytest.raises(AwsError, match=why):
        aws.create(expression, target, **more)


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ({"Arn": "arn:aws:ecs:us-east-1:1:cluster/c"}, "ecs"),
        ({"EcsParameters": {"TaskDefinitionArn": "t"}}, "EcsParameters"),
    ],
)
def test_what_is_not_emulated_is_named(aws: Aws, target: dict[str, Any], named: str) -> None:
    with pytest.raises(EmulatorError, match=named):
        aws.create("rate(1 hour)", target)
