"""Training jobs follow the toolkit's script-mode contract."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from emulator.kernel.errors import AwsError, EmulatorError
from tests.support.emulator import World
from tests.unit.emulator.sagemaker.requests import job_end, tarball, training, training_arguments

SAVE_FACTS = """
import json, os, sys, pathlib, helper
model = pathlib.Path(os.environ["SM_MODEL_DIR"])
facts = {"argv": sys.argv[1:], "env": dict(os.environ), "data": os.listdir(os.environ["SM_CHANNEL_TRAIN"]),
         "config": {p.name: json.loads(p.read_text()) for p in pathlib.Path("/opt/ml/input/config").iterdir()}}
(model / "facts.json").write_text(json.dumps(facts))
(model / "code").mkdir(); (model / "code" / "inference.py").write_text(helper.TEXT)
print("auc=0.5"); print("auc=0.75")
"""


@pytest.fixture
def data(aws: World) -> World:
    aws.s3.put("s3://bucket/data/train.csv", "1,2")
    return aws


def files_of(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def test_a_script_gets_arguments_environment_and_files_and_its_model_goes_to_s3(data: World) -> None:
    data.s3.put("s3://bucket/source.tar.gz", tarball(train_py=SAVE_FACTS, helper_py="TEXT = 'x'"))
    hyperparameters = training_arguments(num_round="150", n="2", rate="0.10", name="plain")["HyperParameters"]

    data.sagemaker("CreateTrainingJob", **training(HyperParameters=hyperparameters, Environment={"MODE": "x"}))

    job = job_end(data, "job", "TrainingJob")
    assert job["ModelArtifacts"] == {"S3ModelArtifacts": "s3://bucket/models/job/output/model.tar.gz"}
    files = files_of(data.s3.get("s3://bucket/models/job/output/model.tar.gz"))
    facts = json.loads(files["facts.json"])
    assert facts["argv"] == ["-n", "2", "--name", "plain", "--num_round", "150", "--rate", "0.1"]
    assert (facts["data"], files["code/inference.py"]) == (["train.csv"], b"x")
    assert facts["config"]["hyperparameters.json"]["num_round"] == "150"
    assert facts["config"]["resourceconfig.json"]["current_host"] == "algo-1"
    env = facts["env"]
    assert (env["SM_HP_NUM_ROUND"], env["SM_USER_ENTRY_POINT"], env["MODE"]) == ("150", "train.py", "x")
    assert json.loads(env["SM_HPS"]) == {"num_round": 150, "n": 2, "rate": 0.1, "name": "plain"}
    assert env["TRAINING_JOB_NAME"] == "job"


def test_the_last_value_of_a_metric_is_its_final_value_and_the_statuses_follow_each_other(data: World) -> None:
    data.s3.put("s3://bucket/source.tar.gz", tarball(train_py="print('auc=0.5'); print('auc=0.75')"))

    data.sagemaker("CreateTrainingJob", **training())

    job = job_end(data, "job", "TrainingJob")
    assert [(item["MetricName"], item["Value"]) for item in job["FinalMetricDataList"]] == [("auc", 0.75)]
    passed = [item["Status"] for item in job["SecondaryStatusTransitions"]]
    assert passed == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    details = data.events.details("Training Job State Change")
    assert [detail["SecondaryStatus"] for detail in details] == passed
    assert isinstance(details[-1]["CreationTime"], int)


def test_the_same_model_gives_the_same_archive(data: World) -> None:
    data.s3.put("s3://bucket/source.tar.gz", tarball(train_py="open('/opt/ml/model/m', 'w').write('m')"))
    archives = []
    for name in ("one", "two"):
        data.sagemaker("CreateTrainingJob", **training(name))
        job_end(data, name, "TrainingJob")
        archives.append(data.s3.get(f"s3://bucket/models/{name}/output/model.tar.gz"))

    assert archives[0] == archives[1]


def test_a_script_that_raises_fails_the_job_with_its_traceback(data: World) -> None:
    data.s3.put("s3://bucket/source.tar.gz", tarball(train_py="print('working')\nraise ValueError('no such column')"))

    data.sagemaker("CreateTrainingJob", **training())

    job = job_end(data, "job", "TrainingJob")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith('AlgorithmError: ExecuteUserScriptError: ExitCode 1 ErrorMessage "Traceback')
    assert 'ValueError: no such column"' in job["FailureReason"]
    assert job["FailureReason"].endswith(", exit code: 1")
    assert data.s3.keys("bucket") == ["data/train.csv", "source.tar.gz"]


def test_what_a_script_writes_to_the_failure_file_is_the_reason(data: World) -> None:
    script = "open('/opt/ml/output/failure', 'w').write('too few rows'); raise SystemExit(2)"
    data.s3.put("s3://bucket/source.tar.gz", tarball(train_py=script))

    data.sagemaker("CreateTrainingJob", **training())

    assert job_end(data, "job", "TrainingJob")["FailureReason"] == "AlgorithmError: too few rows, exit code: 2"


def test_a_stopped_job_keeps_the_model_it_has(data: World) -> None:
    script = "import signal; open('/opt/ml/model/m', 'w').write('m'); print('armed'); signal.pause()"
    data.s3.put("s3://bucket/source.tar.gz", tarball(train_py=script))
    data.sagemaker("CreateTrainingJob", **training())
    data.logs.wait("armed")

    data.sagemaker("StopTrainingJob", TrainingJobName="job")

    job = job_end(data, "job", "TrainingJob")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert files_of(data.s3.get("s3://bucket/models/job/output/model.tar.gz")) == {"m": b"m"}


def test_a_job_over_its_time_is_stopped_and_says_so(data: World) -> None:
    data.s3.put("s3://bucket/source.tar.gz", tarball(train_py="import signal; signal.pause()"))

    data.sagemaker("CreateTrainingJob", **training(StoppingCondition={"MaxRuntimeInSeconds": 1}))

    job = job_end(data, "job", "TrainingJob")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_requirements_are_refused_by_name(data: World) -> None:
    data.s3.put("s3://bucket/source.tar.gz", tarball(train_py="", requirements_txt="polars"))

    data.sagemaker("CreateTrainingJob", **training())

    reason = job_end(data, "job", "TrainingJob")["FailureReason"]
    assert reason == (
        "ClientError: requirements.txt in s3://bucket/source.tar.gz: installing packages is not emulated yet"
    )


def test_a_channel_without_objects_is_refused_at_once(aws: World) -> None:
    with pytest.raises(AwsError, match='No S3 objects found under S3 URL "s3://bucket/data/"') as refusal:
        aws.sagemaker("CreateTrainingJob", **training())

    assert refusal.value.code == "ValidationException"


def test_built_in_algorithms_are_refused_by_name(data: World) -> None:
    with pytest.raises(EmulatorError, match="built-in algorithms are not emulated yet"):
        data.sagemaker("CreateTrainingJob", **training(HyperParameters={"num_round": "1"}))


def test_an_entry_point_of_ones_own_runs_as_it_stands(data: World) -> None:
    algorithm = {**training_arguments()["AlgorithmSpecification"], "ContainerEntrypoint": ["/bin/sh", "-c"]}
    algorithm["ContainerArguments"] = ["cat /opt/ml/input/data/train/train.csv > /opt/ml/model/copy"]

    data.sagemaker("CreateTrainingJob", **training(AlgorithmSpecification=algorithm, HyperParameters={}))

    job_end(data, "job", "TrainingJob")
    assert files_of(data.s3.get("s3://bucket/models/job/output/model.tar.gz")) == {"copy": b"1,2"}
