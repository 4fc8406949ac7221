"""The analyzer does what Model Monitor's container does when its environment variables say so."""

import json
from pathlib import Path

import pytest

from pipeline_definitions.watch.scripts.analyze import environment
from pipeline_definitions.watch.scripts.analyze.main import main, parser
from tests.support.analysis import CAPTURE, captured, label, lines

BASELINE = {
    "dataset_format": '{"csv": {"header": true, "output_columns_position": "START"}}',
    "dataset_source": "/opt/ml/processing/input/baseline_dataset_input",
    "output_path": "/opt/ml/processing/output",
    "publish_cloudwatch_metrics": "Disabled",
}
EXECUTION = {
    "baseline_constraints": "/opt/ml/processing/baseline/constraints/constraints.json",
    "baseline_statistics": "/opt/ml/processing/baseline/stats/statistics.json",
    "dataset_format": CAPTURE,
    "dataset_source": "/opt/ml/processing/input/endpoint",
    "end_time": "2026-01-02T04:00:00Z",
    "output_path": "/opt/ml/processing/output",
    "publish_cloudwatch_metrics": "Enabled",
    "sagemaker_endpoint_name": "flights-prod",
    "sagemaker_monitoring_schedule_name": "daily",
    "start_time": "2026-01-02T03:00:00Z",
}
QUALITY = {"analysis_type": "MODEL_QUALITY", "problem_type": "Regression", "inference_attribute": "0"}


def options(env: dict[str, str]) -> dict[str, object]:
    return vars(parser().parse_args(environment.words(env, Path("/image"))))


def test_without_constraints_a_baseline_is_asked_for() -> None:
    found = options(BASELINE)

    assert (found["analysis"], str(found["data"])) == ("baseline", BASELINE["dataset_source"])
    assert (str(found["report"]), found["publish"], str(found["wheels"])) == (BASELINE["output_path"], False, "/image")


def test_with_constraints_an_execution_compares_its_window_and_publishes() -> None:
    found = options(EXECUTION)

    assert (found["analysis"], found["publish"], found["names_from_baseline"]) == ("data-quality", True, True)
    assert (found["endpoint"], found["schedule"]) == ("flights-prod", "daily")
    assert [str(found[name]) for name in ("start", "end")] == ["2026-01-02 03:00:00+00:00", "2026-01-02 04:00:00+00:00"]


@pytest.mark.parametrize(
    ("env", "analysis"),
    [
        ({**BASELINE, **QUALITY, "ground_truth_attribute": "label"}, "model-quality-baseline"),
        ({**EXECUTION, **QUALITY}, "model-quality"),
        ({**BASELINE, "ground_truth_source": "/opt/ml/processing/groundtruth"}, "merge"),
    ],
)
def test_model_quality_has_its_own_analyses(env: dict[str, str], analysis: str) -> None:
    assert options(env)["analysis"] == analysis


def test_a_program_without_words_is_started_by_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.csv").write_text("x\n1\n2\n")
    env = {**BASELINE, "dataset_source": str(data), "output_path": str(tmp_path / "out")}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["analyze.pyz"])
    monkeypatch.setattr("pipeline_definitions.shared.scripts.jobs.tell", lambda message, base_dir: None)

    assert main() == 0

    found = json.loads((tmp_path / "out/statistics.json").read_text())
    assert [(item["name"], item["inferred_type"]) for item in found["features"]] == [("x", "Integral")]


def test_merged_requests_keep_their_folders_and_are_judged_without_labels_beside_them(tmp_path: Path) -> None:
    hour = tmp_path / "captured/e/AllTraffic/2026/01/02/03"
    truth = tmp_path / "truth/2026/01/02/03"
    for folder in (hour, truth):
        folder.mkdir(parents=True)
    answers = {f"e{n}": str(n % 2) for n in range(8)}
    (hour / "a.jsonl").write_text(lines(captured("1", answer, event_id=name) for name, answer in answers.items()))
    (truth / "b.jsonl").write_text(lines(label(name, answer) for name, answer in list(answers.items())[:6]))
    base = ["--base-dir", str(tmp_path / "base/processing")]

    merged = ["--data", str(tmp_path / "captured"), "--labels", str(tmp_path / "truth")]
    assert main([*base, "--analysis", "merge", *merged, "--merged", str(tmp_path / "merged")]) == 0

    (file,) = (tmp_path / "merged/e/AllTraffic/2026/01/02/03").iterdir()
    assert file.name.startswith("part-00000-")
    assert file.name.endswith(".c000.jsonl")
    goal = {"accuracy": {"threshold": 0.9, "comparison_operator": "LessThanThreshold"}}
    (tmp_path / "constraints.json").write_text(json.dumps({"binary_classification_constraints": goal}))
    form = '{"sagemakerMergeJson": {"captureIndexNames": ["endpointOutput"]}}'
    words = ["--dataset-format", form, "--data", str(tmp_path / "merged"), "--inference-attribute", "0"]
    words += ["--constraints", str(tmp_path / "constraints.json"), "--report", str(tmp_path / "report")]
    assert main([*base, "--analysis", "model-quality", *words]) == 0
    found = json.loads((tmp_path / "report/statistics.json").read_text())
    assert (found["dataset"]["item_count"], found["binary_classification_metrics"]["accuracy"]["value"]) == (6, 1.0)


def test_captured_cells_have_the_names_of_the_baseline_by_their_place(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.jsonl").write_text(lines(captured("7,a", "0.5", event_id=f"e{n}") for n in range(3)))
    features = [{"name": name, "inferred_type": "String", "completeness": 1.0} for name in ("late", "hour", "carrier")]
    (tmp_path / "constraints.json").write_text(json.dumps({"features": features}))
    words = [f"--constraints={tmp_path / 'constraints.json'}"]  # AWS asks for no statistics
    words += [f"--data={data}", f"--report={tmp_path / 'report'}", "--names-from-baseline", "--dataset-format", CAPTURE]

    assert main(["--base-dir", str(tmp_path / "b/processing"), "--analysis", "data-quality", *words]) == 0

    found = json.loads((tmp_path / "report/statistics.json").read_text())
    assert [item["name"] for item in found["features"]] == ["late", "hour", "carrier"]
