"""EventBridge Scheduler over HTTP."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.waiting import eventually

Client = Callable[[str], Any]
ROLE = "arn:aws:iam::123456789012:role/scheduler"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:scheduled"


def test_a_rate_without_start_date_invokes_its_target_at_once(client: Client) -> None:
    url = client("sqs").create_queue(QueueName="scheduled")["QueueUrl"]
    scheduler = client("scheduler")
    scheduler.create_schedule_group(Name="integration")

    made = scheduler.create_schedule(
        Name="daily",
        GroupName="integration",
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": QUEUE, "RoleArn": ROLE, "Input": '{"arn": "<aws.scheduler.schedule-arn>"}'},
    )

    sqs = client("sqs")
    got = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages") or None)
    assert json.loads(got[0]["Body"]) == {"arn": made["ScheduleArn"]}
    found = scheduler.get_schedule(Name="daily", GroupName="integration")
    assert (found["ScheduleExpressionTimezone"], found["Target"]["RetryPolicy"]["MaximumRetryAttempts"]) == ("UTC", 185)
    assert [one["Name"] for one in scheduler.list_schedules(GroupName="integration")["Schedules"]] == ["daily"]
    scheduler.delete_schedule_group(Name="integration")
    with pytest.raises(scheduler.exceptions.ResourceNotFoundException):
        scheduler.get_schedule(Name="daily", GroupName="integration")


def test_groups_have_tags(client: Client) -> None:
    scheduler = client("scheduler")
    arn = scheduler.create_schedule_group(Name="tagged", Tags=[{"Key": "a", "Value": "1"}])["ScheduleGroupArn"]

    scheduler.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])
    scheduler.untag_resource(ResourceArn=arn, TagKeys=["a"])

    assert scheduler.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]


def test_what_aws_refuses_is_a_validation_exception(client: Client) -> None:
    scheduler = client("scheduler")
    target = {"Arn": QUEUE, "RoleArn": ROLE}

    with pytest.raises(scheduler.exceptions.ValidationException, match="Invalid Schedule Expression"):
        scheduler.create_schedule(
            Name="bad", ScheduleExpression="rate(1 days)", FlexibleTimeWindow={"Mode": "OFF"}, Target=target
        )
