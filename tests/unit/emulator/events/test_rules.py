"""Rules, buses and targets on a clock that the test moves."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.services import events
from tests.support.clocks import FakeClock
from tests.support.dispatching import FakeDispatcher, stand_still
from tests.support.emulator import World, world

QUEUE = "arn:aws:sqs:us-east-1:123456789012:q"
BUS = "arn:aws:events:us-east-1:123456789012:event-bus/"
PATTERN = '{"source": ["s"]}'


class Aws:
    """A bus with a fake clock; messages to queues are recorded."""

    def __init__(self, path: Path) -> None:
        self.world: World = world(path, {"events": events.OPERATIONS})
        self.clock = FakeClock(datetime(2026, 1, 1, 12, tzinfo=UTC))
        self.dispatcher: FakeDispatcher = stand_still(self.world, self.clock)
        self.bodies: list[dict[str, Any]] = []
        own = self.world.kernel.calls

        def call(service: str, operation: str, params: dict[str, Any], principal: Any = None) -> dict[str, Any]:
            if service == "sqs":
                self.bodies.append(json.loads(params["MessageBody"]))
                return {}
            return own(service, operation, params, principal)

        self.world.kernel.calls = call

    def __call__(self, operation: str, **params: Any) -> dict[str, Any]:
        return self.world.call("events", operation, params)

    def rule(self, name: str, target_arn: str = QUEUE, **more: Any) -> None:
        self("PutRule", Name=name, **more)
        where = {"EventBusName": more["EventBusName"]} if "EventBusName" in more else {}
        self("PutTargets", Rule=name, Targets=[{"Id": "t", "Arn": target_arn}], **where)

    def put(self, source: str = "s", **more: Any) -> dict[str, Any]:
        answer = self("PutEvents", Entries=[{"Source": source, "DetailType": "d", "Detail": "{}", **more}])
        self.dispatcher.pass_time(1)
        return answer


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Aws]:
    made = Aws(tmp_path)
    yield made
    made.world.close()


def test_a_scheduled_rule_sends_its_own_event_to_its_own_targets(aws: Aws) -> None:
    aws.rule("listener", EventPattern='{"source": ["aws.events"]}')
    aws.rule("clock", ScheduleExpression="rate(5 minutes)")

    aws.dispatcher.pass_time(11 * 60)

    assert [(body["detail-type"], body["time"]) for body in aws.bodies] == [
        ("Scheduled Event", "2026-01-01T12:05:00Z"),
        ("Scheduled Event", "2026-01-01T12:10:00Z"),
    ]
    assert aws.bodies[0]["resources"] == ["arn:aws:events:us-east-1:123456789012:rule/clock"]


def test_disabled_a_scheduled_rule_is_silent_and_enabled_it_counts_anew(aws: Aws) -> None:
    aws.rule("clock", ScheduleExpression="rate(5 minutes)")
    aws("DisableRule", Name="clock")
    aws.dispatcher.pass_time(12 * 60)
    assert aws.bodies == []

    aws("EnableRule", Name="clock")
    aws.dispatcher.pass_time(5 * 60)
    assert [body["time"] for body in aws.bodies] == ["2026-01-01T12:17:00Z"]


def test_a_deleted_scheduled_rule_is_silent(aws: Aws) -> None:
    aws.rule("clock", ScheduleExpression="cron(0/5 * * * ? *)")
    aws("RemoveTargets", Rule="clock", Ids=["t"])
    aws("DeleteRule", Name="clock")

    aws.dispatcher.pass_time(3600)

    assert aws.bodies == []


def test_a_rule_with_pattern_and_schedule_listens_and_ticks(aws: Aws) -> None:
    aws.rule("both", EventPattern=PATTERN, ScheduleExpression="rate(1 minute)")

    aws.put()
    aws.dispatcher.pass_time(60)

    assert [body["source"] for body in aws.bodies] == ["s", "aws.events"]


def test_a_disabled_rule_gets_nothing(aws: Aws) -> None:
    aws.rule("off", EventPattern=PATTERN, State="DISABLED")

    aws.put()

    assert aws.bodies == []


def test_rules_of_the_same_name_live_on_their_own_buses(aws: Aws) -> None:
    aws("CreateEventBus", Name="other")
    aws.rule("r", EventPattern=PATTERN)
    aws.rule("r", EventPattern='{"source": ["elsewhere"]}', EventBusName="other")

    aws.put("s")
    aws.put("elsewhere", EventBusName=BUS + "other")
    aws.put("elsewhere")
    aws.put("s", EventBusName="other")

    assert [body["source"] for body in aws.bodies] == ["s", "elsewhere"]
    found = aws("ListRules", EventBusName="other")["Rules"]
    assert [rule["Arn"] for rule in found] == ["arn:aws:events:us-east-1:123456789012:rule/other/r"]


def test_another_bus_gets_the_event_itself(aws: Aws) -> None:
    aws("CreateEventBus", Name="other")
    aws.rule("forward", BUS + "other", EventPattern=PATTERN)
    aws.rule("receive", EventPattern=PATTERN, EventBusName="other")

    event_id = aws.put()["Entries"][0]["EventId"]

    assert [body["id"] for body in aws.bodies] == [event_id]


def test_a_bus_that_is_not_there_takes_events_that_nobody_gets(aws: Aws) -> None:
    answer = aws.put(EventBusName="absent")

    assert answer["FailedEntryCount"] == 0
    assert [entry["subject"] for entry in aws.world.kernel.journal.entries("events.dropped")] == ["absent"]


def test_a_bus_with_rules_is_not_deleted(aws: Aws) -> None:
    aws("CreateEventBus", Name="other", Description="mine")
    aws("PutRule", Name="r", EventPattern=PATTERN, EventBusName="other")
    with pytest.raises(AwsError, match="has rules"):
        aws("DeleteEventBus", Name="other")

    aws("DeleteRule", Name="r", EventBusName="other")
    aws("DeleteEventBus", Name="other")

    assert [bus["Name"] for bus in aws("ListEventBuses")["EventBuses"]] == ["default"]
    with pytest.raises(AwsError, match="Event bus other does not exist"):
        aws("DescribeEventBus", Name="other")


def test_permissions_become_the_policy_of_the_bus(aws: Aws) -> None:
    aws("PutPermission", Action="events:PutEvents", Principal="111122223333", StatementId="a")
    aws("PutPermission", Action="events:PutEvents", Principal="*", StatementId="b")
    aws("RemovePermission", StatementId="a")

    (statement,) = json.loads(aws("DescribeEventBus")["Policy"])["Statement"]

    assert (statement["Sid"], statement["Principal"], statement["Resource"]) == ("b", "*", BUS + "default")
    with pytest.raises(AwsError, match="does not exist"):
        aws("RemovePermission", StatementId="a")


def test_five_targets_a_rule_and_no_more(aws: Aws) -> None:
    aws("PutRule", Name="r", EventPattern=PATTERN)
    targets = [{"Id": str(number), "Arn": QUEUE} for number in range(6)]
    aws("PutTargets", Rule="r", Targets=targets[:5])

    with pytest.raises(AwsError, match="LimitExceededException"):
        aws("PutTargets", Rule="r", Targets=targets[5:])


def test_three_hundred_rules_a_bus_and_no_more(aws: Aws) -> None:
    for number in range(300):
        aws("PutRule", Name=f"r{number}", EventPattern=PATTERN)

    with pytest.raises(AwsError, match="LimitExceededException"):
        aws("PutRule", Name="one-more", EventPattern=PATTERN)
    aws("PutRule", Name="r1", EventPattern=PATTERN)
    first = aws("ListRules")
    second = aws("ListRules", NextToken=first["NextToken"], Limit=90)
    assert (len(first["Rules"]), len(second["Rules"])) == (100, 90)


def test_rules_are_found_by_their_target(aws: Aws) -> None:
    aws.rule("a", EventPattern=PATTERN)
    aws("PutRule", Name="b", EventPattern=PATTERN)

    assert aws("ListRuleNamesByTarget", TargetArn=QUEUE)["RuleNames"] == ["a"]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({}, "EventPattern or ScheduleExpression must be specified"),
        ({"ScheduleExpression": "rate(1 minutes)"}, "ScheduleExpression is not valid"),
        ({"ScheduleExpression": "at(2026-01-01T00:00:00)"}, "ScheduleExpression is not valid"),
        ({"EventPattern": PATTERN, "EventBusName": "absent"}, "Event bus absent does not exist"),
        ({"EventPattern": "{}"}, "Empty patterns"),
    ],
)
def test_rules_that_aws_refuses(aws: Aws, rule: dict[str, Any], why: str) -> None:
    with pytest.raises(AwsError, match=why):
        aws("PutRule", Name="r", **rule)


def test_schedules_are_for_the_default_bus_only(aws: Aws) -> None:
    aws("CreateEventBus", Name="other")

    with pytest.raises(AwsError, match="only on the default event bus"):
        aws("PutRule", Name="r", ScheduleExpression="rate(1 hour)", EventBusName="other")


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ({"Arn": QUEUE + ".fifo"}, "SqsParameters must be specified"),
        ({"Arn": BUS + "default"}, "cannot be a target of its own rule"),
        ({"Arn": QUEUE, "Input": "{}", "InputPath": "$"}, "Only one of"),
        ({"Arn": "arn:aws:states:us-east-1:123456789012:stateMachine:m"}, "RoleArn is required"),
        ({"Arn": "arn:aws:events:us-east-1:123456789012:api-destination/a/1", "RoleArn": "r"}, "does not exist"),
    ],
)
def test_targets_that_aws_refuses(aws: Aws, target: dict[str, Any], why: str) -> None:
    aws("PutRule", Name="r", EventPattern=PATTERN)

    with pytest.raises(AwsError, match=why):
        aws("PutTargets", Rule="r", Targets=[{"Id": "t", **target}])


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ({"Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/c"}, "ecs"),
        ({"Arn": QUEUE, "EcsParameters": {"TaskDefinitionArn": "t"}}, "EcsParameters"),
        ({"Arn": QUEUE, "KinesisParameters": {"PartitionKeyPath": "$.id"}}, "KinesisParameters"),
        ({"Arn": "arn:aws:sqs:eu-west-1:123456789012:q"}, "eu-west-1"),
        ({"Arn": "arn:aws:sqs:us-east-1:999999999999:q"}, "999999999999"),
    ],
)
def test_targets_that_are_not_emulated_are_named(aws: Aws, target: dict[str, Any], named: str) -> None:
    aws("PutRule", Name="r", EventPattern=PATTERN)

    with pytest.raises(EmulatorError, match=named):
        aws("PutTargets", Rule="r", Targets=[{"Id": "t", **target}])


def test_connections_hide_their_secrets_and_destinations_stay_on_this_machine(aws: Aws) -> None:
    secret = {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key", "ApiKeyValue": "secret"}}
    arn = aws("CreateConnection", Name="c", AuthorizationType="API_KEY", AuthParameters=secret)["ConnectionArn"]

    assert aws("DescribeConnection", Name="c")["AuthParameters"] == {"ApiKeyAuthParameters": {"ApiKeyName": "X-Key"}}
    with pytest.raises(EmulatorError, match=r"example\.com.*only loopback"):
        aws(
            "CreateApiDestination",
            Name="d",
            ConnectionArn=arn,
            InvocationEndpoint="https://example.com/",
            HttpMethod="POST",
        )
    with pytest.raises(EmulatorError, match="OAUTH"):
        aws("CreateConnection", Name="o", AuthorizationType="OAUTH_CLIENT_CREDENTIALS", AuthParameters={})


def test_rules_and_buses_have_tags(aws: Aws) -> None:
    aws("CreateEventBus", Name="other", Tags=[{"Key": "a", "Value": "1"}])
    aws("PutRule", Name="r", EventPattern=PATTERN, EventBusName="other")
    arn = "arn:aws:events:us-east-1:123456789012:rule/other/r"

    aws("TagResource", ResourceARN=arn, Tags=[{"Key": "k", "Value": "v"}, {"Key": "l", "Value": "w"}])
    aws("UntagResource", ResourceARN=arn, TagKeys=["l"])

    assert aws("ListTagsForResource", ResourceARN=arn)["Tags"] == [{"Key": "k", "Value": "v"}]
    assert aws("ListTagsForResource", ResourceARN=BUS + "other")["Tags"] == [{"Key": "a", "Value": "1"}]


def _archived(aws: Aws) -> str:
    """An archive of events from `s`, filled over two minutes, and a rule that gets all of `s`."""
    pattern = '{"source": ["s"]}'
    arn = aws("CreateArchive", ArchiveName="a", EventSourceArn=BUS + "default", EventPattern=pattern)["ArchiveArn"]
    aws.rule("first", EventPattern=pattern)
    aws.rule("second", EventPattern=pattern)
    for source in ("s", "t", "s"):
        aws.put(source)
        aws.dispatcher.pass_time(59)
    aws.bodies.clear()
    return str(arn)


def _replay(aws: Aws, archive: str, **more: Any) -> None:
    start, end = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 1, 1, 13, tzinfo=UTC)
    window = {"EventStartTime": start, "EventEndTime": end}
    destination = {"Arn": BUS + "default", **more.pop("Destination", {})}
    aws("StartReplay", ReplayName="again", EventSourceArn=archive, Destination=destination, **{**window, **more})


def test_an_archive_keeps_what_its_pattern_matches(aws: Aws) -> None:
    _archived(aws)

    found = aws("DescribeArchive", ArchiveName="a")

    assert (found["EventCount"], found["State"]) == (2, "ENABLED")
    assert [one["ArchiveName"] for one in aws("ListArchives")["Archives"]] == ["a"]


def test_a_replay_brings_archived_events_again_in_order_with_its_name(aws: Aws) -> None:
    archive = _archived(aws)

    _replay(aws, archive, Destination={"FilterArns": ["arn:aws:events:us-east-1:123456789012:rule/first"]})
    aws.dispatcher.pass_time(1)

    assert [(body["time"], body["replay-name"]) for body in aws.bodies] == [
        ("2026-01-01T12:00:00Z", "again"),
        ("2026-01-01T12:02:00Z", "again"),
    ]
    assert aws("DescribeReplay", ReplayName="again")["State"] == "COMPLETED"
    assert aws("DescribeArchive", ArchiveName="a")["EventCount"] == 2


def test_a_replay_ends_before_its_end_time(aws: Aws) -> None:
    archive = _archived(aws)

    _replay(aws, archive, EventEndTime=datetime(2026, 1, 1, 12, 2, tzinfo=UTC))
    aws.dispatcher.pass_time(1)

    assert len(aws.bodies) == 2
    assert {body["time"] for body in aws.bodies} == {"2026-01-01T12:00:00Z"}


def test_a_cancelled_replay_brings_nothing_more(aws: Aws) -> None:
    archive = _archived(aws)

    _replay(aws, archive)
    aws("CancelReplay", ReplayName="again")
    aws.dispatcher.pass_time(1)

    assert aws.bodies == []
    assert [one["State"] for one in aws("ListReplays")["Replays"]] == ["CANCELLED"]
    with pytest.raises(AwsError, match="IllegalStatusException"):
        aws("CancelReplay", ReplayName="again")


def test_events_leave_an_archive_after_their_retention(aws: Aws) -> None:
    _archived(aws)
    aws("UpdateArchive", ArchiveName="a", RetentionDays=2)

    aws.dispatcher.pass_time(86_400)
    assert aws("DescribeArchive", ArchiveName="a")["EventCount"] == 2
    aws.dispatcher.pass_time(86_400)
    assert aws("DescribeArchive", ArchiveName="a")["EventCount"] == 0


def test_a_replay_to_another_bus_is_refused(aws: Aws) -> None:
    archive = _archived(aws)
    aws("CreateEventBus", Name="other")

    with pytest.raises(AwsError, match="Cross event bus replay"):
        _replay(aws, archive, Destination={"Arn": BUS + "other"})
    with pytest.raises(AwsError, match="Archive b does not exist"):
        _replay(aws, archive[:-1] + "b")


def test_a_deleted_archive_is_empty_when_it_is_made_anew(aws: Aws) -> None:
    _archived(aws)
    aws("DeleteArchive", ArchiveName="a")

    aws("CreateArchive", ArchiveName="a", EventSourceArn=BUS + "default")

    assert aws("DescribeArchive", ArchiveName="a")["EventCount"] == 0
