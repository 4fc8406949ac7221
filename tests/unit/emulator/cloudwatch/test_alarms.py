"""Alarms of a running CloudWatch, minute by minute, in a time that stands still otherwise."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.kernel.errors import AwsError
from tests.unit.emulator.cloudwatch.conftest import FUNCTION, TOPIC, Watch


def metric(name: str, **changes: Any) -> dict[str, Any]:
    stat = {"Metric": {"Namespace": "test", "MetricName": name}, "Period": 60, "Stat": "Sum", **changes}
    return {"Id": name, "MetricStat": stat, "ReturnData": False}


def test_actions_run_on_transitions_only(watch: Watch) -> None:
    watch.alarm(OKActions=[FUNCTION])

    watch.minute(9)
    watch.minute(9)
    watch.listener.wait(1)
    watch.minute(1)

    (first, message), (second, payload) = watch.listener.wait(2)
    assert (first, message["OldStateValue"], message["NewStateValue"]) == ("sns", "INSUFFICIENT_DATA", "ALARM")
    assert (second, payload["source"], payload["alarmData"]["state"]["value"]) == ("lambda", "aws.cloudwatch", "OK")
    assert payload["alarmData"]["previousState"]["value"] == "ALARM"
    kinds = [kind for kind, _ in watch.listener.events]
    assert kinds == ["CloudWatch Alarm Configuration Change", *["CloudWatch Alarm State Change"] * 2]


def test_m_out_of_n_needs_m_breaching_periods(watch: Watch) -> None:
    watch.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    states = []

    for value in (1, 9, 1, 9, 9, 1, 1):
        watch.minute(value)
        states.append(watch.state())

    assert states == ["OK", "OK", "OK", "ALARM", "ALARM", "ALARM", "OK"]


def test_silence_means_what_the_alarm_says(watch: Watch) -> None:
    for mode in ("missing", "ignore", "breaching", "notBreaching"):
        watch.alarm(mode, TreatMissingData=mode)
    watch.minute(9)

    for _ in range(4):
        watch.minute()

    assert [watch.state(mode) for mode in ("missing", "ignore", "breaching", "notBreaching")] == [
        "INSUFFICIENT_DATA",
        "ALARM",
        "ALARM",
        "OK",
    ]


def test_a_fine_alarm_is_looked_at_every_ten_seconds(watch: Watch) -> None:
    watch.alarm("fine", Period=10)
    watch.alarm("coarse")
    watch.clock.advance(5)
    watch.put(9)

    watch.clock.advance(15)
    watch.engine.tick(watch.clock.now())

    assert (watch.state("fine"), watch.state("coarse")) == ("ALARM", "INSUFFICIENT_DATA")


def test_an_expression_is_watched(watch: Watch) -> None:
    rate = {"Id": "rate", "Expression": "100 * errors / FILL(requests, 1)", "ReturnData": True}
    watch.alarm(
        Metrics=[metric("errors"), metric("requests"), rate],
        **dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period")),
    )
    watch.put(1, "errors")
    watch.put(10, "requests")

    watch.minute()

    assert watch.state() == "ALARM"
    assert json.loads(watch.row()["StateReasonData"])["recentDatapoints"] == [10.0]


def test_a_band_is_learned_from_what_was(watch: Watch) -> None:
    band = {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 3)", "ReturnData": True}
    watch.alarm(
        Metrics=[{**metric("m"), "ReturnData": True}, band],
        ThresholdMetricId="band",
        ComparisonOperator="LessThanLowerOrGreaterThanUpperThreshold",
        **dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period", "Threshold")),
    )
    for value in (10, 11, 9, 10, 12, 8, 10, 11):
        watch.minute(value)
    assert watch.state() == "OK"

    watch.minute(100)

    assert watch.state() == "ALARM"
    assert watch.row()["StateReason"].startswith("Thresholds Crossed: 1 datapoint [100.0 (")


def test_a_percentile_of_few_samples_may_be_ignored(watch: Watch) -> None:
    percentile = {"Statistic": None, "ExtendedStatistic": "p90"}
    watch.alarm("judges", **percentile)
    watch.alarm("waits", **percentile, EvaluateLowSampleCountPercentile="ignore")

    watch.minute(9)

    assert (watch.state("judges"), watch.state("waits")) == ("ALARM", "INSUFFICIENT_DATA")


def test_a_set_state_lasts_until_the_next_evaluation_and_runs_actions(watch: Watch) -> None:
    watch.alarm()
    watch.minute(1)

    watch("SetAlarmState", AlarmName="a", StateValue="ALARM", StateReason="a drill", StateReasonData='{"by": "me"}')
    assert watch.listener.wait(1)[0][1]["NewStateReason"] == "a drill"
    watch.minute(1)

    assert watch.state() == "OK"


def test_disabled_actions_do_not_run_but_the_state_changes(watch: Watch) -> None:
    watch.alarm()
    watch("DisableAlarmActions", AlarmNames=["a"])

    watch.minute(9)
    watch("EnableAlarmActions", AlarmNames=["a"])
    watch.minute(1)
    watch.minute(9)

    assert len(watch.listener.wait(1)) == 1
    assert watch.listener.told[0][1]["OldStateValue"] == "OK"


def test_a_new_configuration_leaves_the_state(watch: Watch) -> None:
    watch.alarm()
    watch.minute(9)

    watch.alarm(Threshold=100.0, AlarmDescription="new")

    row = watch.row()
    assert (row["StateValue"], row["Threshold"], row["AlarmDescription"]) == ("ALARM", 100.0, "new")
    detail = watch.listener.events[-1][1]
    assert (detail["operation"], detail["previousConfiguration"]["threshold"]) == ("update", 5.0)
    watch.minute(9)
    assert watch.state() == "OK"


def test_history_tells_it_all_newest_first(watch: Watch) -> None:
    watch.alarm(AlarmActions=[f"{TOPIC}:absent"])
    watch.minute(9)
    with watch.listener.changed:
        watch.listener.changed.wait_for(lambda: len(watch("DescribeAlarmHistory")["AlarmHistoryItems"]) == 3, 10)

    items = watch("DescribeAlarmHistory", AlarmName="a")["AlarmHistoryItems"]

    assert [item["HistoryItemType"] for item in items] == ["Action", "StateUpdate", "ConfigurationUpdate"]
    assert items[0]["HistorySummary"] == f"Failed to execute action {TOPIC}:absent. Reason: Topic does not exist"
    assert items[1]["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"
    assert json.loads(items[1]["HistoryData"])["newState"]["stateReasonData"]["threshold"] == 5.0


def test_history_and_alarms_come_in_pages(watch: Watch) -> None:
    for number in range(5):
        watch.alarm(f"a{number}")

    seen, more = [], {}
    while True:
        page = watch("DescribeAlarms", MaxRecords=2, **more)
        seen += [row["AlarmName"] for row in page["MetricAlarms"]]
        if "NextToken" not in page:
            break
        more = {"NextToken": page["NextToken"]}

    assert seen == [f"a{number}" for number in range(5)]
    with pytest.raises(AwsError, match="InvalidNextToken"):
        watch("DescribeAlarms", NextToken="nonsense")


def test_alarms_are_found_by_state_prefix_action_and_metric(watch: Watch) -> None:
    watch.alarm("one")
    watch.alarm("other", AlarmActions=[FUNCTION], MetricName="n")
    watch.minute(9)

    def names(**params: Any) -> list[str]:
        return [row["AlarmName"] for row in watch("DescribeAlarms", **params)["MetricAlarms"]]

    assert names(StateValue="ALARM") == ["one"]
    assert names(AlarmNamePrefix="oth") == ["other"]
    assert names(ActionPrefix="arn:aws:lambda") == ["other"]
    assert names(AlarmTypes=["CompositeAlarm"]) == []
    found = watch("DescribeAlarmsForMetric", Namespace="test", MetricName="n")["MetricAlarms"]
    assert [row["AlarmName"] for row in found] == ["other"]


def test_a_composite_alarm_waits_for_its_suppressor_and_acts_after_its_extension(watch: Watch) -> None:
    watch.alarm("child", AlarmActions=[])
    watch.alarm("maintenance", MetricName="n", AlarmActions=[])
    watch(
        "PutCompositeAlarm",
        AlarmName="both",
        AlarmRule="ALARM(child)",
        AlarmActions=[TOPIC],
        ActionsSuppressor="maintenance",
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=120,
    )
    watch.engine.composites(watch.clock.now())
    watch.clock.advance(60)
    watch.engine.composites(watch.clock.now())
    assert (watch.state("both"), watch.listener.told) == ("OK", []), "no action of the new state OK"

    watch("SetAlarmState", AlarmName="child", StateValue="ALARM", StateReason="x")
    watch.engine.composites(watch.clock.now())
    assert watch.row("both")["ActionsSuppressedBy"] == "WaitPeriod"
    watch("SetAlarmState", AlarmName="maintenance", StateValue="ALARM", StateReason="x")
    watch.engine.composites(watch.clock.now())
    assert watch.row("both")["ActionsSuppressedBy"] == "Alarm"
    watch("SetAlarmState", AlarmName="maintenance", StateValue="OK", StateReason="x")
    watch.engine.composites(watch.clock.now())
    assert watch.row("both")["ActionsSuppressedBy"] == "ExtensionPeriod"
    watch.clock.advance(120)
    watch.engine.composites(watch.clock.now())

    assert "ActionsSuppressedBy" not in watch.row("both")
    assert watch.listener.wait(1)[0][1]["TriggeringChildren"][0]["Arn"].endswith(":alarm:child")


def test_composite_alarms_on_a_cycle_stay_as_they_are(watch: Watch) -> None:
    for name, rule in (("x", "TRUE"), ("y", "ALARM(x)"), ("x", "ALARM(y)")):
        watch("PutCompositeAlarm", AlarmName=name, AlarmRule=rule)
    assert watch.world.kernel.dispatcher.settle(30)  # each alarm is looked at soon after it is put
    before = [watch.state(name) for name in "xy"]

    watch.engine.composites(watch.clock.now())

    assert [watch.state(name) for name in "xy"] == before


@pytest.mark.parametrize(
    "changes",
    [
        {"Threshold": None},
        {"EvaluationPeriods": 1, "DatapointsToAlarm": 2},
        {"TreatMissingData": "whatever"},
        {"ExtendedStatistic": "p90"},
        {"Statistic": None},
        {"Statistic": None, "ExtendedStatistic": "p900"},
        {"Period": 61},
        {"ComparisonOperator": "LessThanLowerThreshold"},
        {"Metrics": [{"Id": "m1", "Expression": "1"}]},
    ],
)
def test_a_contradictory_alarm_is_refused(watch: Watch, changes: dict[str, Any]) -> None:
    with pytest.raises(AwsError, match="Validation"):
        watch.alarm(**changes)


@pytest.mark.parametrize(
    "queries",
    [
        [metric("m"), metric("n")],
        [{**metric("m"), "ReturnData": True}, {**metric("n"), "ReturnData": True}],
        [{"Id": "e", "Expression": "unknown * 2"}],
        [{"Id": "e", "Expression": "(1"}],
        [{"Id": "Upper", "Expression": "1"}],
    ],
)
def test_contradictory_queries_are_refused(watch: Watch, queries: list[dict[str, Any]]) -> None:
    with pytest.raises(AwsError, match="ValidationError"):
        watch.alarm(Metrics=queries, **dict.fromkeys(("Namespace", "MetricName", "Statistic", "Period")))


def test_a_child_of_a_composite_alarm_cannot_be_deleted(watch: Watch) -> None:
    watch.alarm("child")
    watch("PutCompositeAlarm", AlarmName="parent", AlarmRule="ALARM(child)")

    with pytest.raises(AwsError, match="depending on it"):
        watch("DeleteAlarms", AlarmNames=["child"])
    watch("DeleteAlarms", AlarmNames=["parent"])
    watch("DeleteAlarms", AlarmNames=["child"])

    assert watch("DescribeAlarms")["MetricAlarms"] == []


def test_history_is_kept_for_thirty_days(watch: Watch) -> None:
    watch.alarm()
    watch.minute(9)
    watch.clock.advance(31 * 86_400)

    watch.minute(1)

    items = watch("DescribeAlarmHistory", AlarmName="a", HistoryItemType="StateUpdate")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == ["Alarm updated from ALARM to OK"]
