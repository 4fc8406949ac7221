"""What the stack says of watching: schedules, alarms that know what silence means, one that asks, a dashboard."""

import json
import re
from typing import Any

from tests.synth.template import Template

NAME = "driftloop-flights"
PEOPLE = ["arn:aws:sns:us-east-1:123456789012:driftloop-people"]
ENDPOINT = {"Endpoint": f"{NAME}-prod", "MonitoringSchedule": f"{NAME}-champion"}


def _alarms(template: Template, kind: str = "Alarm") -> dict[str, dict[str, Any]]:
    return {alarm["AlarmName"]: alarm for alarm in template.resources(f"AWS::CloudWatch::{kind}").values()}


def _dimensions(alarm: dict[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in alarm["Dimensions"]}


def test_each_slot_of_production_is_looked_at_daily_once_however_often_the_schedule_fires(flights: Template) -> None:
    schedules = {one["Name"]: one for one in flights.resources("AWS::Scheduler::Schedule").values()}

    for variant in ("champion", "challenger"):
        schedule = schedules[f"{NAME}-watch-{variant}"]
        asked = json.loads(schedule["Target"]["Input"])
        assert schedule["ScheduleExpression"] == "cron(15 3 * * ? *)"
        assert asked["PipelineName"] == f"{NAME}-watch"
        assert asked["ClientRequestToken"] == f"watch-{variant}-at-<aws.scheduler.scheduled-time>"
        assert {"Name": "Variant", "Value": variant} in asked["PipelineParameters"]
        assert {"DeadLetterConfig", "RetryPolicy"} <= schedule["Target"].keys()


def test_what_is_found_and_who_is_told(flights: Template) -> None:
    alarms = _alarms(flights)
    found = {
        name: (alarms[f"{NAME}-{name}"]["MetricName"], alarms[f"{NAME}-{name}"].get("AlarmActions"))
        for name in ("drift", "quality", "label-delay", "capture-gap", "monitor-failed", "monitor-runs")
    }

    assert found == {
        "drift": ("monitor_drift", None),
        "quality": ("monitor_violations", None),
        "label-delay": ("monitor_labelled", PEOPLE),
        "capture-gap": ("monitor_files", PEOPLE),
        "monitor-failed": ("monitor_failed", PEOPLE),
        "monitor-runs": ("monitor_run_age_s", PEOPLE),
    }
    assert all(_dimensions(alarms[f"{NAME}-{name}"]) == ENDPOINT for name in ("drift", "quality", "capture-gap"))


def test_what_a_monitor_said_holds_until_it_speaks_again_and_silence_of_the_reconciler_is_news(
    flights: Template,
) -> None:
    alarms = _alarms(flights)

    assert {alarms[f"{NAME}-{name}"]["TreatMissingData"] for name in ("drift", "quality", "label-delay")} == {"ignore"}
    assert alarms[f"{NAME}-monitor-runs"]["TreatMissingData"] == "missing"
    assert alarms[f"{NAME}-monitor-runs"]["InsufficientDataActions"] == PEOPLE


def test_one_alarm_asks_for_retraining_and_it_alone_reaches_the_guard(flights: Template) -> None:
    [composite] = _alarms(flights, "CompositeAlarm").values()
    rules = [json.dumps(one["EventPattern"]) for one in flights.resources("AWS::Events::Rule").values()]

    assert composite["AlarmName"] == f"{NAME}-retrain"
    assert set(re.findall(r"<(\w+)\.Arn>", composite["AlarmRule"])) == {
        logical_id
        for logical_id, alarm in flights.resources("AWS::CloudWatch::Alarm").items()
        if alarm["AlarmName"] in (f"{NAME}-drift", f"{NAME}-quality")
    }
    assert [rule.count(f"{NAME}-retrain") for rule in rules if "aws.cloudwatch" in rule] == [1]


def test_the_dashboard_shows_every_alarm_of_the_monitors_and_every_feature_that_is_compared(flights: Template) -> None:
    [board] = flights.resources("AWS::CloudWatch::Dashboard").values()
    widgets = {one["properties"]["title"]: one["properties"] for one in json.loads(board["DashboardBody"])["widgets"]}

    drift = [metric[1] for metric in widgets["Drift: distance to the training data"]["metrics"]]
    assert drift == [
        f"feature_baseline_drift_{name}"
        for name in ("sched_dep_time", "sched_arr_time", "carrier", "origin", "dest", "distance", "hour", "minute")
    ]
    assert set(widgets["Alarms"]["alarms"]) == {
        f"<{logical_id}.Arn>"
        for kind in ("Alarm", "CompositeAlarm")
        for logical_id, alarm in flights.resources(f"AWS::CloudWatch::{kind}").items()
        if not alarm["AlarmName"].endswith("-dlq")
    }
