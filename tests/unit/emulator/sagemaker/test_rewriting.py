"""Where the system refuses namespaces, /opt/ml is rewritten, and jobs and servers run all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.services import sagemaker, sagemaker_runtime
from tests.support.emulator import World, world
from tests.unit.emulator.sagemaker.requests import job_end, processing, tarball, training
from tests.unit.emulator.sagemaker.test_endpoints import deploy, invoke, up


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[World]:
    owned = {"sagemaker": sagemaker.OPERATIONS, "sagemaker-runtime": sagemaker_runtime.OPERATIONS}
    made = world(tmp_path, owned, isolation="rewrite")
    yield made
    made.close()


def test_a_processing_job_finds_its_directories_and_its_log_says_how(plain: World) -> None:
    plain.s3.put("s3://bucket/code/script.py", "open('/opt/ml/processing/output/result/x', 'w').write('1')")

    plain.sagemaker("CreateProcessingJob", **processing())

    assert job_end(plain, "job")["ProcessingJobStatus"] == "Completed"
    assert plain.s3.get("s3://bucket/result/x") == b"1"
    assert "no namespaces here" in plain.logs.messages["/aws/sagemaker/ProcessingJobs"][0]
    assert not Path("/opt/ml").exists()


def test_a_training_job_finds_its_directories(plain: World) -> None:
    plain.s3.put("s3://bucket/data/a", "1")
    script = "import os; open(os.environ['SM_MODEL_DIR'] + '/m', 'w').write(open('/opt/ml/input/data/train/a').read())"
    plain.s3.put("s3://bucket/source.tar.gz", tarball(train_py=script))

    plain.sagemaker("CreateTrainingJob", **training())

    assert job_end(plain, "job", "TrainingJob")["TrainingJobStatus"] == "Completed"
    assert "models/job/output/model.tar.gz" in plain.s3.keys("bucket")


def test_an_endpoint_finds_its_model(plain: World) -> None:
    up(plain, deploy(plain, "one"))

    assert b'"one"' in invoke(plain)["Body"]
    plain.sagemaker("DeleteEndpoint", EndpointName="e")
    plain.logs.wait("[emulator] model server of variant champion ended with exit code 0")
