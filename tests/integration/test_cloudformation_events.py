"""Buses, archives, HTTP targets and schedules in a stack."""

import json
from collections.abc import Callable
from typing import Any

from tests.support.stacks import deployed
from tests.support.waiting import eventually

Client = Callable[[str], Any]
ROLE = "arn:aws:iam::123456789012:role/scheduler"
ENDPOINT = "http://127.0.0.1:9/hook"
RESOURCES: dict[str, Any] = {
    "Bus": {
        "Type": "AWS::Events::EventBus",
        "Properties": {"Name": "cfn-bus", "Tags": [{"Key": "a", "Value": "1"}]},
    },
    "Archive": {
        "Type": "AWS::Events::Archive",
        "Properties": {
            "SourceArn": {"Fn::GetAtt": ["Bus", "Arn"]},
            "EventPattern": {"source": ["cfn"]},
            "RetentionDays": 3,
        },
    },
    "Connection": {
        "Type": "AWS::Events::Connection",
        "Properties": {
            "AuthorizationType": "BASIC",
            "AuthParameters": {"BasicAuthParameters": {"Username": "ada", "Password": "secret"}},
        },
    },
    "Destination": {
        "Type": "AWS::Events::ApiDestination",
        "Properties": {
            "ConnectionArn": {"Fn::GetAtt": ["Connection", "Arn"]},
            "HttpMethod": "POST",
            "InvocationEndpoint": ENDPOINT,
        },
    },
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "cfn-scheduled"}},
    "Rule": {
        "Type": "AWS::Events::Rule",
        "Properties": {
            "EventBusName": {"Ref": "Bus"},
            "EventPattern": {"source": ["cfn"]},
            "Targets": [
                {
                    "Id": "queue",
                    "Arn": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "InputTransformer": {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"n": <n>}'},
                },
                {"Id": "web", "Arn": {"Fn::GetAtt": ["Destination", "Arn"]}, "RoleArn": ROLE},
            ],
        },
    },
    "Tick": {"Type": "AWS::Events::Rule", "Properties": {"ScheduleExpression": "rate(1 day)", "State": "ENABLED"}},
    "Group": {"Type": "AWS::Scheduler::ScheduleGroup", "Properties": {"Name": "cfn-group"}},
    "Schedule": {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "GroupName": {"Ref": "Group"},
            "ScheduleExpression": "cron(0 3 * * ? *)",
            "ScheduleExpressionTimezone": "Europe/Berlin",
            "StartDate": "2030-01-01T00:00:00Z",
            "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": "15"},
            "Target": {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "RoleArn": ROLE, "Input": "{}"},
        },
    },
}
OUTPUTS = {"Rule": {"Value": {"Ref": "Rule"}}, "Schedule": {"Value": {"Ref": "Schedule"}}}


def test_a_stack_brings_a_bus_an_archive_http_targets_and_schedules(client: Client) -> None:
    outputs = deployed(client, "cfn-events", RESOURCES, OUTPUTS)

    events, scheduler, sqs = client("events"), client("scheduler"), client("sqs")
    assert outputs["Rule"].startswith("cfn-bus|cfn-events-Rule-")
    entry = {"Source": "cfn", "DetailType": "d", "Detail": '{"n": 7}', "EventBusName": "cfn-bus"}
    events.put_events(Entries=[entry])
    url = sqs.get_queue_url(QueueName="cfn-scheduled")["QueueUrl"]
    got = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages") or None)
    assert json.loads(got[0]["Body"]) == {"n": 7}
    (archive,) = events.list_archives(NamePrefix="cfn-events-Archive")["Archives"]
    assert (archive["RetentionDays"], archive["EventCount"]) == (3, 1)
    (destination,) = events.list_api_destinations(NamePrefix="cfn-events")["ApiDestinations"]
    assert destination["InvocationEndpoint"] == ENDPOINT
    schedule = scheduler.get_schedule(Name=outputs["Schedule"], GroupName="cfn-group")
    assert schedule["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 15}
    assert (schedule["ScheduleExpressionTimezone"], schedule["StartDate"].year) == ("Europe/Berlin", 2030)
