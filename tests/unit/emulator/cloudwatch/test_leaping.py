"""Time that leaps over minutes in which nothing can happen finds what a look at every minute would have found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.services.cloudwatch.metric_store import metric
from tests.unit.emulator.cloudwatch.conftest import Watch, watching

HOURS = 8
QUEUE = "dlq"


@dataclass(frozen=True)
class Happening:
    """So many seconds after the start a value is put, or a queue has so many messages."""

    at_s: int
    kind: str
    value: int

    def happen(self, watch: Watch) -> None:
        if self.kind == "value":
            watch.put(float(self.value))
            return
        watch.depths[:] = [(QUEUE, self.value, 0, 0)]
        watch.engine.saw("sqs", "SendMessage", b'{"QueueUrl": "http://x/123456789012/dlq"}')


HAPPENINGS = st.lists(
    st.builds(
        lambda minute, second, kind, value: Happening(minute * 60 + second, kind, value),
        st.integers(1, HOURS * 60 - 1),
        st.sampled_from([0, 10, 59]),  # a look up to ten seconds late is that minute's look
        st.sampled_from(["value", "depth"]),
        st.integers(0, 9),
    ),
    max_size=6,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(happenings=HAPPENINGS, missing=st.sampled_from(["missing", "notBreaching", "breaching", "ignore"]))
def test_leaping_sees_what_looking_every_minute_sees(
    tmp_path_factory: pytest.TempPathFactory, happenings: list[Happening], missing: str
) -> None:
    found = []
    for next_look in (lambda watch, at: None, lambda watch, at: watch.engine.rests_until()):
        with watching(tmp_path_factory.mktemp("cw")) as watch:
            watch.alarm("values", TreatMissingData=missing, Period=300)
            watch.alarm("depth", **_depth(missing))
            looks = _play(watch, sorted(happenings, key=lambda one: one.at_s), next_look)
            found.append((_states(watch, "values"), _states(watch, "depth"), _gauges(watch), looks))

    (*thorough, every), (*leapt, some) = found
    assert leapt == thorough
    assert some <= every


def test_a_quiet_day_is_looked_at_a_few_times_only(watch: Watch) -> None:
    watch.alarm("values", TreatMissingData="notBreaching")
    watch.alarm("depth", **_depth("notBreaching"))
    watch.put(9.0)

    looks = _play(watch, [], lambda watch, at: watch.engine.rests_until())

    assert looks < 10
    assert [state for state, _ in _states(watch, "values")] == ["ALARM", "OK"]


def _depth(missing: str) -> dict[str, Any]:
    return {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": QUEUE}],
        "Statistic": "Maximum",
        "Threshold": 0.0,
        "TreatMissingData": missing,
    }


def _play(watch: Watch, happenings: list[Happening], next_look: Callable[[Watch, datetime], datetime | None]) -> int:
    """What happens, and looks: at each minute or, at rest, with whatever happens next. Answers how many."""
    start, looks, waiting = watch.clock.now(), 0, list(happenings)
    while (now := watch.clock.now()) < start + timedelta(hours=HOURS):
        minute = now.replace(second=0) + timedelta(minutes=1)
        happens_at = start + timedelta(seconds=waiting[0].at_s) if waiting else datetime.max.replace(tzinfo=now.tzinfo)
        at = max(minute, next_look(watch, now) or minute)
        is_leap = at > minute
        at = min(at, happens_at, start + timedelta(hours=HOURS))
        watch.clock.advance((at - now).total_seconds())
        while waiting and happens_at <= at:
            waiting.pop(0).happen(watch)
            happens_at = start + timedelta(seconds=waiting[0].at_s) if waiting else start + timedelta(days=9)
        if at.second == 0 or (is_leap and at > minute):
            looks += 1
            watch.engine.tick(at)
    return looks


def _states(watch: Watch, name: str) -> list[tuple[str, datetime]]:
    found = watch("DescribeAlarmHistory", AlarmName=name, HistoryItemType="StateUpdate", ScanBy="TimestampAscending")
    return [(item["HistorySummary"].rpartition(" to ")[2], item["Timestamp"]) for item in found["AlarmHistoryItems"]]


def _gauges(watch: Watch) -> list[tuple[float, float]]:
    wanted = metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": QUEUE})
    return [(at, reading.total) for at, reading, _ in watch.engine.metrics.readings(wanted, 0, 4e9)]
