"""The packed program in its image's runner, which holds no polars: it comes with the wheels."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline_definitions.shared import wheels
from tests.support.scripts import ROOT, SKLEARN, MlDir

pytestmark = pytest.mark.xdist_group("wheels")


def test_the_program_runs_in_its_image(tmp_path: Path) -> None:
    ml = MlDir(tmp_path)
    ml.put("wheels/0123abcd.zip", wheels.wheel_archive(SKLEARN))
    ml.put("data/a.csv", b"hour,carrier\n1,AA\n2,BB\n")

    ended = ml.process(SKLEARN, "watch/scripts/analyze.pyz", "--analysis", "baseline")

    assert ended.code == 0, ended.stderr
    features = json.loads(ml.output("report/statistics.json").read_text())["features"]
    assert [feature["inferred_type"] for feature in features] == ["Integral", "String"]
    assert ended.message == "Completed: Job completed successfully with no violations."


def test_without_its_wheels_the_program_says_what_is_missing(tmp_path: Path) -> None:
    ended = MlDir(tmp_path).process(SKLEARN, "watch/scripts/analyze.pyz", "--analysis", "baseline")

    assert ended.code == 1
    assert ended.message
    assert "expected one archive of wheels, found nothing" in ended.message


def test_what_few_analyses_need_the_others_do_not_wait_for() -> None:
    script = "import sys; import pipeline_definitions.watch.scripts.analyze.program; print(*sorted(sys.modules))"
    words = [sys.executable, "-c", script]
    loaded = subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT).stdout.split()

    assert "polars" in loaded
    assert not {"scipy", "boto3", "xgboost", "sklearn"} & set(loaded)
