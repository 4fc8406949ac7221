"""Everything that waits in AWS follows the emulator's time: a day passes in a moment, and nothing in it is left out."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from tests.support.apart import Emulator
from tests.support.waiting import eventually

HOUR_S, DAY_S = 3600, 86_400


@pytest.fixture
def queue(apart: Emulator, request: pytest.FixtureRequest) -> "Queue":
    return Queue(apart, request.node.name.replace("[", "-").replace("]", "")[:80])


class Queue:
    """A queue, and what is in it."""

    def __init__(self, apart: Emulator, name: str, **attributes: str) -> None:
        self.sqs = apart.client("sqs")
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.arn = f"arn:aws:sqs:us-east-1:123456789012:{name}"

    def receive(self) -> list[str]:
        return [
            m["Body"] for m in self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        ]

    def drain(self) -> list[str]:
        """Every message that is to be had now."""
        found: list[str] = []
        while more := self.receive():
            found += more
        return found


def test_a_message_comes_back_after_its_visibility_timeout(apart: Emulator, queue: Queue) -> None:
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="m")
    assert (queue.receive(), queue.receive()) == (["m"], [])

    apart.advance(29)
    assert queue.receive() == []
    apart.advance(2)

    assert queue.receive() == ["m"]


def test_a_delayed_message_comes_when_its_delay_is_over(apart: Emulator, queue: Queue) -> None:
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="m", DelaySeconds=900)

    assert queue.receive() == []
    apart.advance(901)

    assert queue.receive() == ["m"]


def test_a_message_is_gone_after_its_retention_and_those_behind_it_are_not(apart: Emulator, queue: Queue) -> None:
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="old")
    apart.advance(3 * DAY_S)
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="young")
    apart.advance(1.5 * DAY_S)

    assert queue.drain() == ["young"]


def test_a_long_poll_takes_as_long_as_it_says_while_time_leaps(apart: Emulator, queue: Queue) -> None:
    found: list[Any] = []
    asked = {"QueueUrl": queue.url, "WaitTimeSeconds": 20}
    poll = threading.Thread(target=lambda: found.append(queue.sqs.receive_message(**asked).get("Messages")))
    poll.start()

    apart.advance(HOUR_S)
    apart.client("sqs").send_message(QueueUrl=queue.url, MessageBody="m")
    poll.join(30)

    assert [message["Body"] for message in found[0]] == ["m"]


def test_a_scheduled_rule_fires_every_hour_of_a_day(apart: Emulator, queue: Queue) -> None:
    events = apart.client("events")
    events.put_rule(Name="hourly", ScheduleExpression="cron(0 * * * ? *)")
    events.put_targets(Rule="hourly", Targets=[{"Id": "q", "Arn": queue.arn, "InputPath": "$.time"}])

    apart.advance(DAY_S)

    fired = queue.drain()
    events.put_rule(Name="hourly", ScheduleExpression="cron(0 * * * ? *)", State="DISABLED")
    assert len(fired) == 24
    assert {text.strip('"')[-6:] for text in fired} == {"00:00Z"}


def test_an_alarm_sees_each_period_that_passes(apart: Emulator) -> None:
    cloudwatch = apart.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="silence",
        Namespace="Test",
        MetricName="Runs",
        Statistic="Sum",
        Period=3600,
        EvaluationPeriods=3,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "Runs", "Value": 1}])
    put_at = apart.now()

    apart.advance(3 * HOUR_S)
    assert _alarm(cloudwatch)["StateValue"] == "OK"
    apart.advance(5 * HOUR_S)

    alarm = _alarm(cloudwatch)
    assert alarm["StateValue"] == "ALARM"
    range_h = 5  # CloudWatch looks back over two periods more than it evaluates
    assert timedelta(hours=range_h - 1) < alarm["StateUpdatedTimestamp"] - put_at < timedelta(hours=range_h + 1)


def _alarm(cloudwatch: Any) -> Any:
    return cloudwatch.describe_alarms(AlarmNames=["silence"])["MetricAlarms"][0]


def test_lifecycle_rules_delete_what_is_over_and_say_so(apart: Emulator, queue: Queue) -> None:
    s3, events = apart.client("s3"), apart.client("events")
    s3.create_bucket(Bucket="passing")
    s3.put_bucket_notification_configuration(
        Bucket="passing", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    rule = {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": "tmp/"}, "Expiration": {"Days": 2}}
    s3.put_bucket_lifecycle_configuration(Bucket="passing", LifecycleConfiguration={"Rules": [rule]})
    events.put_rule(Name="gone", EventPattern='{"source": ["aws.s3"], "detail-type": ["Object Deleted"]}')
    events.put_targets(Rule="gone", Targets=[{"Id": "q", "Arn": queue.arn, "InputPath": "$.detail.reason"}])
    for key in ("tmp/a", "kept"):
        s3.put_object(Bucket="passing", Key=key, Body=b"x")

    apart.advance(1.5 * DAY_S)
    assert _keys(s3) == ["kept", "tmp/a"]
    apart.advance(2 * DAY_S)

    assert _keys(s3) == ["kept"]
    assert queue.drain() == ['"Lifecycle Expiration"']


def test_lifecycle_rules_delete_old_versions_and_lone_markers_and_leave_what_is_current(apart: Emulator) -> None:
    s3 = apart.client("s3")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    rule = {
        "ID": "r",
        "Status": "Enabled",
        "Filter": {"Tag": {"Key": "kind", "Value": "old"}},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    }
    markers = {"ID": "m", "Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}}
    s3.put_bucket_lifecycle_configuration(Bucket="versions", LifecycleConfiguration={"Rules": [rule, markers]})
    first = s3.put_object(Bucket="versions", Key="tagged", Body=b"1", Tagging="kind=old")["VersionId"]
    second = s3.put_object(Bucket="versions", Key="tagged", Body=b"2", Tagging="kind=old")["VersionId"]
    kept = [s3.put_object(Bucket="versions", Key="plain", Body=body)["VersionId"] for body in (b"1", b"2")]
    gone = s3.put_object(Bucket="versions", Key="gone", Body=b"1", Tagging="kind=old")["VersionId"]
    s3.delete_object(Bucket="versions", Key="gone")

    apart.advance(4 * DAY_S)

    found = s3.list_object_versions(Bucket="versions")
    assert {item["VersionId"] for item in found["Versions"]} == {second, *kept}
    assert first != second != gone
    assert "DeleteMarkers" not in found


def _keys(s3: Any) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket="passing")["Contents"]]


def test_items_go_when_their_time_to_live_is_over(apart: Emulator) -> None:
    dynamodb = apart.client("dynamodb")
    dynamodb.create_table(
        TableName="passing",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.update_time_to_live(
        TableName="passing", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )
    now_s = apart.now().timestamp()
    for name, left_s in (("soon", HOUR_S), ("late", 10 * DAY_S)):
        item = {"id": {"S": name}, "expires": {"N": str(int(now_s + left_s))}}
        dynamodb.put_item(TableName="passing", Item=item)

    apart.advance(8 * HOUR_S)

    assert [item["id"]["S"] for item in dynamodb.scan(TableName="passing")["Items"]] == ["late"]


def test_records_of_services_that_moto_keeps_bear_the_emulators_time(apart: Emulator) -> None:
    apart.advance(2 * DAY_S)
    now = apart.now()
    s3, secrets = apart.client("s3"), apart.client("secretsmanager")

    s3.create_bucket(Bucket="dated")
    s3.put_object(Bucket="dated", Key="k", Body=b"x")
    secrets.create_secret(Name="dated", SecretString="x")

    made = next(bucket for bucket in s3.list_buckets()["Buckets"] if bucket["Name"] == "dated")["CreationDate"]
    changed = s3.head_object(Bucket="dated", Key="k")["LastModified"]
    kept = secrets.describe_secret(SecretId="dated")["CreatedDate"]
    assert [abs(at - now) < timedelta(minutes=1) for at in (made, changed, kept)] == [True, True, True]


def test_time_passes_at_the_pace_that_was_asked_for(apart: Emulator, queue: Queue) -> None:
    queue.sqs.send_message(QueueUrl=queue.url, MessageBody="m", DelaySeconds=600)
    try:
        assert apart.ask("clock", pace="3600x")["pace"] == "3600x"
        assert eventually(queue.receive) == ["m"]
    finally:
        apart.ask("clock", pace="real")


@pytest.mark.parametrize(
    ("verb", "params", "problem"),
    [
        ("clock", {"pace": "0.5x"}, "expected real, leap"),
        ("advance", {"until": "soon"}, "soon"),
        ("advance", {"until": "2030-01-01T00:00:00"}, "no offset"),
        ("advance", {}, "seconds"),
    ],
)
def test_a_wrong_wish_is_refused_and_time_stays_as_it_is(
    apart: Emulator, verb: str, params: dict[str, Any], problem: str
) -> None:
    before = apart.now()

    answer = apart.ask(verb, **params)

    assert problem in answer["error"]
    assert apart.now() - before < timedelta(minutes=1)
