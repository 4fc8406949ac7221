"""The pipelines as they are deployed: every stand-in replaced, the model's settings in, entry points that exist."""

import json
from typing import Any

import pytest

from infra.definition import MAX_INLINE_BYTES, STAND_INS
from tests.synth.template import Assembly, Template


def _definition(template: Template, name: str) -> dict[str, Any]:
    [pipeline] = [
        pipeline
        for pipeline in template.resources("AWS::SageMaker::Pipeline").values()
        if pipeline["PipelineName"] == name
    ]
    definition: dict[str, Any] = json.loads(pipeline["PipelineDefinition"]["PipelineDefinitionBody"])
    return definition


def _defaults(definition: dict[str, Any]) -> dict[str, Any]:
    return {parameter["Name"]: parameter.get("DefaultValue") for parameter in definition["Parameters"]}


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("pipeline", ["train", "release"])
@pytest.mark.parametrize("model", ["flights", "rainfall"])
def test_no_stand_in_is_left_and_the_definition_is_small(assembly: Assembly, model: str, pipeline: str) -> None:
    template = assembly.template(f"Driftloop-{model}")

    text = json.dumps(_definition(template, f"driftloop-{model}-{pipeline}"))

    assert not [stand_in for stand_in in STAND_INS if stand_in in text.replace("683313688378", "")]
    assert "token-" not in text
    assert "111122223333" not in text
    assert len(text.encode()) < MAX_INLINE_BYTES


def test_images_come_from_the_registry_of_the_stacks_region(flights: Template) -> None:
    [registry] = flights.body["Mappings"].values()

    assert registry["us-east-1"] == {"Account": "683313688378"}
    assert "683313688378" not in json.dumps(flights.body["Resources"])
    images = [text for text in _strings(_definition(flights, "driftloop-flights-train")) if ".dkr.ecr." in text]
    assert {image.partition("/")[0] for image in images} == {"683313688378.dkr.ecr.us-east-1.amazonaws.com"}


def test_entry_points_name_files_that_are_shipped(assembly: Assembly) -> None:
    template, keys = assembly.template("Driftloop-flights"), assembly.file_keys("Driftloop-flights")

    for pipeline in ("train", "release"):
        texts = _strings(_definition(template, f"driftloop-flights-{pipeline}"))
        uris = [text for text in texts if text.startswith("s3://cdk-")]
        entry_points = [text for text in texts if text.startswith("/opt/ml/processing/input/code/") and "." in text]
        assert entry_points
        assert {uri.rpartition("/")[2] for uri in uris} <= keys
        assert {path.rpartition("/")[2] for path in entry_points} <= keys


def test_the_training_source_is_shipped_under_its_hash(assembly: Assembly, flights: Template) -> None:
    """CDK keeps the last extension only; the training toolkit opens what it downloads as gzip, whatever its name."""
    definition = _definition(flights, "driftloop-flights-train")

    [train] = [step for step in definition["Steps"] if step["Name"] == "Train"]

    uri = train["Arguments"]["HyperParameters"]["sagemaker_submit_directory"]
    assert uri.endswith(".gz")
    assert uri.rpartition("/")[2] in assembly.file_keys("Driftloop-flights")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (
            "flights",
            {"GateMetric": "auc", "GateThreshold": 0.6, "NumRound": 150, "TrainingInstanceType": "ml.m5.xlarge"},
        ),
        (
            "rainfall",
            {"GateMetric": "auc", "GateThreshold": 0.7, "NumRound": 100, "TrainingInstanceType": "ml.m5.large"},
        ),
    ],
)
def test_a_models_settings_are_its_pipelines_defaults(assembly: Assembly, model: str, expected: dict[str, Any]) -> None:
    defaults = _defaults(_definition(assembly.template(f"Driftloop-{model}"), f"driftloop-{model}-train"))

    assert {name: defaults[name] for name in expected} == expected
    assert defaults["CodeVersion"] != "unknown"


def test_releases_go_to_the_models_endpoint(rainfall: Template) -> None:
    defaults = _defaults(_definition(rainfall, "driftloop-rainfall-release"))

    assert defaults["EndpointName"] == "driftloop-rainfall-prod"
    assert defaults["InstanceType"] == "ml.m5.large"


def test_steps_and_endpoint_run_with_the_models_roles(flights: Template) -> None:
    train = _strings(_definition(flights, "driftloop-flights-train"))
    release = _strings(_definition(flights, "driftloop-flights-release"))

    assert any(text.startswith("<TrainingRole") for text in train)
    assert any(text.startswith("<ReleaseRole") for text in release)
    assert any("<ReleaseServeRole" in text for text in release)


def test_a_pipeline_waits_for_its_roles_policy(flights: Template) -> None:
    pipelines = [
        resource for resource in flights.body["Resources"].values() if resource["Type"] == "AWS::SageMaker::Pipeline"
    ]

    for pipeline in pipelines:
        assert any("DefaultPolicy" in logical_id for logical_id in pipeline["DependsOn"])


def test_the_contract_is_settings_and_schema_in_one(assembly: Assembly) -> None:
    contracts = [json.loads(path.read_text("utf-8")) for path in assembly.folder.glob("asset.*.json")]

    flights = next(contract for contract in contracts if contract["name"] == "flights")
    assert flights["target"] == {"name": "late", "column": "arr_delay", "greater_than": 15}
    assert flights["min_rows"] == 1000
    assert "month" in [column["name"] for column in flights["columns"]]
    assert "schema" not in flights
