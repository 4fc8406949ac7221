"""What is committed: definitions that hold together, and the files that they need. Nothing here needs the SDK."""

import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

from pipeline_definitions.shared import definitions, tokens

OPERATIONS = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "pipelines-abc-step-0"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "pipelines-abc-step-0"}),
    "RegisterModel": ("CreateModelPackage", {}),
}
MAY_BE_INLINE_BYTES = 100_000


def load(pipeline: str) -> dict[str, Any]:
    return dict(json.loads(definitions.definition_text(pipeline)))


def steps_of(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        if step["Type"] == "Condition":
            yield from steps_of(step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"])


def references(value: Any) -> Iterator[str]:
    match value:
        case {"Get": str(path)}:
            yield path
        case dict():
            for item in value.values():
                yield from references(item)
        case list():
            for item in value:
                yield from references(item)


def resolved(value: Any, types: dict[str, str]) -> Any:
    """A request as the service might see it: every reference a plausible value of its type."""
    match value:
        case {"Get": str(path)}:
            kind = types.get(path.removeprefix("Parameters."), "String")
            return {"Integer": 1, "Float": 1.0}.get(kind, "ml.m5.large")
        case {"Std:Join": _} | {"Std:JsonGet": _}:
            return "joined"
        case dict():
            return {key: resolved(item, types) for key, item in value.items()}
        case list():
            return [resolved(item, types) for item in value]
    return value


@pytest.mark.parametrize("pipeline", definitions.PIPELINES)
def test_every_reference_names_something_that_exists(pipeline: str) -> None:
    definition = load(pipeline)
    steps = {step["Name"]: step for step in steps_of(definition["Steps"])}
    parameters = {parameter["Name"] for parameter in definition["Parameters"]}

    for path in references(definition["Steps"]):
        root, name, *rest = path.split(".")
        if root == "Parameters":
            assert name in parameters
        elif root == "Steps" and rest[0] == "PropertyFiles":
            assert rest[1] in [file["PropertyFileName"] for file in steps[name]["PropertyFiles"]]
        elif root == "Steps" and (output := re.search(r"Outputs\['(\w+)'\]", path)):
            outputs = steps[name]["Arguments"]["ProcessingOutputConfig"]["Outputs"]
            assert output[1] in [item["OutputName"] for item in outputs]
        elif root == "Steps" and (told := re.fullmatch(r"OutputParameters\['(\w+)'\]", rest[0])):
            assert told[1] in [item["OutputName"] for item in steps[name]["OutputParameters"]]
        else:
            assert (root, path) in {
                ("Steps", "Steps.Train.ModelArtifacts.S3ModelArtifacts"),
                ("Execution", "Execution.PipelineExecutionArn"),
            }


@pytest.mark.parametrize("pipeline", definitions.PIPELINES)
def test_step_arguments_are_valid_requests(pipeline: str) -> None:
    service = botocore.session.get_session().get_service_model("sagemaker")
    definition = load(pipeline)
    types = {parameter["Name"]: parameter["Type"] for parameter in definition["Parameters"]}

    for step in steps_of(definition["Steps"]):
        if step["Type"] not in OPERATIONS:
            continue
        operation, generated = OPERATIONS[step["Type"]]
        shape = service.operation_model(operation).input_shape
        assert shape is not None
        request = {**resolved(step["Arguments"], types), **generated}
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), f"{step['Name']}: {report.generate_report()}"


def test_train_is_the_pipeline_of_the_architecture() -> None:
    definition = load("train")

    assert [step["Name"] for step in steps_of(definition["Steps"])] == [
        *("Validate", "Prepare", "Train", "Evaluate", "Gate", "ChampionGate"),
        *("DataBaseline", "QualityBaseline", "Register", "WorseThanChampion", "BelowThreshold"),
    ]
    without_default = {item["Name"] for item in definition["Parameters"] if "DefaultValue" not in item}
    assert without_default == {"DataManifest", "BatchId", "OutputPrefix"}
    kinds = {item["Name"]: item["Type"] for item in definition["Parameters"]}
    assert kinds["Attempt"] == kinds["NumRound"] == kinds["MaxDepth"] == kinds["Seed"] == "Integer"
    assert kinds["GateThreshold"] == kinds["HoldoutFraction"] == kinds["MinChildWeight"] == "Float"


def test_watch_looks_at_bias_and_attribution_only_where_they_are_asked_for() -> None:
    definition = load("watch")

    conditions = [step for step in definition["Steps"] if step["Type"] == "Condition"]
    parts = {step["Name"]: [each["Name"] for each in step["Arguments"]["IfSteps"]] for step in conditions}
    assert parts == {
        "HasRequests": ["DataQuality"],
        "HasAnswers": ["ModelQuality"],
        "AsksBias": ["Bias"],
        "AsksAttribution": ["Attribution"],
    }
    defaults = {item["Name"]: item.get("DefaultValue") for item in definition["Parameters"]}
    assert (defaults["Bias"], defaults["Attribution"]) == ("off", "off")
    images = {step["Name"]: step["Arguments"].get("AppSpecification", {}) for step in steps_of(definition["Steps"])}
    with_xgboost = [name for name, image in images.items() if "xgboost" in image.get("ImageUri", "")]
    assert with_xgboost == ["Attribution"]


def test_retrain_is_train_behind_assemble_with_what_was_captured_in_place_of_files() -> None:
    train, retrain = load("train"), load("retrain")

    names = [step["Name"] for step in steps_of(retrain["Steps"])]
    assert names == ["Assemble", *(step["Name"] for step in steps_of(train["Steps"]))]
    of_train, of_retrain = ({item["Name"] for item in found["Parameters"]} for found in (train, retrain))
    captured = {"CaptureUri", "LabelsUri", "HistoryUri", "HistoryShare", "FreshSince", "FreshUntil"}
    assert of_retrain == of_train - {"DataManifest"} | captured
    without_default = {item["Name"] for item in retrain["Parameters"] if "DefaultValue" not in item}
    assert without_default == captured - {"HistoryShare"} | {"BatchId", "OutputPrefix"}
    assert waits_for("retrain")["Validate"] == {"Assemble"}


@pytest.mark.parametrize(
    ("pipeline", "fresh_until"), [("train", "none"), ("retrain", {"Get": "Parameters.FreshUntil"})]
)
def test_a_package_says_which_rows_it_was_made_from_and_until_when(pipeline: str, fresh_until: Any) -> None:
    [register] = [step for step in steps_of(load(pipeline)["Steps"]) if step["Name"] == "Register"]

    metadata = register["Arguments"]["CustomerMetadataProperties"]

    accepted = {"Get": "Steps.Validate.ProcessingOutputConfig.Outputs['accepted'].S3Output.S3Uri"}
    assert metadata["data"] == {"Std:Join": {"On": "/", "Values": [accepted, "data.csv"]}}
    assert metadata["fresh_until"] == fresh_until


def waits_for(pipeline: str) -> dict[str, set[str]]:
    """What each step waits for: what it depends on, what it refers to, and the condition whose branch it is in."""
    found: dict[str, set[str]] = {}

    def walk(steps: list[dict[str, Any]], inside: set[str]) -> None:
        for step in steps:
            arguments = step["Arguments"]
            is_condition = step["Type"] == "Condition"
            mine = {key: arguments[key] for key in arguments if key not in ("IfSteps", "ElseSteps")}
            referred = {path.split(".")[1] for path in references(mine) if path.startswith("Steps.")}
            found[step["Name"]] = referred | set(step.get("DependsOn", ())) | inside
            if is_condition:
                walk(arguments["IfSteps"] + arguments["ElseSteps"], {step["Name"]})

    walk(load(pipeline)["Steps"], set())
    return found


def before(pipeline: str, step: str) -> set[str]:
    """All that has succeeded when a step starts."""
    waits = waits_for(pipeline)
    return waits[step].union(*(before(pipeline, name) for name in waits[step]))


def test_release_is_the_pipeline_of_the_architecture() -> None:
    assert [(step["Type"], step["Name"]) for step in steps_of(load("release")["Steps"])] == [
        ("Lambda", "DeployDev"),
        ("Callback", "DevReady"),
        ("Processing", "TestDev"),
        ("Lambda", "RemoveDev"),
        ("Lambda", "DeployStaging"),
        ("Callback", "StagingReady"),
        ("Processing", "TestStaging"),
        ("Lambda", "RemoveStaging"),
        ("Lambda", "StartExperiment"),
        ("Callback", "Verdict"),
        ("Condition", "Decide"),
        ("Lambda", "Promote"),
        ("Callback", "Promoted"),
        ("Lambda", "Scale"),
        ("Lambda", "Monitor"),
        ("Processing", "VerifyProduction"),
        ("Lambda", "Withdraw"),
        ("Callback", "Withdrawn"),
        ("Fail", "Kept"),
    ]


@pytest.mark.parametrize("pipeline", ["release", "rollback"])
def test_a_release_must_be_told_what_to_release(pipeline: str) -> None:
    without_default = {item["Name"] for item in load(pipeline)["Parameters"] if "DefaultValue" not in item}

    assert without_default == {"ModelPackageArn", "ReleaseId", "ReportPrefix"}


def test_every_gate_stands_before_production() -> None:
    assert before("release", "DeployStaging") >= {"DeployDev", "DevReady", "TestDev"}
    assert before("release", "StartExperiment") >= {"TestDev", "DeployStaging", "StagingReady", "TestStaging"}
    assert before("release", "Promote") >= {"TestStaging", "StartExperiment", "Verdict", "Decide"}
    assert before("release", "VerifyProduction") >= {"Promote", "Promoted"}
    assert before("release", "Kept") >= {"Verdict", "Decide", "Withdraw", "Withdrawn"}


def test_a_stage_is_taken_down_after_its_tests_and_nothing_waits_for_that() -> None:
    waits = waits_for("release")

    assert (waits["RemoveDev"], waits["RemoveStaging"]) == ({"TestDev"}, {"TestStaging"})
    assert not [step for step, names in waits.items() if names & {"RemoveDev", "RemoveStaging"}]


def test_only_the_verdict_to_promote_promotes_and_whatever_else_ends_with_its_reason() -> None:
    [decide] = [step for step in load("release")["Steps"] if step["Name"] == "Decide"]

    verdict = {"Get": "Steps.Verdict.OutputParameters['verdict']"}
    assert decide["Arguments"]["Conditions"] == [{"Type": "Equals", "LeftValue": verdict, "RightValue": "promote"}]
    assert [step["Name"] for step in decide["Arguments"]["IfSteps"]] == [
        "Promote",
        "Promoted",
        "Scale",
        "Monitor",
        "VerifyProduction",
    ]
    [kept] = [step for step in decide["Arguments"]["ElseSteps"] if step["Type"] == "Fail"]
    assert "Steps.Verdict.OutputParameters['reason']" in references(kept["Arguments"]["ErrorMessage"])


def test_each_change_is_one_that_the_function_knows_and_in_its_stage() -> None:
    changes = {
        (step["Name"], step["Arguments"]["change"], step["Arguments"]["stage"])
        for pipeline in ("release", "rollback")
        for step in steps_of(load(pipeline)["Steps"])
        if step["Type"] == "Lambda"
    }

    assert changes == {
        ("DeployDev", "deploy", "dev"),
        ("RemoveDev", "remove", "dev"),
        ("DeployStaging", "deploy", "staging"),
        ("RemoveStaging", "remove", "staging"),
        ("StartExperiment", "experiment", "prod"),
        ("Promote", "promote", "prod"),
        ("Scale", "scale", "prod"),
        ("Monitor", "monitor", "prod"),
        ("Withdraw", "withdraw", "prod"),
    }


def test_what_is_withdrawn_goes_back_to_what_the_experiment_found() -> None:
    [withdraw] = [step for step in steps_of(load("release")["Steps"]) if step["Name"] == "Withdraw"]

    assert withdraw["Arguments"]["previous"] == {"Get": "Steps.StartExperiment.OutputParameters['previous']"}


def test_a_rollback_is_the_promotion_and_nothing_before_it() -> None:
    release = {step["Name"]: step for step in steps_of(load("release")["Steps"])}
    rollback = load("rollback")["Steps"]

    assert [step["Name"] for step in rollback] == ["Promote", "Promoted", "Scale", "Monitor", "VerifyProduction"]
    for step in rollback:
        at_once = {"at_once": "true"} if step["Name"] == "Promote" else {}
        assert step["Arguments"] == {**release[step["Name"]]["Arguments"], **at_once}
    assert before("rollback", "Promote") == set()
    assert before("rollback", "VerifyProduction") == {"Promote", "Promoted"}


def test_only_the_package_metadata_mentions_the_execution() -> None:
    for step in steps_of(load("train")["Steps"]):
        if step["Type"] == "Condition":
            continue
        arguments = dict(step["Arguments"])
        arguments.pop("CustomerMetadataProperties", None)
        assert not [path for path in references(arguments) if path.startswith("Execution.")]


PREFIXES = {
    "train": "OutputPrefix",
    "retrain": "OutputPrefix",
    "release": "ReportPrefix",
    "rollback": "ReportPrefix",
    "watch": "ReportsUri",
}


@pytest.mark.parametrize("pipeline", definitions.PIPELINES)
def test_every_output_lies_under_the_prefix_that_the_run_is_told(pipeline: str) -> None:
    for step in steps_of(load(pipeline)["Steps"]):
        outputs = step["Arguments"].get("ProcessingOutputConfig", {}).get("Outputs", [])
        uris = [output["S3Output"]["S3Uri"] for output in outputs]
        uris += [step["Arguments"][key]["S3OutputPath"] for key in ("OutputDataConfig",) if key in step["Arguments"]]
        for uri in uris:
            assert uri["Std:Join"]["Values"][0] == {"Get": f"Parameters.{PREFIXES[pipeline]}"}


@pytest.mark.parametrize("pipeline", definitions.PIPELINES)
def test_scripts_are_assets_with_names_of_their_own(pipeline: str) -> None:
    text, files = definitions.definition_text(pipeline), definitions.asset_files(pipeline)

    uris = set(re.findall(rf"s3://{tokens.ASSET_BUCKET}/([\w.]+)", text))
    entries = set(re.findall(rf"{tokens.CODE_DIR}/([\w.]+)", text))

    names = [file.name for file in files] + [*definitions.built_assets(pipeline)]
    assert len(set(names)) == len(names)
    assert entries == set(names) - {"source.tar.gz", "wheels.zip"}
    assert uris == {"contract.json", *names}


@pytest.mark.parametrize("pipeline", definitions.PIPELINES)
def test_a_definition_fits_into_a_template(pipeline: str) -> None:
    assert len(definitions.definition_text(pipeline).encode()) < MAY_BE_INLINE_BYTES


def test_the_source_archive_is_flat_and_the_same_bytes_each_time() -> None:
    first, second = (definitions.built_assets("train")["source.tar.gz"] for _ in range(2))

    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        assert archive.getnames() == ["inference.py", "train.py"]
        assert {(member.mtime, member.uid, member.uname, member.mode) for member in archive} == {(0, 0, "", 0o644)}


def test_a_program_is_packed_with_what_all_share_and_nothing_else_and_the_same_bytes_each_time() -> None:
    first, second = (definitions.built_assets("train")["evaluate.pyz"] for _ in range(2))

    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        files = [name for name in archive.namelist() if not name.endswith("/")]
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert files[0] == "__main__.py"
    assert {name.rsplit("/", 1)[0] for name in files[1:]} == {
        "pipeline_definitions/shared/scripts",
        "pipeline_definitions/train/scripts/evaluate",
    }


def test_a_pipeline_that_does_not_train_has_no_source_archive() -> None:
    assert "source.tar.gz" not in definitions.built_assets("release")


def test_an_unknown_pipeline_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'wotch': unknown; there are train, retrain, release"):
        definitions.definition_text("wotch")


def test_defaults_are_set_by_name_and_nothing_else_changes() -> None:
    text = definitions.definition_text("train")

    changed = json.loads(definitions.with_defaults(text, {"GateThreshold": 1, "NumRound": 7, "CodeVersion": "abc"}))

    defaults = {item["Name"]: item.get("DefaultValue") for item in changed["Parameters"]}
    assert defaults["GateThreshold"] == 1.0
    assert isinstance(defaults["GateThreshold"], float)
    assert (defaults["NumRound"], defaults["CodeVersion"]) == (7, "abc")
    assert changed["Steps"] == json.loads(text)["Steps"]
    assert definitions.with_defaults(text, {}) == text


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("NumRounds", 7, "the pipeline has no such parameter"),
        ("NumRound", 7.5, "expected Integer, found 7.5"),
        ("NumRound", "7", "expected Integer, found '7'"),
        ("NumRound", True, "expected Integer, found True"),
        ("CodeVersion", 7, "expected String, found 7"),
        ("CodeVersion", "", "no empty string"),
        ("GateMetric", "log_loss", "expected one of auc, accuracy, f1"),
    ],
)
def test_a_default_that_does_not_fit_is_refused_by_name(name: str, value: object, problem: str) -> None:
    with pytest.raises(definitions.ParameterError, match=problem) as refused:
        definitions.with_defaults(definitions.definition_text("train"), {name: value})

    assert refused.value.parameter == name
    assert str(refused.value).startswith(f"pipeline parameter '{name}': ")


def test_what_synth_imports_is_light() -> None:
    code = (
        "import sys\n"
        "from pipeline_definitions.shared import definitions, images, tokens\n"
        "print([name for name in ('sagemaker', 'boto3', 'pandas', 'numpy') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
