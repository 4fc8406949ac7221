"""A model whose production shifts its traffic under alarms and scales with it: at home, and in an account apart."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.staging import ROOT
from lambdas.shared.settings import Scaling, Traffic, read_change_endpoint
from tests.synth.conftest import PROD, synthesize
from tests.synth.template import Template, as_list, statements

RELEASE = {
    "traffic": {"shifting": "canary", "step_percent": 10, "wait_s": 120},
    "scaling": {"instances_min": 1, "instances_max": 4, "invocations_per_instance": 600},
    "experiment": {"mode": "split", "ramp": [0.25]},
}
ALARMS = ("driftloop-flights-prod-errors", "driftloop-flights-prod-latency")


def _synthesized(folder: Path, stages: dict[str, Any] | None = None) -> Any:
    model = json.loads((ROOT / "infra/models/flights.json").read_text("utf-8"))
    shutil.copy(ROOT / "infra/models/flights.schema.json", folder)
    (folder / "flights.json").write_text(json.dumps({**model, "release": RELEASE}))
    return synthesize(folder / "cdk.out", str(folder / "flights.json"), stages)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return _synthesized(tmp_path_factory.mktemp("traffic")).template("Driftloop-flights")


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return _synthesized(tmp_path_factory.mktemp("traffic-apart"), {"prod": {"account": PROD}})


def _rollback_alarms(template: Template) -> dict[str, dict[str, Any]]:
    found = template.resources("AWS::CloudWatch::Alarm").values()
    return {alarm["AlarmName"]: alarm for alarm in found if alarm["AlarmName"] in ALARMS}


def _allowed(template: Template, role: str) -> dict[str, Any]:
    found = [statement for policy, statement in statements(template) if policy.startswith(role)]
    return {action: statement for statement in found for action in as_list(statement["Action"])}


def test_the_function_is_told_how_traffic_shifts_and_production_scales(home: Template) -> None:
    functions = home.resources("AWS::Lambda::Function").values()
    [change] = [each for each in functions if each["FunctionName"] == "driftloop-flights-change-endpoint"]

    settings = read_change_endpoint(change["Environment"]["Variables"])

    assert settings.traffic == Traffic("canary", 10, 120, 2700, ALARMS)
    assert settings.scaling == Scaling(1, 4, 600)


def test_the_alarms_that_undo_an_update_watch_production_and_say_what_silence_means(home: Template) -> None:
    alarms = _rollback_alarms(home)

    errors, latency = (alarms[name] for name in ALARMS)
    assert (errors["Threshold"], latency["Threshold"]) == (0.02, 1_000_000)
    assert {alarm["TreatMissingData"] for alarm in alarms.values()} == {"notBreaching"}
    assert {item["Name"]: item["Value"] for item in latency["Dimensions"]} == {
        "EndpointName": "driftloop-flights-prod",
        "VariantName": "champion",
    }
    assert (latency["MetricName"], latency["ExtendedStatistic"]) == ("ModelLatency", "p95")


def test_who_changes_endpoints_may_scale_and_see_the_alarms_and_who_waits_may_move_weights(home: Template) -> None:
    change, wait = (_allowed(home, role) for role in ("ReleaseChangeEndpointRole", "ReleaseAnswerWaitsRole"))

    of_sagemaker = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
    assert change["application-autoscaling:RegisterScalableTarget"]["Condition"] == of_sagemaker
    assert "iam:CreateServiceLinkedRole" in change
    assert "cloudwatch:PutMetricAlarm" in change
    assert "sagemaker:UpdateEndpointWeightsAndCapacities" in wait
    assert wait["sagemaker:UpdateEndpointWeightsAndCapacities"]["Resource"].endswith("endpoint/driftloop-flights-prod")
    assert "application-autoscaling:RegisterScalableTarget" not in wait
    assert "cloudwatch:DescribeAlarms" in _allowed(home, "ReleaseServeRole")


def test_alarms_and_rights_are_where_production_is(apart: Any) -> None:
    home, prod = apart.template("Driftloop-flights"), apart.template("Driftloop-flights-prod")

    assert (set(_rollback_alarms(home)), set(_rollback_alarms(prod))) == (set(), set(ALARMS))
    assert "application-autoscaling:RegisterScalableTarget" in _allowed(prod, "RolesRelease")
    assert not [action for action in _allowed(home, "ReleaseChangeEndpointRole") if "autoscaling" in action]
