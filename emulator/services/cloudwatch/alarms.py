"""PutMetricAlarm, PutCompositeAlarm, DeleteAlarms, SetAlarmState, Enable- and DisableAlarmActions."""

from __future__ import annotations

import json
from typing import Any

from emulator.kernel.errors import AwsError, EmulatorError
from emulator.kernel.ports import Context, Operation, Params
from emulator.semantics.cloudwatch import alarm_events, alarm_reasons, composite_rules, limits, statistics
from emulator.semantics.cloudwatch.alarm_evaluation import BAND_OPERATORS
from emulator.semantics.cloudwatch.alarm_events import State
from emulator.services.cloudwatch import actions, composites, evaluation, history, queries, tags, transitions
from emulator.services.cloudwatch.engine import Engine
from emulator.services.cloudwatch.records import ALARM, Row, alarm, alarm_name, invalid

_ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")
_LATER = ("EvaluationCriteria", "EvaluationInterval", "WarmUpConfiguration", "ActionConfiguration")
_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit")
_MISSING = ("breaching", "notBreaching", "ignore", "missing")
_LOW_COUNT = ("evaluate", "ignore")
_INITIAL = {"StateValue": "INSUFFICIENT_DATA", "StateReason": alarm_reasons.INITIAL}
MOST_QUERIES = 10


def put_metric_alarm(params: Params, ctx: Context) -> Params:
    """Create an alarm, or overwrite one's configuration entirely; its state stays."""
    _check_metric_alarm(params)
    row = {name: value for name, value in params.items() if name != "Tags" and value is not None}
    row = {"TreatMissingData": "missing", **row}
    if "Threshold" in row:
        row["Threshold"] = float(row["Threshold"])
    _put(row, params, ctx)
    return {}


def put_composite_alarm(params: Params, ctx: Context) -> Params:
    """Create a composite alarm, or overwrite one's configuration entirely; its rule is evaluated at once."""
    _refuse_later(params)
    actions.check([arn for name in _ACTIONS for arn in params.get(name) or []])
    rule = _rule(params["AlarmRule"])
    missing = [
        child for child in composite_rules.children(rule) if ctx.kernel.store.get(ALARM, alarm_name(child)) is None
    ]
    if missing:
        raise invalid(f"AlarmRule: Could not find the following alarms: [{', '.join(missing)}]")
    if "ActionsSuppressor" in params:
        _check_suppressor(params, ctx)
    row = {name: value for name, value in params.items() if name != "Tags" and value is not None}
    _put(row, params, ctx)
    Engine.of(ctx.kernel).soon()
    return {}


def _rule(text: str) -> composite_rules.Expression:
    try:
        return composite_rules.parse(text)
    except composite_rules.RuleError as error:
        raise invalid(str(error)) from error


def _check_suppressor(params: Params, ctx: Context) -> None:
    for name in ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"):
        if params.get(name) is None:
            raise invalid(f"{name} is required when ActionsSuppressor is specified")
    if ctx.kernel.store.get(ALARM, alarm_name(params["ActionsSuppressor"])) is None:
        raise invalid(f"ActionsSuppressor: Could not find the alarm {params['ActionsSuppressor']}")


def _put(row: Row, params: Params, ctx: Context) -> None:
    kernel, name, now = ctx.kernel, params["AlarmName"], ctx.kernel.clock.now()
    arn = kernel.arn("cloudwatch", f"alarm:{name}")
    row = {"ActionsEnabled": True, **{key: [] for key in _ACTIONS}, **row}
    row |= {"AlarmArn": arn, "AlarmConfigurationUpdatedTimestamp": now}
    with kernel.store.transaction():
        before = kernel.store.get(ALARM, name)
        if before is not None and ("AlarmRule" in before) != ("AlarmRule" in row):
            raise invalid(f"An alarm of another type named {name} exists already")
        row |= _state_of(before) if before else _INITIAL
        row.setdefault("StateUpdatedTimestamp", now)
        row.setdefault("StateTransitionedTimestamp", now)
        kernel.store.put(ALARM, name, row)
        if before is None:
            tags.put(kernel, arn, params.get("Tags") or [])
        history.configuration_update(kernel, row, "Update" if before else "Create", now)
    detail = alarm_events.configuration_change(row, "update" if before else "create", before)
    kernel.publish("aws.cloudwatch", alarm_events.CONFIGURATION_CHANGE, detail, [arn])


def _state_of(before: Row) -> Row:
    names = ("StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp")
    return {name: before[name] for name in names if name in before}


def _refuse_later(params: Params) -> None:
    found = [name for name in _LATER if params.get(name)]
    if found:
        raise EmulatorError(f"cloudwatch: PutMetricAlarm: {', '.join(found)} is not emulated yet; nothing was done")
    zone = ((params.get("EvaluationWindow") or {}).get("WallClockWindow") or {}).get("Timezone", "UTC")
    if zone not in ("UTC", "Etc/UTC"):
        raise EmulatorError(f"cloudwatch: PutMetricAlarm: EvaluationWindow in the time zone {zone} is not emulated yet")


