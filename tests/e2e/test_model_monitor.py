"""Where the settings hand the watch to AWS's Model Monitor, a release makes its schedules, and alarms read them."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Loop
from tests.e2e.production import ask, label, weather
from tests.support import datasets
from tests.support.waiting import eventually

MODEL = "handed"
DATA, QUALITY = f"driftloop-{MODEL}-data-quality", f"driftloop-{MODEL}-model-quality"
ENDS_IN_S = 60


@pytest.fixture
def schedules(loop: Loop) -> Iterator[tuple[str, str]]:
    """Those of the release; they and the alarm that asks for retraining end with the story: others let days go by."""
    loop.upload(MODEL, "weather.csv", datasets.rainfall(0, 3000))
    loop.ended(f"{MODEL}-train")
    (package,) = loop.packages(MODEL)
    loop.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    loop.ended(f"{MODEL}-release")
    loop.told(MODEL, "release-done")
    yield DATA, QUALITY
    loop.client("cloudwatch").delete_alarms(AlarmNames=[f"driftloop-{MODEL}-retrain"])
    for name in (DATA, QUALITY):
        loop.sagemaker.stop_monitoring_schedule(MonitoringScheduleName=name)


def test_what_a_release_hands_to_model_monitor_is_watched_and_alarms_stand(
    loop: Loop, schedules: tuple[str, str]
) -> None:
    if loop.now().minute >= 50:
        loop.driftloop("advance", "PT15M")  # what follows lies in one hour
    truths = ask(loop, MODEL, [(_hot(body), rain) for body, rain in weather(3000, 3300)], "day")
    label(loop, MODEL, {name: 1 - rain for name, rain in truths.items()})

    loop.driftloop("advance", f"PT{60 - loop.now().minute + 52}M")  # jobs start late; then comes the reconciler's turn

    for name in schedules:
        execution = _looked(loop, name)
        assert execution["MonitoringExecutionStatus"] == "CompletedWithViolations", execution
    assert _state(loop, "drift") == "ALARM"
    assert _state(loop, "quality") == "ALARM"
    assert _state(loop, "retrain") == "ALARM"
    assert _state(loop, "monitor-runs") == "OK"
    audit = [row["why"] for row in loop.ledger(f"AUDIT#{MODEL}") if row["what"].startswith("retraining.")]
    assert "former champion" in audit[0]


def _hot(body: str) -> str:
    """A day of weather that is far warmer than any before."""
    temperature, *others = body.split(",")
    return ",".join([str(float(temperature) + 60), *others])


def _looked(loop: Loop, schedule: str) -> dict[str, Any]:
    """A schedule's newest execution, once it has ended."""

    def ended() -> dict[str, Any] | None:
        found = loop.sagemaker.describe_monitoring_schedule(MonitoringScheduleName=schedule)
        latest: dict[str, Any] = found.get("LastMonitoringExecutionSummary", {})
        return latest if latest.get("MonitoringExecutionStatus") not in (None, "Pending", "InProgress") else None

    return eventually(ended, ENDS_IN_S)


def _state(loop: Loop, name: str) -> str:
    found = loop.client("cloudwatch").describe_alarms(
        AlarmNames=[f"driftloop-{MODEL}-{name}"], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    [alarm] = [*found["MetricAlarms"], *found["CompositeAlarms"]]
    return str(alarm["StateValue"])
