"""From real files to a judged model: Validate, Prepare, Train and Evaluate in their images, one after the other."""

import json
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline_definitions.shared import definitions
from tests.support import contracts, datasets
from tests.support.batches import Store, validate
from tests.support.scripts import SKLEARN, XGBOOST, Ended, MlDir, python
from tests.support.small_models import evaluate

pytestmark = pytest.mark.xdist_group("pipelines-model")  # one worker trains the model that these tests share

CHANNELS = {"train": "train/train.csv", "validation": "holdout/holdout.csv", "features": "features/features.json"}


@dataclass(frozen=True)
class Trained:
    """A model and how it was judged."""

    ml: MlDir
    log: str
    evaluation: dict[str, Any]
    golden: list[dict[str, Any]]


def defaults() -> dict[str, Any]:
    """The train pipeline's defaults by hyperparameter, read from the definition as SageMaker would."""
    definition = json.loads(definitions.definition_text("train"))
    values = {item["Name"]: item.get("DefaultValue") for item in definition["Parameters"]}
    train = next(step for step in definition["Steps"] if step["Name"] == "Train")
    return {
        name: values[value["Std:Join"]["Values"][0]["Get"].removeprefix("Parameters.")]
        for name, value in train["Arguments"]["HyperParameters"].items()
        if not name.startswith("sagemaker_")
    }


def prepare_and_train(accepted: MlDir, contract: dict[str, Any], **hyperparameters: object) -> tuple[MlDir, Ended]:
    contract_path = accepted.put("contract/contract.json", json.dumps(contract).encode())
    accepted.put("accepted/data.csv", accepted.output("accepted/data.csv").read_bytes())
    prepared = accepted.process(
        SKLEARN, "train/scripts/prepare.py", "--contract", str(contract_path), "--holdout-fraction", "0.2"
    )
    assert prepared.code == 0, prepared.stderr
    for channel, output in CHANNELS.items():
        folder = accepted.path / "input" / "data" / channel
        folder.mkdir(parents=True, exist_ok=True)
        (folder / Path(output).name).write_bytes(accepted.output(output).read_bytes())
    return accepted, accepted.train({**defaults(), **hyperparameters})


def make(store: Store, folder: Path, contract: dict[str, Any], files: dict[str, bytes]) -> Trained:
    validated = validate(store, folder, contract, files)
    assert validated.ended.code == 0, validated.ended.stderr
    ml, trained = prepare_and_train(validated.ml, contract)
    assert trained.code == 0, trained.stderr
    ml.pack_model(ml.base / "input" / "model" / "model.tar.gz")
    ml.put("holdout/holdout.csv", ml.output("holdout/holdout.csv").read_bytes())
    evaluated = evaluate(ml, "nobody-prod", store.env)
    assert evaluated.code == 0, evaluated.stderr
    evaluation = json.loads(ml.output("evaluation/evaluation.json").read_text())
    return Trained(ml, trained.stdout, evaluation, json.loads(ml.output("evaluation/golden.json").read_text()))


