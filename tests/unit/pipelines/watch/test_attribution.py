"""Feature attribution: XGBoost's own SHAP values of a really trained model, and rankings compared by nDCG."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from pipeline_definitions.shared import wheels
from pipeline_definitions.watch.scripts.analyze import attribution
from tests.support.analysis import captured, lines
from tests.support.scripts import SKLEARN, XGBOOST, MlDir
from tests.support.small_models import FEATURES, Model, rows, table

pytestmark = pytest.mark.xdist_group("pipelines-model-tests")  # with whom it shares the trained models


@given(
    st.lists(st.tuples(st.floats(0.01, 9), st.floats(0.01, 9)), min_size=2, max_size=8, unique_by=lambda pair: pair[1])
)
def test_ndcg_is_scikit_learns(pairs: list[tuple[float, float]]) -> None:
    baseline, current = ({f"f{n}": pair[side] for n, pair in enumerate(pairs)} for side in (0, 1))

    expected = ndcg_score([list(baseline.values())], [list(current.values())])
    assert attribution.ndcg(baseline, current) == pytest.approx(expected)


def explained(tmp_path: Path, model: Model, data: bytes) -> tuple[MlDir, dict[str, float]]:
    ml = MlDir(tmp_path)
    ml.put("wheels/a.zip", wheels.wheel_archive(SKLEARN))
    ml.put("model/model.tar.gz", model.archive)
    ml.put("data/a.csv", data)
    ended = ml.process(XGBOOST, "watch/scripts/analyze.pyz", "--analysis", "attribution")
    assert ended.code == 0, ended.stderr
    analysis = json.loads(ml.output("report/analysis.json").read_text())
    return ml, dict(analysis["explanations"]["kernel_shap"]["label0"]["global_shap_values"])


def test_what_the_model_learned_from_matters_to_it(tmp_path: Path, good: Model) -> None:
    _, shap = explained(tmp_path, good, table(rows(5, 500)))

    assert shap["hour"] > shap["carrier"] > shap["distance"] > 0


def test_another_ranking_than_at_the_baseline_is_drift(tmp_path: Path, good: Model) -> None:
    ml, shap = explained(tmp_path, good, table(rows(5, 500)))
    ml.put("baseline/analysis.json", ml.output("report/analysis.json").read_bytes())
    noon = [["12", carrier, "1000.0", late] for _, carrier, _, late in rows(6, 500)]

    _, now = explained(tmp_path, good, table(noon))

    (violation,) = json.loads(ml.output("report/constraint_violations.json").read_text())["violations"]
    data = json.loads(ml.output("report/report.json").read_text())["metrics"]
    assert now["hour"] < now["carrier"]
    assert violation["constraint_check_type"] == "feature_attribution_drift_check"
    assert {datum["MetricName"]: datum["Value"] for datum in data}["monitor_ndcg"] == attribution.ndcg(shap, now) < 0.9


def test_captured_requests_are_compared_with_the_versions_own_holdout(tmp_path: Path, good: Model) -> None:
    """In the XGBoost image, with the wheels that the pipeline ships."""
    ml = MlDir(tmp_path)
    columns = [{"name": name, "type": "string", "role": "feature"} for name in FEATURES]
    contract = {"columns": columns, "monitoring": {"attribution": {"threshold": 0.9}}}
    noon = (captured(f"12,{carrier},1000.0", "0.5") for _, carrier, _, _ in rows(6, 500))
    for name, content in {
        "contract/contract.json": json.dumps(contract).encode(),
        "wheels/a.zip": wheels.wheel_archive(SKLEARN),
        "model/model.tar.gz": good.archive,
        "holdout/holdout.csv": good.holdout,
        "data/a.jsonl": lines(noon).encode(),
    }.items():
        ml.put(name, content)

    said = '{"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput"]}}'
    words = ("--contract", str(ml.base / "input/contract/contract.json"), "--dataset-format", said)
    ended = ml.process(XGBOOST, "watch/scripts/analyze.pyz", "--analysis", "attribution", *words)

    assert ended.code == 0, ended.stderr
    (violation,) = json.loads(ml.output("report/constraint_violations.json").read_text())["violations"]
    assert violation["description"].endswith("is below 0.9")


def test_rankings_that_differ_enough_violate() -> None:
    assert attribution.ndcg({"a": 1.0, "b": 0.1}, {"a": 0.1, "b": 1.0}) < attribution.NDCG_MIN
    assert attribution.ndcg({"a": 1.0, "b": 0.9}, {"a": 0.1, "b": 1.0}) > attribution.NDCG_MIN
    assert attribution.ndcg({"a": 0.0}, {"a": 1.0}) == 1
