"""Where the settings ask for AWS's Model Monitor, a release has it watch production by the version's own baselines."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from lambdas.reconcile.gauges import Gauge
from lambdas.reconcile.schedules import Run, Runs, measure
from lambdas.shared.errors import Permanent
from lambdas.shared.ledger.releases import ReleaseState, render_state
from lambdas.shared.ledger.table import Put, Table
from lambdas.shared.settings import ModelMonitor, MonitoringSchedules
from tests.unit.lambdas.world import LEDGER, MODEL, START, World, batch_of, package_arn, reconcile

DATA, QUALITY = "driftloop-flights-data-quality", "driftloop-flights-model-quality"
MONITOR = ModelMonitor(
    image_uri="156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer",
    role_arn="arn:aws:iam::123456789012:role/driftloop-flights-watch",
    labels_uri="s3://driftloop-artifacts/flights/labels",
    reports_uri="s3://driftloop-artifacts/flights/monitoring",
    preprocessor_uri="s3://assets/preprocessor.py",
    instance_type="ml.m5.large",
    every_h=24,
    label_delay_s=604_800,
)
SCHEDULES = MonitoringSchedules(DATA, QUALITY, window_s=86_400, label_delay_s=604_800)
NOW = START + timedelta(days=30)
LIVE_SINCE = START + timedelta(days=10)
RELEASE = ReleaseState(
    1,
    live=package_arn(2),
    live_since=LIVE_SINCE.isoformat(),
    served_since=START.isoformat(),
    live_before=(package_arn(1),),
)


def _add(world: World, version: int) -> None:
    def files(name: str) -> dict[str, Any]:
        folder = f"s3://driftloop-artifacts/v{version}/{name}"
        return {kind: {"S3Uri": f"{folder}/{kind.lower()}.json"} for kind in ("Statistics", "Constraints")}

    baselines = {"ModelDataQuality": files("data"), "ModelQuality": files("quality")}
    world.add_package(version, "Approved", DriftCheckBaselines=baselines)


def _event(version: int, release: str = "r1") -> dict[str, str]:
    named = {"model_package_arn": package_arn(version), "release_id": release}
    return {"change": "monitor", "stage": "prod", **named}


def _name(schedule: str, version: int, release: str = "r1") -> str:
    return f"{schedule}-v{version}-{hashlib.sha256(release.encode()).hexdigest()[:8]}"


def test_a_release_makes_two_schedules_with_the_versions_own_baselines(world: World) -> None:
    _add(world, 1)

    answer = world.change_endpoint(monitor=MONITOR).handle(_event(1))

    data, quality = (world.sagemaker.definitions[_name(schedule, 1)] for schedule in (DATA, QUALITY))
    assert data["DataQualityBaselineConfig"] == {
        "ConstraintsResource": {"S3Uri": "s3://driftloop-artifacts/v1/data/constraints.json"},
        "StatisticsResource": {"S3Uri": "s3://driftloop-artifacts/v1/data/statistics.json"},
    }
    assert quality["ModelQualityBaselineConfig"] == {
        "ConstraintsResource": {"S3Uri": "s3://driftloop-artifacts/v1/quality/constraints.json"}
    }
    assert data["DataQualityAppSpecification"]["RecordPreprocessorSourceUri"] == MONITOR.preprocessor_uri
    assert [name for name, _ in world.sagemaker.changes] == ["create_monitoring_schedule"] * 2
    assert world.sagemaker.schedules[DATA] == {
        "ScheduleConfig": {"ScheduleExpression": "cron(0 3 ? * * *)"},
        "MonitoringJobDefinitionName": _name(DATA, 1),
        "MonitoringType": "DataQuality",
    }
    assert _name(QUALITY, 1) in answer["monitoring"]


def test_answers_are_judged_when_their_labels_are_due(world: World) -> None:
    _add(world, 1)

    world.change_endpoint(monitor=MONITOR).handle(_event(1))

    inputs = world.sagemaker.definitions[_name(QUALITY, 1)]["ModelQualityJobInput"]
    window = {name: inputs["EndpointInput"][name] for name in ("StartTimeOffset", "EndTimeOffset")}
    assert window == {"StartTimeOffset": "-PT192H", "EndTimeOffset": "-PT168H"}
    assert inputs["GroundTruthS3Input"] == {"S3Uri": MONITOR.labels_uri}


@pytest.mark.parametrize("kind", ["DataQuality", "ModelQuality"])
def test_a_job_definition_is_one_that_aws_takes(world: World, kind: str) -> None:
    _add(world, 1)
    world.change_endpoint(monitor=replace(MONITOR, key_arn="arn:aws:kms:us-east-1:1:key/k")).handle(_event(1))
    service = botocore.session.get_session().get_service_model("sagemaker")

    request = world.sagemaker.definitions[_name(DATA if kind == "DataQuality" else QUALITY, 1)]

    shape = service.operation_model(f"Create{kind}JobDefinition").input_shape
    assert not ParamValidator().validate(request, shape).has_errors()


def test_a_later_version_moves_the_schedules_to_its_own_definitions(world: World) -> None:
    function = world.change_endpoint(monitor=MONITOR)
    for version in (1, 2):
        _add(world, version)
        function.handle(_event(version))

    assert [name for name, _ in world.sagemaker.changes[2:]] == ["update_monitoring_schedule"] * 2
    assert world.sagemaker.schedules[QUALITY]["MonitoringJobDefinitionName"] == _name(QUALITY, 2)
    assert len(world.sagemaker.definitions) == 4


def test_the_same_again_changes_nothing_more(world: World) -> None:
    _add(world, 1)
    function = world.change_endpoint(monitor=MONITOR)

    answers = [function.handle(_event(1)) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert (len(world.sagemaker.definitions), len(world.sagemaker.changes)) == (2, 2)


def test_without_the_setting_nothing_is_made(world: World) -> None:
    _add(world, 1)

    assert world.change_endpoint().handle(_event(1))["monitoring"] == "not asked for"
    assert world.sagemaker.definitions == {}


def test_a_version_without_baselines_is_refused_by_name(world: World) -> None:
    world.add_package(1, "Approved")

    with pytest.raises(Permanent, match=r"Constraints and Statistics of DataQuality, found \[\]"):
        world.change_endpoint(monitor=MONITOR).handle(_event(1))


@pytest.mark.parametrize(("every_h", "hours"), [(1, "*"), (6, "0/6"), (24, "3")])
def test_schedules_are_of_a_form_that_model_monitor_takes(world: World, every_h: int, hours: str) -> None:
    _add(world, 1)

    world.change_endpoint(monitor=replace(MONITOR, every_h=every_h)).handle(_event(1))

    schedule = world.sagemaker.schedules[DATA]["ScheduleConfig"]["ScheduleExpression"]
    assert schedule == f"cron(0 {hours} ? * * *)"


def _run(status: str, begins_day: int, ended_day: int = 29) -> Run:
    return Run(status, START + timedelta(days=begins_day), START + timedelta(days=ended_day))


@pytest.mark.parametrize(
    ("requests", "answers", "failed"), [("Completed", "Failed", 1.0), ("CompletedWithViolations", "Completed", 0.0)]
)
def test_a_failed_run_of_either_schedule_is_told_and_violations_are_no_failure(
    requests: str, answers: str, failed: float
) -> None:
    runs = Runs((_run(requests, 28),), (_run(answers, 21),))

    age, told, *_ = measure(runs, RELEASE, NOW)

    assert (age, told) == (Gauge("monitor_run_age_s", 86_400.0, "Seconds"), Gauge("monitor_failed", failed, "Count"))


def test_late_labels_of_the_former_champion_say_nothing_of_this_one() -> None:
    runs = Runs((_run("Completed", 28),), (_run("CompletedWithViolations", 9),))

    assert [gauge.name for gauge in measure(runs, RELEASE, NOW)] == ["monitor_run_age_s", "monitor_failed"]


def test_answers_in_a_window_that_begins_before_the_first_champion_are_its_own_and_a_failure_is_nobodys() -> None:
    first = replace(RELEASE, live_before=())

    judged, failed = (measure(Runs((), (_run(status, 9),)), first, NOW) for status in ("Completed", "Failed"))

    assert [gauge.name for gauge in judged] == ["monitor_run_age_s", "monitor_quality_violated"]
    assert [gauge.name for gauge in failed] == ["monitor_run_age_s"]


def test_the_newest_answers_that_were_judged_say_whether_quality_holds() -> None:
    answers = (_run("Failed", 21), _run("CompletedWithViolations", 20), _run("Completed", 19))

    found = measure(Runs((), answers), RELEASE, NOW)

    assert found[-1] == Gauge("monitor_quality_violated", 1.0, "Count")


def test_before_production_serves_nobody_has_to_look() -> None:
    assert measure(Runs((_run("Failed", 28),), ()), ReleaseState(), NOW) == ()


def test_the_reconciler_asks_the_schedules_where_model_monitor_watches(world: World) -> None:
    row = {"pk": f"RELEASE#{MODEL}", "sk": "state", **render_state(RELEASE)}
    Table(world.clients.dynamodb, LEDGER).write(Put(row))
    at = NOW - timedelta(hours=1)
    look = {"ScheduledTime": at, "LastModifiedTime": at, "MonitoringExecutionStatus": "CompletedWithViolations"}
    world.sagemaker.looks = [{**look, "MonitoringScheduleName": name} for name in (DATA, QUALITY)]

    minutes = int((NOW - START).total_seconds() // 60)
    world.reconcile(SCHEDULES).handle_batch(batch_of(reconcile(minutes)))

    [published] = world.clients.metrics.published
    assert {data["MetricName"]: data["Value"] for data in published["MetricData"]} == {
        "monitor_run_age_s": 3600.0,
        "monitor_failed": 0.0,
        "monitor_quality_violated": 1.0,
    }
