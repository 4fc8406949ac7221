"""Metrics of predictions, against scikit-learn's where it has them."""

import numpy as np
import pytest
from sklearn import metrics as sk

from pipeline_definitions.watch.scripts.analyze import quality, quality_file
from pipeline_definitions.watch.scripts.analyze.quality import BINARY, MULTICLASS, REGRESSION, Observed

RNG = np.random.default_rng(3)
SCORES = RNG.uniform(size=1000).round(2)
LABELS = (RNG.uniform(size=1000) < SCORES).astype(int)
TWO = Observed(LABELS, (SCORES >= 0.5).astype(int), SCORES)


def test_two_classes() -> None:
    values = quality.binary(TWO)

    expected = {
        "recall": sk.recall_score(LABELS, TWO.predicted),
        "precision": sk.precision_score(LABELS, TWO.predicted),
        "accuracy": sk.accuracy_score(LABELS, TWO.predicted),
        "auc": sk.roc_auc_score(LABELS, SCORES),
        **{
            name: sk.fbeta_score(LABELS, TWO.predicted, beta=beta)
            for name, beta in (("f0_5", 0.5), ("f1", 1), ("f2", 2))
        },
    }
    assert {name: values[name] for name in expected} == pytest.approx(expected)
    assert values["true_positive_rate"] + values["false_negative_rate"] == pytest.approx(1)
    assert values["true_negative_rate"] + values["false_positive_rate"] == pytest.approx(1)


def test_the_best_constant_classifier_says_what_pays_best() -> None:
    values = quality.binary(Observed(np.array([1, 0, 0, 0]), np.array([1, 0, 0, 1])))

    assert values["accuracy_best_constant_classifier"] == 0.75
    assert values["recall_best_constant_classifier"] == 1
    assert values["f1_best_constant_classifier"] == pytest.approx(0.4)
    assert "auc" not in values


def test_many_classes_are_weighted_by_their_rows() -> None:
    names = np.array(["a", "b", "c"])
    labels, predicted = RNG.choice(names, 500, p=[0.6, 0.3, 0.1]), RNG.choice(names, 500)

    values = quality.multiclass(Observed(labels, predicted))

    precision, recall, f2, _ = sk.precision_recall_fscore_support(labels, predicted, beta=2, average="weighted")
    assert (values["weighted_precision"], values["weighted_recall"], values["weighted_f2"]) == pytest.approx(
        (precision, recall, f2)
    )
    assert values["accuracy"] == pytest.approx(recall)
    assert values["accuracy_best_constant_classifier"] == pytest.approx(np.mean(labels == "a"))


def test_numbers() -> None:
    labels = RNG.normal(size=300)
    predicted = labels + RNG.normal(0, 0.3, 300)

    values = quality.regression(Observed(labels, predicted))

    assert values == pytest.approx(
        {
            "mae": sk.mean_absolute_error(labels, predicted),
            "mse": sk.mean_squared_error(labels, predicted),
            "rmse": sk.root_mean_squared_error(labels, predicted),
            "r2": sk.r2_score(labels, predicted),
        }
    )


def test_the_file_has_curves_a_confusion_matrix_and_deviations() -> None:
    found = quality.measure(BINARY, TWO)

    matrix = sk.confusion_matrix(LABELS, TWO.predicted)
    assert found["confusion_matrix"] == {str(i): {str(j): int(matrix[i, j]) for j in (0, 1)} for i in (0, 1)}
    curve = found["receiver_operating_characteristic_curve"]
    area = np.trapezoid(curve["true_positive_rates"], curve["false_positive_rates"])
    assert area == pytest.approx(found["auc"]["value"], abs=1e-3)
    assert 0 < found["auc"]["standard_deviation"] < 0.02
    assert quality.measure(BINARY, TWO) == found


def test_few_rows_have_no_deviation_and_one_class_no_area() -> None:
    found = quality.measure(BINARY, TWO.at(np.flatnonzero(LABELS)[:150]))

    assert found["recall"]["standard_deviation"] == "NaN"
    assert found["auc"] == {"value": "NaN", "standard_deviation": "NaN"}


@pytest.mark.parametrize(
    ("problem", "observed", "operators"),
    [
        (BINARY, TWO, {"auc": "LessThanThreshold", "false_positive_rate": "GreaterThanThreshold"}),
        (MULTICLASS, Observed(LABELS, TWO.predicted), {"weighted_f1": "LessThanThreshold"}),
        (REGRESSION, Observed(SCORES, SCORES + 0.1), {"rmse": "GreaterThanThreshold", "r2": "LessThanThreshold"}),
    ],
)
def test_the_baseline_is_the_threshold(problem: str, observed: Observed, operators: dict[str, str]) -> None:
    measured = quality.measure(problem, observed)
    constraints = quality_file.suggest(problem, measured, 0.0)

    (asked,) = (value for key, value in constraints.items() if key.endswith("_constraints"))
    assert {name: asked[name]["comparison_operator"] for name in operators} == operators
    assert not any("constant" in name for name in asked)
    assert quality_file.violations(problem, measured, constraints) == []


def test_worse_than_the_baseline_violates_unless_within_the_margin() -> None:
    before = quality.measure(BINARY, TWO)
    worse = {**before, "auc": {"value": before["auc"]["value"] * 0.97, "standard_deviation": 0.01}}

    (violation,) = quality_file.violations(BINARY, worse, quality_file.suggest(BINARY, before, 0.0))

    assert (violation.feature_name, violation.constraint_check_type) == ("auc", "LessThanThreshold")
    assert violation.description.startswith("Metric auc with 0.")
    assert violation.description.endswith(f" +/- 0.01 was LessThanThreshold '{before['auc']['value']}'")
    assert quality_file.violations(BINARY, worse, quality_file.suggest(BINARY, before, 0.05)) == []