def _check_metric_alarm(params: Params) -> None:
    _refuse_later(params)
    actions.check([arn for name in _ACTIONS for arn in params.get(name) or []])
    for name in ("ComparisonOperator", "EvaluationPeriods"):
        if params.get(name) is None:
            raise invalid(f"The parameter {name} is required.")
    if params.get("TreatMissingData") not in (None, *_MISSING):
        raise invalid(
            f"Option {params['TreatMissingData']} is not supported. Supported options are: {', '.join(_MISSING)}"
        )
    if params.get("EvaluateLowSampleCountPercentile") not in (None, *_LOW_COUNT):
        raise invalid(
            f"Option {params['EvaluateLowSampleCountPercentile']} is not supported. Supported: evaluate, ignore"
        )
    if params.get("DatapointsToAlarm", 1) > params["EvaluationPeriods"]:
        raise invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
    _check_threshold(params)
    if params.get("Metrics"):
        _check_queries(params)
    else:
        _check_metric(params)
    refusal = limits.alarm_window(evaluation.period_of(params), params["EvaluationPeriods"])
    if refusal:
        raise AwsError(*refusal)


def _check_threshold(params: Params) -> None:
    has_band = params["ComparisonOperator"] in BAND_OPERATORS
    if has_band != bool(params.get("ThresholdMetricId")):
        raise invalid("ThresholdMetricId and a comparison with a band's thresholds must be specified together")
    if has_band == (params.get("Threshold") is not None):
        raise invalid("Exactly one of Threshold and ThresholdMetricId must be specified")


def _check_metric(params: Params) -> None:
    for name in ("MetricName", "Namespace", "Period"):
        if not params.get(name):
            raise invalid(f"The parameter {name} is required.")
    if bool(params.get("Statistic")) == bool(params.get("ExtendedStatistic")):
        raise invalid("Exactly one of Statistic and ExtendedStatistic must be specified")
    if params.get("ExtendedStatistic") and not statistics.is_known(params["ExtendedStatistic"]):
        raise invalid(f"The value {params['ExtendedStatistic']} for parameter ExtendedStatistic is not supported.")


def _check_queries(params: Params) -> None:
    mixed = [name for name in _METRIC if params.get(name)]
    if mixed:
        raise invalid(f"{', '.join(mixed)} must not be specified together with Metrics")
    asked: list[dict[str, Any]] = params["Metrics"]
    queries.check(asked)
    if sum("MetricStat" in query for query in asked) > MOST_QUERIES:
        raise invalid(f"Metrics must not have more than {MOST_QUERIES} metrics")
    returned = [query["Id"] for query in asked if query.get("ReturnData", True)]
    threshold = params.get("ThresholdMetricId")
    if threshold and threshold not in {query["Id"] for query in asked}:
        raise invalid(f"ThresholdMetricId '{threshold}' is not the Id of a metric")
    if len([name for name in returned if name != threshold]) != 1:
        raise invalid("Exactly one element of the metrics list should return data.")


def delete_alarms(params: Params, ctx: Context) -> Params:
    """Delete alarms, all or none; unknown ones are refused, and children of composite alarms that stay."""
    kernel, names = ctx.kernel, params["AlarmNames"]
    if len(names) > 1 and any("AlarmRule" in (kernel.store.get(ALARM, name) or {}) for name in names):
        raise invalid("Only one composite alarm can be deleted per operation, and no other alarms with it.")
    with kernel.store.transaction():
        rows = [alarm(kernel, name) for name in names]
        for name in names:
            if held := composites.parents(kernel, name):
                text = f"Cannot delete {name} as there are composite alarm(s) depending on it: {', '.join(held)}"
                raise invalid(text)
        for row in rows:
            kernel.store.delete(ALARM, row["AlarmName"])
            tags.forget(kernel, row["AlarmArn"])
            history.configuration_update(kernel, row, "Delete", kernel.clock.now())
    for row in rows:
        detail = alarm_events.configuration_change(row, "delete")
        kernel.publish("aws.cloudwatch", alarm_events.CONFIGURATION_CHANGE, detail, [row["AlarmArn"]])
    return {}


def set_alarm_state(params: Params, ctx: Context) -> Params:
    """Put an alarm into a state until its next evaluation; its actions run as for any change."""
    data = params.get("StateReasonData")
    if data is not None:
        try:
            json.loads(data)
        except ValueError as error:
            raise AwsError("InvalidFormat", "StateReasonData was not valid JSON") from error
    alarm(ctx.kernel, params["AlarmName"])
    after = State(params["StateValue"], params["StateReason"], ctx.kernel.clock.now(), data)
    if transitions.change(ctx.kernel, params["AlarmName"], after):
        Engine.of(ctx.kernel).soon()
    return {}


def _set_enabled(is_enabled: bool) -> Operation:
    def operation(params: Params, ctx: Context) -> Params:
        with ctx.kernel.store.transaction():
            for name in params["AlarmNames"]:
                row = ctx.kernel.store.get(ALARM, name)
                if row is not None:
                    ctx.kernel.store.put(ALARM, name, {**row, "ActionsEnabled": is_enabled})
        return {}

    return operation


OPERATIONS: dict[str, Operation] = {
    "PutMetricAlarm": put_metric_alarm,
    "PutCompositeAlarm": put_composite_alarm,
    "DeleteAlarms": delete_alarms,
    "SetAlarmState": set_alarm_state,
    "EnableAlarmActions": _set_enabled(True),
    "DisableAlarmActions": _set_enabled(False),
}
