"""The packed program in its image's runner, which holds no polars: it comes with the wheels."""

import json
from pathlib import Path

import pytest

from pipeline_definitions.shared import wheels
from tests.support.scripts import SKLEARN, MlDir

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
