"""Model quality: labels that are late, repeated, corrected, missing or of others; many rows a request; AWS's files."""

import json
import random
from pathlib import Path

import pytest

from tests.support.analysis import CSV, Job, captured, label, lines

HOUR = "2026/01/02/05"


def job(
    tmp_path: Path, *, baseline: str = "label,p\n" + "1,0.9\n0,0.1\n1,0.8\n0,0.4\n", words: tuple[str, ...] = ()
) -> Job:
    made = Job(tmp_path)
    made.put("data/a.csv", baseline)
    assert made.run("model-quality-baseline", "--probability-attribute", "p", *words, form=CSV) == 0, made.message
    made.put("baseline/constraints.json", json.dumps(made.report("constraints.json")))
    (made.base / "input/data/a.csv").unlink()
    return made


def test_answers_that_get_worse_violate_the_baseline(tmp_path: Path) -> None:
    made = job(tmp_path)
    answers = {"e1": "0.9", "e2": "0.8", "e3": "0.2", "e4": "0.3"}
    made.put("data/2026/01/02/03/a.jsonl", lines(captured("1", p, event_id=name) for name, p in answers.items()))
    truth = {"e1": "0", "e2": "1", "e3": "0", "e4": "1"}
    made.put(f"labels/{HOUR}/a.jsonl", lines(label(name, value) for name, value in truth.items()))

    assert made.run("model-quality") == 0, made.message

    found = made.report("statistics.json")["binary_classification_metrics"]
    assert (found["accuracy"]["value"], found["auc"]["value"]) == (0.5, 0.5)
    assert made.violations["auc", "LessThanThreshold"] == "Metric auc with 0.5 +/- NaN was LessThanThreshold '1.0'"
    assert made.message.startswith("CompletedWithViolations: ")


def test_what_became_of_each_label_is_counted(tmp_path: Path) -> None:
    made = job(tmp_path)
    known = ["never", "twice", "corrected", "late", "fine"]
    made.put(
        "data/a.jsonl",
        lines([*(captured("1", "0.9", event_id=name) for name in known), captured("1", "0.1", event_id="fine"), "{"]),
    )
    early = [label("twice", "1"), label("corrected", "0"), label("fine", "1"), label("another's", "1"), "{}"]
    made.put(f"labels/{HOUR}/a.jsonl", lines(early))
    made.put("labels/2026/01/12/05/a.jsonl", lines([label("twice", "1"), label("corrected", "1"), label("late", "1")]))

    assert made.run("model-quality", "--label-delay-max-s", "86400") == 0

    report = made.report("report.json")
    assert report["labels"] == {"repeated": 1, "corrected": 1, "unreadable": 1}
    merged = report["merged"]
    assert (merged["captured"], merged["labelled"], merged["unlabelled"]) == (5, 4, 1)
    assert (merged["captured_again"], merged["late"], merged["of_others"]) == (1, 2, 1)
    assert report["captured"]["unreadable"] == 1
    assert made.report("statistics.json")["binary_classification_metrics"]["accuracy"]["value"] == 1


def test_a_request_of_many_rows_has_as_many_labels(tmp_path: Path) -> None:
    made = job(tmp_path)
    made.put(
        "data/a.jsonl", lines([captured("1\n2", "0.9\n0.1", event_id="a"), captured("1\n2", "0.9\n0.1", event_id="b")])
    )
    made.put("labels/a.jsonl", lines([label("a", "[1, 0]", "JSON"), label("b", "1")]))

    assert made.run("model-quality") == 0

    report = made.report("report.json")
    assert report["rows"] == 2
    assert report["unusable"] == {"requests": 1, "examples": ["b: 1 labels for 2 rows"]}


def test_the_merge_jobs_output_is_aws(tmp_path: Path) -> None:
    made = job(tmp_path)
    line = captured("1", "0.9", event_id="e", about={"inferenceId": "mine"})
    made.put("data/a.jsonl", lines([line]))
    made.put("labels/a.jsonl", lines([label("mine", "1")]))

    assert made.run("model-quality") == 0

    merged = json.loads((made.base / "output/merge/part-00000.jsonl").read_text())
    assert merged == {**json.loads(line), "groundTruthData": {"data": "1", "encoding": "CSV"}}


def test_labels_that_never_come_are_told_by_a_metric(tmp_path: Path) -> None:
    made = job(tmp_path)
    made.put("data/a.jsonl", lines([captured("1", "0.9")]))

    assert made.run("model-quality") == 0

    published = {datum["MetricName"]: datum["Value"] for datum in made.report("report.json")["metrics"]}
    assert published == {"monitor_violations": 0, "monitor_rows": 0, "monitor_labelled": 0}


def test_no_captured_requests_fail_in_aws_words(tmp_path: Path) -> None:
    made = job(tmp_path)

    assert made.run("model-quality") == 1
    assert made.message == "Job inputs had no data: 0 captured lines, 0 of them outside of the window"


@pytest.mark.parametrize(
    ("problem", "answers", "truth", "key", "metric"),
    [
        ("MulticlassClassification", ["a,0.7", "b,0.9"], ["a", "c"], "multiclass_classification_metrics", "accuracy"),
        ("Regression", ["1.5", "2.5"], ["1", "2"], "regression_metrics", "mae"),
    ],
)
def test_other_problems_have_their_own_metrics(
    tmp_path: Path, problem: str, answers: list[str], truth: list[str], key: str, metric: str
) -> None:
    made = Job(tmp_path)
    made.put("baseline/constraints.json", "{}")
    made.put("data/a.jsonl", lines(captured("1", answer, event_id=str(n)) for n, answer in enumerate(answers)))
    made.put("labels/a.jsonl", lines(label(str(n), value) for n, value in enumerate(truth)))

    assert made.run("model-quality", "--problem-type", problem, "--inference-attribute", "0") == 0

    assert made.report("statistics.json")[key][metric]["value"] == 0.5


def test_json_answers_are_read_by_name(tmp_path: Path) -> None:
    made = job(tmp_path)
    answer = '{"predictions": [{"p": 0.9, "class": 1}, {"p": 0.2, "class": 0}]}'
    request = '{"instances": [{"x": 1}, {"x": 2}]}'
    made.put("data/a.jsonl", lines([captured(request, answer, kind=("application/json", "JSON"))]))
    made.put("labels/a.jsonl", lines([label("e1", "1,0")]))

    words = ("--probability-attribute", "p", "--inference-attribute", "class")
    assert made.run("model-quality", *words) == 0

    assert made.violations == {}
    assert made.report("report.json")["rows"] == 2


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    made = Job(tmp_path)
    made.put("data/a.csv", "label,p\n1,0.5\n")

    assert made.run("model-quality-baseline", "--probability-attribute", "score", form=CSV) == 1
    assert made.message == "no 'score' among p"


def test_a_large_window_is_merged_whatever_its_order(tmp_path: Path) -> None:
    made = job(tmp_path)
    chance = random.Random(1)
    names = [f"e{n}" for n in range(3000)]
    made.put("data/a.jsonl", lines(captured("1", f"{chance.random():.3f}", event_id=name) for name in names))
    chance.shuffle(names)
    made.put("labels/a.jsonl", lines(label(name, str(chance.randrange(2))) for name in names))

    assert made.run("model-quality") == 0

    auc = made.report("statistics.json")["binary_classification_metrics"]["auc"]
    assert auc["value"] == pytest.approx(0.5, abs=0.05)
    assert 0 < auc["standard_deviation"] < 0.02
