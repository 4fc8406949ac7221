"""A model for which bias and attribution are asked: the pipeline looks for them, and alarms tell people."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.staging import ROOT
from tests.synth.conftest import synthesize
from tests.synth.template import Template

MONITORING = {"bias": {"facet": "origin", "facet_values": ["LGA", "JFK"]}, "attribution": {"threshold": 0.8}}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Template:
    folder = tmp_path_factory.mktemp("fairness")
    model = json.loads((ROOT / "infra/models/flights.json").read_text("utf-8"))
    shutil.copy(ROOT / "infra/models/flights.schema.json", folder)
    (folder / "flights.json").write_text(json.dumps({**model, "monitoring": MONITORING}))
    return synthesize(Path(folder) / "cdk.out", str(folder / "flights.json")).template("Driftloop-flights")


def _defaults(template: Template) -> dict[str, Any]:
    pipelines = template.resources("AWS::SageMaker::Pipeline").values()
    [watch] = [each for each in pipelines if each["PipelineName"] == "driftloop-flights-watch"]
    definition = json.loads(watch["PipelineDefinition"]["PipelineDefinitionBody"])
    return {item["Name"]: item.get("DefaultValue") for item in definition["Parameters"]}


def _alarms(template: Template) -> dict[str, dict[str, Any]]:
    return {alarm["AlarmName"]: alarm for alarm in template.resources("AWS::CloudWatch::Alarm").values()}


def test_the_pipeline_looks_for_what_is_asked_and_for_nothing_else(asked: Template, flights: Template) -> None:
    found = [[_defaults(template)[name] for name in ("Bias", "Attribution")] for template in (asked, flights)]

    assert found == [["on", "on"], ["off", "off"]]


def test_people_are_told_and_no_run_is_started(asked: Template, flights: Template) -> None:
    alarms = _alarms(asked)
    bias, attribution = (alarms[f"driftloop-flights-{name}"] for name in ("bias", "attribution"))

    assert (bias["Namespace"], bias["MetricName"]) == ("aws/sagemaker/Endpoints/bias-metrics", "monitor_violations")
    assert (attribution["MetricName"], attribution["Threshold"]) == ("monitor_ndcg", 0.8)
    assert attribution["ComparisonOperator"] == "LessThanThreshold"
    assert all(
        len(alarm["AlarmActions"]) == 1 and alarm["TreatMissingData"] == "ignore" for alarm in (bias, attribution)
    )
    [retrain] = asked.resources("AWS::CloudWatch::CompositeAlarm").values()
    assert "Bias" not in str(retrain["AlarmRule"])
    assert "driftloop-flights-bias" not in _alarms(flights)
