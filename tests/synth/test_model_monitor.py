"""A model that AWS's own Model Monitor watches: what the release is told, and alarms on what that service publishes."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from infra.fields import SettingsError
from infra.staging import ROOT
from lambdas.shared.settings import MonitoringSchedules, read_change_endpoint, read_reconcile, read_start_retraining
from tests.synth.conftest import PROD, synthesize
from tests.synth.template import Assembly, Template, as_list, statements

NAME = "driftloop-flights"
DATA, QUALITY = f"{NAME}-data-quality", f"{NAME}-model-quality"
MONITORING = {"engine": "model-monitor", "drift": {"features": {"distance": 0.2}, "ignore": ["day"]}}


def _synthesized(folder: Path, stages: dict[str, Any] | None = None) -> Assembly:
    model = json.loads((ROOT / "infra/models/flights.json").read_text("utf-8"))
    schema = json.loads((ROOT / "infra/models/flights.schema.json").read_text("utf-8"))
    more = [{"name": f"extra {number}", "type": "number", "role": "feature"} for number in range(3)]
    (folder / "wide.schema.json").write_text(json.dumps({**schema, "columns": [*schema["columns"], *more]}))
    (folder / "flights.json").write_text(json.dumps({**model, "schema": "wide.schema.json", "monitoring": MONITORING}))
    return synthesize(folder / "cdk.out", str(folder / "flights.json"), stages)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return _synthesized(tmp_path_factory.mktemp("model-monitor")).template("Driftloop-flights")


def _environment(template: Template, function: str) -> dict[str, str]:
    functions = template.resources("AWS::Lambda::Function").values()
    [found] = [each for each in functions if each["FunctionName"] == f"{NAME}-{function}"]
    environment: dict[str, str] = found["Environment"]["Variables"]
    return environment


def _alarms(template: Template, kind: str = "Alarm") -> dict[str, dict[str, Any]]:
    return {alarm["AlarmName"]: alarm for alarm in template.resources(f"AWS::CloudWatch::{kind}").values()}


def test_the_release_is_told_of_the_regions_image_and_the_models_folders(template: Template) -> None:
    monitor = read_change_endpoint(_environment(template, "change-endpoint")).monitor

    assert monitor is not None
    assert monitor.image_uri == "156813124566.dkr.ecr.us-east-1.amazonaws.com/sagemaker-model-monitor-analyzer"
    assert monitor.role_arn == f"arn:aws:iam::123456789012:role/{NAME}-watch"
    assert monitor.labels_uri == "s3://driftloop-artifacts-123456789012-us-east-1/flights/labels"
    assert (monitor.every_h, monitor.label_delay_s) == (24, 604_800)


def test_no_schedule_of_ours_looks_as_well(template: Template) -> None:
    schedules = [each["Name"] for each in template.resources("AWS::Scheduler::Schedule").values()]

    assert [name for name in schedules if "watch" in name] == []


def test_drift_is_the_farthest_feature_in_parts_of_its_threshold(template: Template) -> None:
    """More features than one alarm of metric math may have: a composite alarm is the drift alarm."""
    parts = {name: alarm for name, alarm in _alarms(template).items() if "drift-part" in name}

    metrics = [[item for item in alarm["Metrics"] if "MetricStat" in item] for alarm in parts.values()]
    assert sorted(map(len, metrics)) == [2, 10]
    watched = [item["MetricStat"]["Metric"] for part in metrics for item in part]
    assert {metric["Namespace"] for metric in watched} == {"aws/sagemaker/Endpoints/data-metrics"}
    dimensions = [{item["Name"]: item["Value"] for item in metric["Dimensions"]} for metric in watched]
    assert dimensions == [{"Endpoint": f"{NAME}-prod", "MonitoringSchedule": DATA}] * 12
    assert "feature_baseline_drift_day" not in {metric["MetricName"] for metric in watched}
    expressions = [item["Expression"] for alarm in parts.values() for item in alarm["Metrics"] if "Expression" in item]
    assert sum(text.count("/ 0.2") for text in expressions) == 1
    rule = _alarms(template, "CompositeAlarm")[f"{NAME}-drift"]["AlarmRule"]
    assert rule.count("ALARM(") == 2


def test_alarms_see_what_is_stamped_with_the_begin_of_its_window(template: Template) -> None:
    alarms = _alarms(template)

    for name in (f"{NAME}-drift-part-1", f"{NAME}-drift-distance"):
        assert (alarms[name]["EvaluationPeriods"], alarms[name]["DatapointsToAlarm"]) == (2, 1)
        assert alarms[name]["TreatMissingData"] == "ignore"
    assert alarms[f"{NAME}-drift-distance"]["Period"] == 86_400
    policy = read_start_retraining(_environment(template, "start-retraining")).policy
    assert policy.window_s == 3 * 86_400 + 3600


def test_quality_is_what_the_reconciler_tells_of_the_schedules(template: Template) -> None:
    quality = _alarms(template)[f"{NAME}-quality"]

    assert (quality["Namespace"], quality["MetricName"]) == ("Driftloop", "monitor_quality_violated")
    schedules = read_reconcile(_environment(template, "reconcile")).schedules
    assert schedules == MonitoringSchedules(DATA, QUALITY, 86_400, 604_800)
    assert not {f"{NAME}-label-delay", f"{NAME}-capture-gap"} & _alarms(template).keys()


def test_who_changes_endpoints_may_make_the_two_schedules_and_hand_over_the_role_of_watch(template: Template) -> None:
    found = [one for policy, one in statements(template) if policy.startswith("ReleaseChangeEndpointRole")]
    allowed = {action: as_list(one["Resource"]) for one in found for action in as_list(one["Action"])}

    arn = "arn:aws:sagemaker:us-east-1:123456789012"
    assert allowed["sagemaker:UpdateMonitoringSchedule"] == [f"{arn}:monitoring-schedule/{n}" for n in (DATA, QUALITY)]
    assert f"{arn}:model-quality-job-definition/{NAME}-*" in allowed["sagemaker:CreateModelQualityJobDefinition"]
    assert f"arn:aws:iam::123456789012:role/{NAME}-watch" in allowed["iam:PassRole"]


def test_the_preprocessor_knows_the_models_features_in_a_requests_order() -> None:
    from infra.constructs.model_monitor import preprocessor
    from infra.settings import load_model

    model = load_model(ROOT / "infra/models/rainfall.json")

    tree = ast.parse(preprocessor(model))

    [found] = [node.value for node in tree.body if isinstance(node, ast.AnnAssign) and node.value]
    features = [column.name for column in model.schema.columns if column.role == "feature"]
    assert list(ast.literal_eval(found)) == features


def test_a_production_in_an_account_of_its_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="production at home where AWS's Model Monitor watches"):
        _synthesized(tmp_path, {"prod": {"account": PROD}})