@pytest.fixture(scope="module")
def flights(module_store: Store, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    files = {"raw/flights/jan.csv": datasets.flights(1), "raw/flights/feb.csv": datasets.flights(2)}
    return make(module_store, tmp_path_factory.mktemp("flights"), contracts.FLIGHTS, files)


def served(trained: Trained, script: str) -> str:
    """Run Python in the serving image with the packaged code, the model as `model`."""
    code = (
        f"import sys; sys.path.insert(0, {str(trained.ml.path / 'model' / 'code')!r})\n"
        "import json, inference\n"
        f"model = inference.model_fn({str(trained.ml.path / 'model')!r})\n"
        "def ask(body, kind='text/csv', accept='*/*'):\n"
        "    return inference.output_fn(inference.predict_fn(inference.input_fn(body, kind), model), accept)\n"
        "def refuse(body, kind='text/csv', accept='*/*'):\n"
        "    try:\n        ask(body, kind, accept)\n"
        "    except ValueError as exc:\n        return [exc.status_code, str(exc)]\n"
    )
    words = [str(python(XGBOOST)), "-"]  # by standard input: an argument has at most 128 KiB
    done = subprocess.run(words, input=code + script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_flights_can_be_predicted_at_schedule_time(flights: Trained) -> None:
    gate = flights.evaluation["gate"]

    assert gate["metric"] == "auc"
    assert 0.63 <= gate["value"] <= 0.66
    assert gate["value"] >= contracts.FLIGHTS["thresholds"]["auc"]


def test_rainfall_can_be_predicted_from_the_weather(store: Store, tmp_path: Path) -> None:
    trained = make(store, tmp_path, contracts.RAINFALL, {"raw/rainfall/a.csv": datasets.rainfall(0, 6000)})

    assert trained.evaluation["gate"]["value"] >= 0.8


def test_the_evaluation_has_every_metric_with_its_deviation(flights: Trained) -> None:
    metrics = flights.evaluation["binary_classification_metrics"]

    assert set(flights.evaluation) == {"gate", "champion", "binary_classification_metrics", "rows", "positive_rate"}
    assert set(metrics) == {"accuracy", "auc", "f1", "log_loss"}
    assert metrics["auc"]["value"] == flights.evaluation["gate"]["value"]
    assert all(0 < metric["standard_deviation"] < 0.05 for metric in metrics.values())
    assert flights.evaluation["rows"] == len(flights.ml.output("holdout/holdout.csv").read_text().splitlines()) - 1


def test_metrics_are_those_of_scikit_learn() -> None:
    code = (
        "import numpy as np, sklearn.metrics as reference\n"
        "from pipeline_definitions.train.scripts.evaluate.metrics import METRICS\n"
        "chance = np.random.default_rng(1)\n"
        "labels = chance.integers(0, 2, 500).astype(float)\n"
        "scores = np.round(np.clip(labels * 0.2 + chance.random(500) * 0.8, 0.01, 0.99), 2)\n"
        "weights = chance.integers(0, 4, 500).astype(float)\n"
        "for weight in (np.ones(500), weights):\n"
        "    found = [metric(labels, scores, weight) for metric in METRICS.values()]\n"
        "    hard = scores >= 0.5\n"
        "    expected = [\n"
        "        reference.accuracy_score(labels, hard, sample_weight=weight),\n"
        "        reference.roc_auc_score(labels, scores, sample_weight=weight),\n"
        "        reference.f1_score(labels, hard, sample_weight=weight),\n"
        "        reference.log_loss(labels, scores, sample_weight=weight),\n"
        "    ]\n"
        "    assert np.allclose(found, expected), (found, expected)\n"
    )

    done = subprocess.run([str(python(XGBOOST)), "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_log_has_metrics_that_the_definition_can_read(flights: Trained) -> None:
    definition = json.loads(definitions.definition_text("train"))
    train = next(step for step in definition["Steps"] if step["Name"] == "Train")

    lines = [line for line in flights.log.splitlines() if line.startswith("[")]

    assert re.fullmatch(r"\[0\]#011train-logloss:[\d.]+#011train-auc:[\d.]+#011validation-logloss:.*", lines[0])
    for metric in train["Arguments"]["AlgorithmSpecification"]["MetricDefinitions"]:
        assert len(re.findall(metric["Regex"], flights.log)) == len(lines)


def test_the_archive_holds_what_an_endpoint_needs(flights: Trained) -> None:
    with tarfile.open(flights.ml.base / "input" / "model" / "model.tar.gz") as archive:
        files = {member.name.removeprefix("./") for member in archive if member.isfile()}

    assert files == {"xgboost-model", "features.json", "code/inference.py"}


def test_the_same_data_and_seed_give_the_same_model(flights: Trained) -> None:
    before = (flights.ml.path / "model" / "xgboost-model").read_bytes()

    _, ended = prepare_and_train(flights.ml, contracts.FLIGHTS)

    assert ended.code == 0, ended.stderr
    assert (flights.ml.path / "model" / "xgboost-model").read_bytes() == before


def test_an_unknown_hyperparameter_is_refused(flights: Trained) -> None:
    ended = flights.ml.train({**defaults(), "learning_rate": 0.1})

    assert ended.code == 2
    assert "--learning_rate" in ended.stderr


def test_golden_records_are_spread_and_answered_alike_one_by_one(flights: Trained) -> None:
    predictions = [record["prediction"] for record in flights.golden]
    script = f"print(json.dumps([ask(line) for line in {[record['input'] for record in flights.golden]!r}]))"

    answers = json.loads(served(flights, script))

    assert len(predictions) == 20
    assert predictions == sorted(predictions)
    assert predictions[-1] - predictions[0] > 0.3
    assert [float(body) for body, _ in answers] == predictions
    assert {kind for _, kind in answers} == {"text/csv"}


def test_json_is_answered_in_json_and_agrees_with_csv(flights: Trained) -> None:
    features = json.loads(flights.ml.output("features/features.json").read_text())["features"]
    cells = flights.golden[7]["input"].split(",")
    instance = {
        feature["name"]: cell if feature["type"] == "string" else float(cell)
        for feature, cell in zip(features, cells, strict=True)
    }
    body = json.dumps({"instances": [instance, {**instance, "carrier": None, "hour": None}]})

    text, kind = json.loads(served(flights, f"print(json.dumps(ask({body!r}, 'application/json; charset=utf-8')))"))

    assert kind == "application/json"
    predictions = json.loads(text)["predictions"]
    assert predictions[0] == flights.golden[7]["prediction"]
    assert 0 < predictions[1] < 1


def test_a_category_that_training_never_saw_is_a_missing_value(flights: Trained) -> None:
    line = flights.golden[0]["input"].split(",")
    unseen, missing = ",".join([*line[:4], "??", *line[5:]]), ",".join([*line[:4], "", *line[5:]])

    body = "\n".join([unseen, missing])
    first, second = served(flights, f"print(ask({body!r}, accept='text/csv'), end='')").split()

    assert first == second


Request = tuple[str, str, str]
LINE = "2,19,1235,1410,WN,LGA,MKE,738,12,35"
REFUSED: dict[str, tuple[Request, str]] = {
    "a column missing": (
        (LINE.rpartition(",")[0], "text/csv", "*/*"),
        "row 1: column 'minute' is missing; expected 10",
    ),
    "a column too many": ((f"{LINE},1", "text/csv", "*/*"), "row 1: '1' comes after the last column 'minute'"),
    "a header": (
        ("month,day,a,b,c,d,e,f,g,h", "text/csv", "*/*"),
        "column 'month' row 1: expected a number, found 'month'",
    ),
    "a second row": ((f"{LINE}\n{LINE.replace('12,35', '12,x')}", "text/csv", "*/*"), "column 'minute' row 2"),
    "infinity": ((LINE.replace("738", "inf"), "text/csv", "*/*"), "column 'distance' row 1: expected a number"),
    "no row": (("\n", "text/csv", "*/*"), "the request holds no row"),
    "another content type": (
        ("a=1", "application/x-www-form-urlencoded", "*/*"),
        "content type 'application/x-www-form",
    ),
    "another accept": ((LINE, "text/csv", "image/png"), "accept 'image/png': expected text/csv or application/json"),
    "a number too large for 32 bits": ((LINE.replace("738", "1e39"), "text/csv", "*/*"), "column 'distance' row 1"),
    "a cell without end": (("x" * 200_000, "text/csv", "*/*"), "the request is not CSV: field larger than field limit"),
    "JSON without end": (("[" * 100_000, "application/json", "*/*"), "the request is not JSON: maximum recursion"),
    "no JSON": (("{", "application/json", "*/*"), "the request is not JSON"),
    "JSON of another shape": (("[1]", "application/json", "*/*"), 'expected {"instances": [{column: value}]}'),
    "an instance without a column": (
        ('{"instances": [{"month": 1}]}', "application/json", "*/*"),
        "column 'day' is missing",
    ),
}


def instance(**changes: object) -> str:
    names = contracts.features(contracts.FLIGHTS)
    values: dict[str, object] = dict(zip(names, (2, 19, 1235, 1410, "WN", "LGA", "MKE", 738, 12, 35), strict=True))
    return json.dumps({"instances": [{**values, **changes}]})


REFUSED |= {
    "a column nobody knows": (
        (instance(dep_delay=3), "application/json", "*/*"),
        "column 'dep_delay' is not a feature",
    ),
    "text for a number": ((instance(hour="noon"), "application/json", "*/*"), "column 'hour' row 1: expected a number"),
    "a number of 400 digits": (
        (instance(hour=10**400), "application/json", "*/*"),
        "column 'hour' row 1: expected a number",
    ),
    "true for a number": ((instance(hour=True), "application/json", "*/*"), "column 'hour' row 1: expected a number"),
    "a number for text": (
        (instance(carrier=7), "application/json", "*/*"),
        "column 'carrier' row 1: expected text, found 7",
    ),
}


def test_a_bad_request_is_answered_400_with_the_column(flights: Trained) -> None:
    requests = [request for request, _ in REFUSED.values()]

    answers = json.loads(served(flights, f"print(json.dumps([refuse(*request) for request in {requests!r}]))"))

    for case, (_, expected), answer in zip(REFUSED, REFUSED.values(), answers, strict=True):
        assert answer is not None, case
        assert answer[0] == 400, case
        assert expected in answer[1], case
