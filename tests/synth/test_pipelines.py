"""The pipelines as they are deployed: every stand-in replaced, the model's settings in, entry points that exist."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from infra.definition import MAX_INLINE_BYTES, STAND_INS
from infra.settings import load_model
from infra.staging import ROOT
from lambdas.shared.settings import read_answer_waits, read_change_endpoint, read_decide_release
from tests.synth.conftest import synthesize
from tests.synth.template import Assembly, Template
from tests.unit.pipelines.test_definitions import steps_of


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


@pytest.mark.parametrize("pipeline", ["train", "retrain", "release", "rollback", "watch"])
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

    for pipeline in ("train", "retrain", "release", "rollback", "watch"):
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


def _environment(template: Template, name: str) -> dict[str, str]:
    functions = {each["FunctionName"]: each for each in template.resources("AWS::Lambda::Function").values()}
    environment: dict[str, str] = functions[name]["Environment"]["Variables"]
    return environment


@pytest.mark.parametrize("pipeline", ["release", "rollback"])
def test_releases_go_to_the_models_endpoints(rainfall: Template, pipeline: str) -> None:
    definition = _definition(rainfall, f"driftloop-rainfall-{pipeline}")
    functions = rainfall.resources("AWS::Lambda::Function")
    queues = rainfall.resources("AWS::SQS::Queue")

    steps = list(steps_of(definition["Steps"]))
    changed = {step["FunctionArn"].strip("<>").partition(".")[0] for step in steps if step["Type"] == "Lambda"}
    waited = {step["SqsQueueUrl"].strip("<>") for step in steps if step["Type"] == "Callback"}

    assert [functions[logical_id]["FunctionName"] for logical_id in changed] == ["driftloop-rainfall-change-endpoint"]
    assert [queues[logical_id]["QueueName"] for logical_id in waited] == ["driftloop-rainfall-waits"]
    environment = _environment(rainfall, "driftloop-rainfall-change-endpoint")
    assert environment["ENDPOINT_PREFIX"] == "driftloop-rainfall"
    tests = [step for step in steps if step["Type"] == "Processing"]
    for words in (step["Arguments"]["AppSpecification"]["ContainerArguments"] for step in tests):
        assert words[words.index("--production-endpoint") + 1] == "driftloop-rainfall-prod"


@pytest.mark.parametrize("pipeline", ["release", "rollback"])
@pytest.mark.parametrize("model", ["flights", "rainfall"])
def test_what_tests_ask_of_a_model_is_its_setting(assembly: Assembly, model: str, pipeline: str) -> None:
    settings = load_model(ROOT / "infra" / "models" / f"{model}.json")
    tests = settings.release.tests

    defaults = _defaults(_definition(assembly.template(f"Driftloop-{model}"), f"driftloop-{model}-{pipeline}"))

    assert {name: value for name, value in defaults.items() if value is not None} == {
        "TestInstanceType": settings.instances.processing,
        "Tolerance": 1e-05,
        "P50Ms": tests.p50_ms,
        "P95Ms": tests.p95_ms,
        "Requests": tests.requests,
        "Concurrency": tests.concurrency,
        "Slices": ",".join(tests.slices) or "none",
        "SliceMargin": tests.slice_margin,
        "ChampionMargin": tests.champion_margin,
        "CalibrationMax": tests.calibration_max,
        "DevRoleArn": "none",
        "StagingRoleArn": "none",
        "ProductionRoleArn": "none",
    }


def test_another_setting_of_the_release_is_another_default_and_another_environment(tmp_path: Path) -> None:
    document = json.loads((ROOT / "infra" / "models" / "flights.json").read_text("utf-8"))
    release = {
        "keep_stages": True,
        "deadline_s": 900,
        "tests": {"p95_ms": 400, "requests": 50, "slices": ["origin", "carrier"], "slice_margin": 0.1},
        "experiment": {"mode": "split", "start_weight": 0.3, "guard_rails": {"requests_min": 7}},
    }
    (tmp_path / "flights.json").write_text(json.dumps({**document, "release": release}), "utf-8")
    shutil.copy(ROOT / "infra" / "models" / "flights.schema.json", tmp_path)

    template = synthesize(tmp_path / "cdk.out", models=str(tmp_path / "flights.json")).template("Driftloop-flights")

    defaults = _defaults(_definition(template, "driftloop-flights-release"))
    assert (defaults["P50Ms"], defaults["P95Ms"], defaults["Requests"]) == (250.0, 400.0, 50)
    assert (defaults["Slices"], defaults["SliceMargin"]) == ("origin,carrier", 0.1)
    change = read_change_endpoint(_environment(template, "driftloop-flights-change-endpoint"))
    assert (change.keeps_stages, change.experiment_mode, change.challenger_weight) == (True, "split", 0.3)
    assert read_decide_release(_environment(template, "driftloop-flights-decide-release")).keeps_stages
    answer = read_answer_waits(_environment(template, "driftloop-flights-answer-waits"))
    assert (answer.deadline_s, answer.experiment.mode, answer.experiment.guard_rails.requests_min) == (900, "split", 7)


def test_steps_and_endpoint_run_with_the_models_roles(flights: Template) -> None:
    train = _strings(_definition(flights, "driftloop-flights-train"))
    release = _strings(_definition(flights, "driftloop-flights-release"))

    assert any(text.startswith("<TrainingRole") for text in train)
    assert any(text.startswith("<ReleaseRole") for text in release)
    rollback = _strings(_definition(flights, "driftloop-flights-rollback"))
    assert any(text.startswith("<ReleaseRole") for text in rollback)
    served_with = _environment(flights, "driftloop-flights-change-endpoint")["SERVE_ROLE_ARN"]
    assert served_with.startswith("<ReleaseServeRole")


def test_a_pipeline_waits_for_its_roles_policy(flights: Template) -> None:
    pipelines = [
        resource for resource in flights.body["Resources"].values() if resource["Type"] == "AWS::SageMaker::Pipeline"
    ]

    assert len(pipelines) == 5
    for pipeline in pipelines:
        assert any("DefaultPolicy" in logical_id for logical_id in pipeline["DependsOn"])


def test_the_contract_is_settings_and_schema_in_one(assembly: Assembly) -> None:
    contracts = [json.loads(path.read_text("utf-8")) for path in assembly.folder.glob("asset.*.json")]

    flights = next(contract for contract in contracts if contract["name"] == "flights")
    assert flights["target"] == {"name": "late", "column": "arr_delay", "greater_than": 15}
    assert flights["min_rows"] == 1000
    assert "month" in [column["name"] for column in flights["columns"]]
    assert "schema" not in flights
