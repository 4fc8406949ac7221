"""Reasons in CloudWatch's words: recorded, from notifications that users of AWS published."""

import json
from datetime import UTC, datetime

from emulator.semantics.cloudwatch import alarm_evaluation, alarm_reasons
from emulator.semantics.cloudwatch.alarm_evaluation import Point, Rule, Verdict

NOON = int(datetime(2024, 7, 16, 13, 13, tzinfo=UTC).timestamp())


def point(value: float, threshold: float, minutes_ago: int = 0) -> Point:
    return Point(NOON - 60 * minutes_ago, value, threshold, threshold, 1.0)


def test_one_of_one() -> None:
    rule, verdict = Rule(1, 1, "GreaterThanThreshold"), Verdict("ALARM", (point(1051.0, 12.0),))

    assert alarm_reasons.text(rule, verdict, True) == (
        "Threshold Crossed: 1 out of the last 1 datapoints [1051.0 (16/07/24 13:13:00)] was greater than the threshold "
        "(12.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert alarm_reasons.text(rule, verdict, False) == (
        "Threshold Crossed: 1 datapoint [1051.0 (16/07/24 13:13:00)] was greater than the threshold (12.0)."
    )


def test_two_that_are_fine_newest_first() -> None:
    verdict = Verdict("OK", (point(1.0, 42.0, 1), point(0.0, 42.0)))

    assert alarm_reasons.text(Rule(2, 2, "GreaterThanThreshold"), verdict, False) == (
        "Threshold Crossed: 2 datapoints [0.0 (16/07/24 13:13:00), 1.0 (16/07/24 13:12:00)] were not greater than the "
        "threshold (42.0)."
    )


def test_missing_points_that_were_made_up() -> None:
    rule, verdict = (
        Rule(20, 1, "GreaterThanOrEqualToThreshold", "notBreaching"),
        Verdict("ALARM", (point(613.0, 1.0),), 19),
    )
    nothing = Rule(2, 2, "GreaterThanThreshold", "breaching")
    outvoted = Rule(3, 2, "GreaterThanThreshold", "breaching")

    assert alarm_reasons.text(rule, verdict, True) == (
        "Threshold Crossed: 1 out of the last 20 datapoints [613.0 (16/07/24 13:13:00)] was greater than or equal to "
        "the threshold (1.0) and 19 missing datapoints were treated as [NonBreaching] (minimum 1 datapoint for OK -> "
        "ALARM transition)."
    )
    assert alarm_reasons.text(nothing, Verdict("ALARM", (), 2), False) == (
        "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were "
        "treated as [Breaching]."
    )
    assert alarm_reasons.text(outvoted, Verdict("ALARM", (point(0.0, 1.0),), 2), True) == (
        "Threshold Crossed: 1 datapoint was received for 3 periods and 2 missing datapoints were "
        "treated as [Breaching]."
    )


def test_nothing_at_all() -> None:
    verdict = Verdict(alarm_evaluation.INSUFFICIENT_DATA, (), 1)

    found = alarm_reasons.text(Rule(1, 1, "GreaterThanThreshold"), verdict, True)

    assert found == "Insufficient Data: 1 datapoint was unknown."


def test_a_band() -> None:
    rule = Rule(1, 1, "LessThanLowerOrGreaterThanUpperThreshold")
    verdict = Verdict("ALARM", (Point(NOON, 0.0, 0.02, 0.3),))

    assert alarm_reasons.text(rule, verdict, True) == (
        "Thresholds Crossed: 1 out of the last 1 datapoints [0.0 (16/07/24 13:13:00)] was less than the lower "
        "thresholds [0.02] or greater than the upper thresholds [0.3] (minimum 1 datapoint for OK -> ALARM transition)."
    )


def test_the_data_behind_a_reason() -> None:
    verdict = Verdict("ALARM", (point(1051.0, 12.0),))
    asked_at = datetime(2024, 7, 16, 13, 14, 42, 817_000, tzinfo=UTC)

    found = alarm_reasons.data(Rule(1, 1, "GreaterThanThreshold"), verdict, asked_at, 60, "Sum")

    assert found == (
        '{"version":"1.0","queryDate":"2024-07-16T13:14:42.817+0000","startDate":"2024-07-16T13:13:00.000+0000",'
        '"statistic":"Sum","period":60,"recentDatapoints":[1051.0],"threshold":12.0,"evaluatedDatapoints":'
        '[{"timestamp":"2024-07-16T13:13:00.000+0000","sampleCount":1.0,"value":1051.0}]}'
    )
    assert json.loads(found)["period"] == 60
