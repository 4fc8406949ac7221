"""Bias: Clarify's measures on counts that can be checked by hand, and drift from a baseline."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline_definitions.watch.scripts.analyze import bias
from pipeline_definitions.watch.scripts.analyze.bias import POST, PRE, Groups
from tests.support.analysis import CAPTURE, CSV, Job, captured, label, lines


def groups(a: tuple[int, int, int, int], d: tuple[int, int, int, int]) -> Groups:
    """Counts of hits, misses, false and rightly negative rows of everybody else and of the group."""
    labels = np.array([1, 1, 0, 0], bool)
    predicted = np.array([1, 0, 1, 0], bool)
    is_d = np.repeat([False, True], [sum(a), sum(d)])
    return Groups(is_d, np.repeat(np.tile(labels, 2), [*a, *d]), np.repeat(np.tile(predicted, 2), [*a, *d]))


def test_measures_of_two_groups() -> None:
    found = bias.measure(groups((30, 10, 10, 30), (5, 5, 2, 8)))

    q_a, q_d = 40 / 80, 10 / 20
    assert found[PRE]["CI"] == pytest.approx((80 - 20) / 100)
    assert found[PRE]["DPL"] == pytest.approx(q_a - q_d)
    p_a, p_d = 40 / 80, 7 / 20
    assert found[POST] == pytest.approx(
        {
            "DPPL": p_a - p_d,
            "DI": p_d / p_a,
            "AD": 60 / 80 - 13 / 20,
            "RD": 30 / 40 - 5 / 10,
            "SD": 8 / 10 - 30 / 40,
            "DAR": 30 / 40 - 5 / 7,
            "DRR": 8 / 13 - 30 / 40,
            "DCA": 40 / 40 - 10 / 7,
            "DCR": 10 / 13 - 40 / 40,
            "TE": 5 / 2 - 10 / 10,
        }
    )


def test_distances_of_label_distributions() -> None:
    found = bias.measure(groups((60, 0, 0, 20), (5, 0, 0, 15)))[PRE]

    a, d = np.array([0.25, 0.75]), np.array([0.75, 0.25])
    assert found["KL"] == pytest.approx(np.sum(a * np.log(a / d)))
    assert found["JS"] == pytest.approx(np.sum(a * np.log(a / 0.5)))
    assert (found["LP"], found["TVD"], found["KS"]) == pytest.approx((0.5 * 2**0.5, 0.5, 0.5))


def test_what_has_no_value_is_none_and_without_labels_only_predictions_count() -> None:
    none = bias.measure(groups((5, 5, 5, 5), (0, 0, 0, 0)))
    unlabelled = bias.measure(Groups(np.array([True, False]), None, np.array([True, True])))

    assert none[PRE]["CI"] == 1
    assert {none[PRE]["DPL"], none[POST]["DI"], none[POST]["AD"]} == {None}
    assert unlabelled == {PRE: {"CI": 0}, POST: {"DPPL": 0, "DI": 1}}


@pytest.mark.parametrize(
    ("name", "before", "now", "is_worse"),
    [
        ("DPPL", 0.1, -0.2, True),
        ("DPPL", -0.2, 0.1, False),
        ("DI", 0.9, 0.5, True),
        ("DI", 0.5, 0.9, False),
        ("DI", None, 0.5, False),
    ],
)
def test_further_from_neutral_is_drift(name: str, before: float | None, now: float, is_worse: bool) -> None:
    found = list(bias.drifted({name: now}, {name: before}))

    said = f"Metric value {now} doesn't meet the baseline constraint requirement {before}"
    assert found == ([(name, said)] if is_worse else [])


def test_captured_answers_are_compared_with_the_training_data(tmp_path: Path) -> None:
    words = ("--facet", "sex", "--facet-values", "f", "--probability-attribute", "p")
    job = Job(tmp_path)
    job.put("data/a.csv", "sex,p,label\n" + "m,0.9,1\nf,0.9,1\nm,0.1,0\nf,0.1,0\n")
    assert job.run("bias", *words, form=CSV) == 0, job.message
    job.put("baseline/analysis.json", (job.base / "output/report/analysis.json").read_bytes())
    (job.base / "input/data/a.csv").unlink()
    merged = []
    for number, (sex, p) in enumerate([("m", "0.9"), ("f", "0.2"), ("m", "0.1"), ("f", "0.1")]):
        record = captured(
            f'{{"sex": "{sex}"}}', f'{{"p": {p}}}', event_id=str(number), kind=("application/json", "JSON")
        )
        merged.append(f'{record[:-1]}, "groundTruthData": {{"data": "{int(number < 2)}", "encoding": "CSV"}}}}')
    job.put("data/a.jsonl", lines(merged))
    form = '{"sagemakerCaptureJson": {}}'

    assert job.run("bias", *words, form=form) == 0, job.message

    found = {item["metric_name"]: item for item in job.report("constraint_violations.json")["violations"]}
    assert set(found) == {"DPPL", "DI", "AD", "RD", "DRR", "DCR"}
    assert found["DPPL"] == {
        "facet": "sex",
        "facet_value": "f",
        "metric_name": "DPPL",
        "constraint_check_type": "bias_drift_check",
        "description": "Metric value 0.5 doesn't meet the baseline constraint requirement 0.0",
    }
    data = {datum["MetricName"]: datum for datum in job.report("report.json")["metrics"]}
    assert data["bias_metric_DPPL"]["Value"] == 0.5
    assert {"Name": "FacetValue", "Value": "f"} in data["bias_metric_DPPL"]["Dimensions"]


def test_a_facet_that_is_not_there_is_named(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("data/a.csv", "x\n1\n")

    assert job.run("bias", "--facet", "sex", "--facet-values", "f", form=CSV) == 1
    assert job.message == "no facet 'sex' among x"


def test_labels_of_a_merged_record_become_a_column(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("baseline/constraints.json", "{}")
    job.put("data/a.jsonl", lines([captured("f,1", "0.9")]))
    job.put("labels/a.jsonl", lines([label("e1", "1")]))
    assert job.run("model-quality") == 0
    job.put("data/a.jsonl", (job.base / "output/merge/part-00000.jsonl").read_bytes())

    words = ("--facet", "_c1", "--facet-values", "f", "--probability-attribute", "_c0")
    assert job.run("bias", *words, form='{"sagemakerCaptureJson": {}}') == 0, job.message

    assert job.report("analysis.json")[PRE]["label"] == "label"


CONTRACT = {
    "columns": [{"name": "sex", "type": "string", "role": "feature"}],
    "monitoring": {"bias": {"facet": "sex", "facet_values": ["f"], "margin": 0.1, "metrics": ["DPPL", "AD"]}},
}


def against_the_holdout(tmp_path: Path, answers: list[tuple[str, str, str]], labels: bool = True) -> Job:
    """Captured answers (sex, probability, label) compared with a hold-out on which both groups fared alike."""
    job = Job(tmp_path)
    job.put("contract/contract.json", json.dumps(CONTRACT))
    job.put("holdout/holdout.csv", "sex,late\nm,1\nf,1\nm,0\nf,0\n")
    job.put("predictions/predictions.csv", "label,prediction\n1,0.9\n1,0.9\n0,0.1\n0,0.1\n")
    job.put("data/a.jsonl", lines(captured(sex, p, event_id=str(n)) for n, (sex, p, _) in enumerate(answers)))
    truths = [label(str(n), truth) for n, (_, _, truth) in enumerate(answers)] if labels else ["\n"]
    job.put("labels/2026/01/02/03/a.jsonl", lines(truths))
    words = ("--contract", str(job.base / "input/contract/contract.json"), "--probability-attribute", "prediction")
    assert job.run("bias", *words, form=CAPTURE) == 0, job.message
    return job


def test_answers_are_compared_with_the_versions_own_holdout_by_the_measures_that_are_asked_for(tmp_path: Path) -> None:
    job = against_the_holdout(tmp_path, [("m", "0.9", "1"), ("f", "0.2", "1"), ("m", "0.1", "0"), ("f", "0.1", "0")])

    found = [item["metric_name"] for item in job.report("constraint_violations.json")["violations"]]
    assert found == ["DPPL", "AD"]
    published = {datum["MetricName"] for datum in job.report("report.json")["metrics"]}
    assert {"bias_metric_DI", "bias_metric_AD", "monitor_violations"} <= published


def test_what_fares_as_on_the_holdout_within_the_margin_violates_nothing(tmp_path: Path) -> None:
    alike = [("m", "0.9", "1"), ("f", "0.8", "1"), ("m", "0.1", "0"), ("f", "0.1", "0")]

    job = against_the_holdout(tmp_path, alike)

    assert job.report("constraint_violations.json")["violations"] == []


def test_without_any_label_the_answers_alone_are_judged(tmp_path: Path) -> None:
    job = against_the_holdout(tmp_path, [("m", "0.9", ""), ("f", "0.2", "")], labels=False)

    published = {datum["MetricName"] for datum in job.report("report.json")["metrics"]}
    assert "bias_metric_DPPL" in published
    assert "bias_metric_AD" not in published


def test_a_job_without_a_facet_says_where_to_name_one(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("data/a.csv", "sex,label\nm,1\n")

    assert job.run("bias", form=CSV) == 1
    assert "say --facet, or monitoring.bias in the contract" in job.message
