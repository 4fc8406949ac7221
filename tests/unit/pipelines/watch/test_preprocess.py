"""A user's own Python makes rows of captured lines, and runs when the analysis is done."""

from pathlib import Path

import pytest

from tests.support.analysis import CAPTURE, Job, captured, lines

TWO_NAMES = """
def preprocess_handler(inference_record, logger):
    logger.info("at " + inference_record.event_metadata.event_id)
    hour, carrier = inference_record.endpoint_input.data.split(",")
    if carrier == "skipped":
        return []
    return {"hour": int(hour), "late": float(inference_record.endpoint_output.data)}
"""


@pytest.fixture
def job(tmp_path: Path) -> Job:
    found = Job(tmp_path)
    rows = [captured("7,AA", "0.5", event_id="e0"), captured("8,skipped", "0.5", event_id="e1")]
    found.put("data/a.jsonl", lines(rows))
    return found


def run(job: Job, code: str, option: str = "--preprocessor") -> int:
    script = job.path / "script.py"
    script.write_text(code)
    return job.run("baseline", option, str(script), form=CAPTURE)


def test_its_rows_are_analyzed_in_place_of_ours(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(job, TWO_NAMES) == 0

    found = job.report("statistics.json")
    assert found["dataset"]["item_count"] == 1
    assert [(item["name"], item["inferred_type"]) for item in found["features"]] == [
        ("hour", "Integral"),
        ("late", "Fractional"),
    ]
    assert "at e0" in capsys.readouterr().out


def test_a_list_of_rows_and_a_handler_without_a_logger_are_fine(job: Job) -> None:
    assert run(job, "def preprocess_handler(record):\n    return [{'n': 1}, {'n': 2}]\n") == 0

    assert job.report("statistics.json")["dataset"]["item_count"] == 4


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def other(record): ...", "expected a function preprocess_handler"),
        ("def preprocess_handler(record): return 1 / 0", "failed at event e0: ZeroDivisionError"),
        ("import nothing_of_the_kind", "cannot be loaded: ModuleNotFoundError"),
    ],
)
def test_a_script_that_does_not_work_fails_the_job_and_says_why(job: Job, code: str, said: str) -> None:
    assert run(job, code) == 1

    assert said in job.message


def test_the_postprocessor_runs_after_the_analysis(job: Job) -> None:
    report, seen = job.base / "output/report/statistics.json", job.path / "seen"
    code = f"import shutil\ndef postprocess_handler():\n    shutil.copy({str(report)!r}, {str(seen)!r})\n"

    assert run(job, code, "--postprocessor") == 0

    assert seen.read_text() == report.read_text()
