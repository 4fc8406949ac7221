"""An alarm that rests says what it would say if it were evaluated every minute."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.semantics.cloudwatch import statistics
from emulator.services.cloudwatch import evaluation
from emulator.services.cloudwatch.metric_store import Datapoint, MetricStore, metric

START = datetime(2026, 1, 1, tzinfo=UTC)
RUNS = metric("Test", "Runs")
MINUTES = 240


def _alarm(period_s: int, periods: int, treat_missing: str) -> dict[str, Any]:
    return {
        "AlarmName": "a",
        "Namespace": "Test",
        "MetricName": "Runs",
        "Statistic": "Sum",
        "Period": period_s,
        "EvaluationPeriods": periods,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": treat_missing,
        "StateValue": "INSUFFICIENT_DATA",
        "AlarmConfigurationUpdatedTimestamp": START,
        "StateUpdatedTimestamp": START,
    }


@settings(max_examples=30, deadline=None)
@given(
    data=st.dictionaries(
        st.integers(0, MINUTES - 1), st.tuples(st.integers(0, 59), st.sampled_from([1.0, 2.0])), max_size=6
    ),
    period_s=st.sampled_from([60, 600, 3600]),
    periods=st.integers(1, 3),
    treat_missing=st.sampled_from(["missing", "ignore", "breaching", "notBreaching"]),
)
def test_resting_changes_nothing_but_the_work(
    tmp_path_factory: pytest.TempPathFactory,
    data: dict[int, tuple[int, float]],
    period_s: int,
    periods: int,
    treat_missing: str,
) -> None:
    store = MetricStore(tmp_path_factory.mktemp("metrics") / "m.sqlite")
    always, rested = _alarm(period_s, periods, treat_missing), _alarm(period_s, periods, treat_missing)
    rest: evaluation.Rest | None = None
    evaluated = 0

    for minute in range(MINUTES):
        now = START + timedelta(minutes=minute)
        _move(always, evaluation.evaluate(store, always, now), now)
        if rest is None or not rest.holds(store, rested, now):
            evaluated += 1
            version = store.version(RUNS)
            moved = _move(rested, evaluation.evaluate(store, rested, now), now)
            rest = None if moved else evaluation.rest(store, rested, now, version)
        assert (rested["StateValue"], rested["StateUpdatedTimestamp"]) == (
            always["StateValue"],
            always["StateUpdatedTimestamp"],
        )
        if minute in data:
            second, value = data[minute]
            store.add([Datapoint(RUNS, now.timestamp() + second, statistics.single(value))])

    store.close()
    assert evaluated <= 4 + len(data) * (2 * (periods + 2) + 4)


def _move(alarm: dict[str, Any], state: Any, now: datetime) -> bool:
    if state is None or state.value == alarm["StateValue"]:
        return False
    alarm |= {"StateValue": state.value, "StateUpdatedTimestamp": now}
    return True
