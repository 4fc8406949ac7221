"""Whatever the service model allows is answered or refused by name; nothing breaks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.adapters import wire
from emulator.kernel.errors import AwsError
from emulator.services import cloudwatch
from tests.unit.emulator.cloudwatch.conftest import Watch

TEXTS = {
    "Expression": [
        "m1",
        "m1 + e1",
        "SUM(METRICS())",
        "SEARCH('{n,d} m', 'Sum', 60)",
        "ANOMALY_DETECTION_BAND(m1)",
        "(",
    ],
    "Id": ["m1", "e1", "X"],
    "AlarmRule": ["ALARM(a)", "TRUE", "ALARM(", "OK(b) OR NOT ALARM(a)"],
    "Stat": ["Sum", "p90", "TM(10%:90%)", "nope"],
    "ExtendedStatistic": ["p90", "nope"],
    "MetricWidget": ['{"metrics": [["n", "m"]]}', "{", '{"metrics": [["n", "m", {"stat": "x"}]]}'],
    "DashboardBody": ['{"widgets": []}', "[]", "{"],
    "TreatMissingData": ["missing", "ignore", "x"],
    "EvaluateLowSampleCountPercentile": ["ignore", "x"],
    "NextToken": ["b2Zmc2V0OjE=", "x"],
    "ThresholdMetricId": ["m1", "e1"],
    "RecentlyActive": ["PT3H"],
    "OutputFormat": ["png"],
    "ResourceARN": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:a", "x"],
}
NAMES = ["a", "b", "arn:aws:sns:us-east-1:123456789012:t", "n"]
PERIODS = [10, 60, 300, 3600]


def _values(shape: Shape, name: str) -> st.SearchStrategy[Any]:
    match shape:
        case StructureShape():
            members = {key: _values(member, key) for key, member in shape.members.items()}
            required = {key: members.pop(key) for key in shape.required_members}
            return st.fixed_dictionaries(required, optional=members)
        case ListShape():
            return st.lists(_values(shape.member, name), max_size=3)
        case MapShape():
            return st.just({})
    match shape.type_name:
        case "string":
            return st.sampled_from(shape.metadata.get("enum") or TEXTS.get(name, NAMES))
        case "timestamp":
            return st.datetimes(datetime(2025, 12, 1), datetime(2026, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001
        case "boolean":
            return st.booleans()
        case "integer" | "long":
            return st.sampled_from(PERIODS) if "Period" in name else st.integers(1, 12)
    return st.floats() if shape.type_name in ("double", "float") else st.binary(max_size=3)


@pytest.mark.parametrize("operation", sorted(cloudwatch.OPERATIONS))
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_request_of_the_right_types_is_answered_or_refused(watch: Watch, operation: str, data: st.DataObject) -> None:
    shape = wire.operation_model("cloudwatch", operation).input_shape
    watch.alarm("a")
    watch.put(1)

    try:
        watch(operation, **data.draw(_values(shape, operation)))
    except AwsError as refusal:
        status = refusal.status
    else:
        status = 200

    assert status < 500 or status == 501
    watch.engine.tick(watch.clock.now())
