"""CloudWatch's events have the names and types of AWS's own schemas (aws-service-spec): documented.

The schemas' `required` was inferred from samples and is too strict: no state has reasonData at first. It is not asked.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.semantics.cloudwatch import alarm_events
from emulator.semantics.cloudwatch.alarm_events import State

SCHEMAS = json.loads((Path(__file__).parent / "cloudwatch_event_schemas.json").read_text())
NEWER = {"previousConfiguration"}
"""In AWS's documentation and not in the schema yet. SOURCE: cloudwatch-and-eventbridge.html (read 2026-11-23)."""
NEWER_OF_METRICS = {"expression", "label", "period"}
AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "boolean": (bool,), "json": (dict,)}

COMMON = {
    "AlarmArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a",
    "AlarmName": "a",
    "AlarmDescription": "says what to do",
    "AlarmConfigurationUpdatedTimestamp": AT,
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:people"],
    "InsufficientDataActions": [],
    "StateValue": "OK",
    "StateReason": "why",
    "StateUpdatedTimestamp": AT,
}
JUDGED = {
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "ComparisonOperator": "GreaterThanThreshold",
    "Threshold": 1.5,
    "TreatMissingData": "missing",
}
METRIC = {"Namespace": "n", "MetricName": "m", "Dimensions": [{"Name": "d", "Value": "v"}]}
SINGLE = {**COMMON, **JUDGED, **METRIC, "Statistic": "Sum", "Period": 60}
MATH = {
    **COMMON,
    **JUDGED,
    "Metrics": [
        {"Id": "m1", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "p90"}, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 2", "Label": "twice", "ReturnData": True},
    ],
}
COMPOSITE = {
    **COMMON,
    "AlarmRule": "ALARM(b)",
    "ActionsSuppressor": "s",
    "ActionsSuppressorWaitPeriod": 60,
    "ActionsSuppressorExtensionPeriod": 60,
    "ActionsSuppressedBy": "WaitPeriod",
}


def _problems(schema: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(schema, str):
        if not isinstance(value, TYPES[schema]) or (schema == "number" and isinstance(value, bool)):
            yield f"{path}: {value!r} is no {schema}"
    elif isinstance(schema, list):
        for index, item in enumerate(value):
            yield from _problems(schema[0], item, f"{path}[{index}]")
    else:
        known = {name.rstrip("*"): inner for name, inner in schema.items()}
        newer = NEWER_OF_METRICS if ".metrics[" in path else NEWER
        for name, item in value.items():
            if name in known:
                yield from _problems(known[name], item, f"{path}.{name}")
            elif name not in newer:
                yield f"{path}.{name} is unknown to AWS's schema"


@pytest.mark.parametrize("alarm", [SINGLE, MATH, COMPOSITE], ids=["single", "math", "composite"])
@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_a_configuration_change_has_the_shape_of_aws(alarm: dict[str, Any], operation: str) -> None:
    previous = alarm if operation == "update" else None

    detail = alarm_events.configuration_change(alarm, operation, previous)

    assert list(_problems(SCHEMAS[alarm_events.CONFIGURATION_CHANGE]["detail"], detail, "detail")) == []


@pytest.mark.parametrize("alarm", [SINGLE, MATH, COMPOSITE], ids=["single", "math", "composite"])
def test_a_state_change_has_the_shape_of_aws(alarm: dict[str, Any]) -> None:
    before, after = State("OK", "why", AT), State("ALARM", "because", AT, '{"version":"1.0"}', "WaitPeriod")

    detail = alarm_events.state_change(alarm, before, after)

    assert list(_problems(SCHEMAS[alarm_events.STATE_CHANGE]["detail"], detail, "detail")) == []
    assert detail["state"]["timestamp"] == "2026-01-02T03:04:05.678+0000"
    assert detail["state"]["actionsSuppressedReason"] == "Actions suppressed by WaitPeriod"
