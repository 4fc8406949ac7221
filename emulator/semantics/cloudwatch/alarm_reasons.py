"""Why an alarm is in its state, in CloudWatch's words and in its JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from emulator.semantics.cloudwatch.alarm_evaluation import (
    ALARM,
    BAND_OPERATORS,
    INSUFFICIENT_DATA,
    Point,
    Rule,
    Verdict,
    is_breaching,
)

AWS_NAME = "StateReason and StateReasonData of alarms"
SOURCE = (
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html (read 2026-11-23) "
    "and notifications that users published"
)
DIFFERS = "numbers print as Python does; of many evaluated datapoints only the newest is repeated, as in AWS's samples"

INITIAL = "Unchecked: Initial alarm creation"
_WORDS = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def stamp(at: float | datetime) -> str:
    """CloudWatch's timestamps inside JSON texts: milliseconds and `+0000`."""
    moment = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"


def text(rule: Rule, verdict: Verdict, is_m_of_n: bool) -> str:
    """The StateReason. `is_m_of_n`: the alarm states DatapointsToAlarm, which AWS words differently."""
    if verdict.state == INSUFFICIENT_DATA:
        return (
            f"Insufficient Data: {_count(rule.evaluation_periods, 'datapoint')} {_be(rule.evaluation_periods)} unknown."
        )
    goes_off = verdict.state == ALARM
    agreeing = [point for point in reversed(verdict.evaluated) if is_breaching(point, rule.comparison) == goes_off]
    filled = _filled(rule, verdict)
    if not agreeing:
        return _crossed(rule, _without_points(rule, verdict) + filled)
    if not is_m_of_n:
        shown = agreeing if filled else list(reversed(verdict.evaluated))
        sentence = f"{_count(len(shown), 'datapoint')} {_list(shown)} {_comparison(rule, shown, goes_off)}{filled}"
        return _crossed(rule, sentence)
    least = rule.datapoints_to_alarm if goes_off else rule.evaluation_periods - rule.datapoints_to_alarm + 1
    move = "OK -> ALARM" if goes_off else "ALARM -> OK"
    sentence = (
        f"{len(agreeing)} out of the last {rule.evaluation_periods} datapoints {_list(agreeing)} "
        f"{_comparison(rule, agreeing, goes_off)}{filled} (minimum {_count(least, 'datapoint')} for {move} transition)"
    )
    return _crossed(rule, sentence)


def data(
    rule: Rule, verdict: Verdict, query_at: datetime, period_s: int, statistic: str | None, unit: str | None = None
) -> str:
    """The StateReasonData: the evaluated points as JSON text."""
    points = verdict.evaluated
    found: dict[str, Any] = {"version": "1.0", "queryDate": stamp(query_at)}
    if points:
        found["startDate"] = stamp(points[0].at)
    found |= {key: value for key, value in (("unit", unit), ("statistic", statistic)) if value}
    found |= {"period": period_s, "recentDatapoints": [point.value for point in points]}
    if rule.comparison in BAND_OPERATORS:
        found["recentLowerThresholds"] = [point.low for point in points]
        found["recentUpperThresholds"] = [point.high for point in points]
    elif points:
        found["threshold"] = points[-1].high
    if points:
        found["evaluatedDatapoints"] = [_evaluated(points[-1])]
    return json.dumps(found, separators=(",", ":"))


def _evaluated(point: Point) -> dict[str, Any]:
    counted = {} if point.sample_count is None else {"sampleCount": point.sample_count}
    return {"timestamp": stamp(point.at), **counted, "value": point.value}


def _crossed(rule: Rule, sentence: str) -> str:
    return f"{'Thresholds' if rule.comparison in BAND_OPERATORS else 'Threshold'} Crossed: {sentence}."


def _comparison(rule: Rule, points: list[Point], is_crossed: bool) -> str:
    no = "" if is_crossed else "not "
    lows, highs = ([getattr(point, name) for point in points] for name in ("low", "high"))
    match rule.comparison:
        case "LessThanLowerOrGreaterThanUpperThreshold":
            told = f"{no}less than the lower thresholds {lows} or {no}greater than the upper thresholds {highs}"
        case "LessThanLowerThreshold":
            told = f"{no}less than the lower thresholds {lows}"
        case "GreaterThanUpperThreshold":
            told = f"{no}greater than the upper thresholds {highs}"
        case _:
            told = f"{no}{_WORDS[rule.comparison]} the threshold ({points[0].high})"
    return f"{_be(len(points))} {told}"


def _without_points(rule: Rule, verdict: Verdict) -> str:
    received = len(verdict.evaluated)
    told = f"{_count(received, 'datapoint')} {_be(received)}" if received else "no datapoints were"
    return f"{told} received for {_count(rule.evaluation_periods, 'period')}"


def _filled(rule: Rule, verdict: Verdict) -> str:
    kind = {"breaching": "Breaching", "notBreaching": "NonBreaching"}.get(rule.treat_missing)
    if not verdict.filled or kind is None:
        return ""
    return f" and {_count(verdict.filled, 'missing datapoint')} {_be(verdict.filled)} treated as [{kind}]"


def _list(points: list[Point]) -> str:
    told = (f"{point.value} ({datetime.fromtimestamp(point.at, UTC):%d/%m/%y %H:%M:%S})" for point in points)
    return f"[{', '.join(told)}]"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _be(number: int) -> str:
    return "was" if number == 1 else "were"
