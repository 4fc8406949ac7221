"""Processing jobs really run, in an /opt/ml of their own and in their image's environment."""

from __future__ import annotations

import json

import pytest

from emulator.kernel.errors import AwsError, EmulatorError
from tests.support.emulator import ROLE, World
from tests.unit.emulator.sagemaker.requests import job_end, processing, processing_arguments, s3_input

OUT = "/opt/ml/processing/output/result"


def test_a_job_reads_its_inputs_and_its_output_directory_goes_to_s3(aws: World) -> None:
    aws.s3.put(
        "s3://bucket/code/script.py",
        f"""
import pathlib, sys
rows = [p.read_text() for p in sorted(pathlib.Path("/opt/ml/processing/input/data").rglob("*.csv"))]
out = pathlib.Path("{OUT}/sub"); out.mkdir()
(out / "sum.txt").write_text(" ".join(rows) + sys.argv[2])
""",
    )
    for name in ("a.csv", "b.csv", "deep/c.csv"):
        aws.s3.put(f"s3://bucket/data/{name}", name)
    request = processing(**processing_arguments("s3://bucket/code/script.py", "--x", "1"))
    request["ProcessingInputs"].append(s3_input("data", "s3://bucket/data", "/opt/ml/processing/input/data"))

    aws.sagemaker("CreateProcessingJob", **request, Tags=[{"Key": "team", "Value": "a"}])

    job = job_end(aws, "job")
    assert (job["ProcessingJobStatus"], aws.s3.get("s3://bucket/result/sub/sum.txt")) == (
        "Completed",
        b"a.csv b.csv deep/c.csv1",
    )
    assert job["ProcessingStartTime"] <= job["ProcessingEndTime"]
    statuses = [detail["ProcessingJobStatus"] for detail in aws.events.details("Processing Job State Change")]
    assert statuses[0] == "InProgress"
    assert statuses[-1] == "Completed"
    assert aws.events.all[-1][1]["Tags"] == {"team": "a"}


def test_a_manifest_names_the_objects_of_an_input(aws: World) -> None:
    script = f"import os; open('{OUT}/names', 'w').write(str(sorted(os.listdir('/opt/ml/processing/input/data'))))"
    aws.s3.put("s3://bucket/code/script.py", script)
    aws.s3.put("s3://bucket/m.json", json.dumps([{"prefix": "s3://bucket/data/"}, "a.csv"]))
    for name in ("a.csv", "b.csv"):
        aws.s3.put(f"s3://bucket/data/{name}", name)
    request = processing()
    data = s3_input("data", "s3://bucket/m.json", "/opt/ml/processing/input/data", "ManifestFile")
    request["ProcessingInputs"].append(data)

    aws.sagemaker("CreateProcessingJob", **request)

    job_end(aws, "job")
    assert aws.s3.get("s3://bucket/result/names") == b"['a.csv']"


def test_a_failing_job_keeps_its_exit_code_its_message_and_its_files(aws: World) -> None:
    aws.s3.put(
        "s3://bucket/code/script.py",
        f"""
open("{OUT}/report.json", "w").write("{{}}")
open("/opt/ml/output/message", "w").write("column 'x' is missing")
raise SystemExit(3)
""",
    )

    aws.sagemaker("CreateProcessingJob", **processing())

    job = job_end(aws, "job")
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 3"
    assert job["ExitMessage"] == "column 'x' is missing"
    assert aws.s3.get("s3://bucket/result/report.json") == b"{}"


def test_a_module_that_the_image_does_not_hold_cannot_be_imported(aws: World) -> None:
    aws.s3.put("s3://bucket/code/script.py", "import polars")

    aws.sagemaker("CreateProcessingJob", **processing())

    assert job_end(aws, "job")["ProcessingJobStatus"] == "Failed"
    log = aws.logs.messages["/aws/sagemaker/ProcessingJobs"]
    assert log[-1] == "ModuleNotFoundError: No module named 'polars'"
    assert "runner sklearn-1.9-0" in log[0]
    assert any("warning: Python is 3.1" in line for line in log)


def test_threads_of_a_job_wait_without_spinning_since_jobs_share_the_machine(aws: World) -> None:
    aws.s3.put("s3://bucket/code/script.py", "import os; print(os.environ['OMP_WAIT_POLICY'])")

    aws.sagemaker("CreateProcessingJob", **processing())

    assert job_end(aws, "job")["ProcessingJobStatus"] == "Completed"
    assert aws.logs.messages["/aws/sagemaker/ProcessingJobs"][-1] == "PASSIVE"


def test_python_is_the_runner_and_the_environment_is_the_image_the_role_and_the_request(aws: World) -> None:
    aws.s3.put(
        "s3://bucket/code/script.py",
        f"""
import json, os, sys
json.dump([sys.prefix, dict(os.environ)], open("{OUT}/facts.json", "w"))
""",
    )

    aws.sagemaker("CreateProcessingJob", **processing(Environment={"MODE": "x", "AWS_REGION": "eu-west-1"}))

    job = job_end(aws, "job")
    prefix, env = json.loads(aws.s3.get("s3://bucket/result/facts.json"))
    assert prefix.endswith("sklearn-1.9-0")
    assert (env["MODE"], env["AWS_REGION"], env["AWS_ACCESS_KEY_ID"]) == ("x", "eu-west-1", "ASIA")
    assert env["PROCESSING_JOB_ARN"] == job["ProcessingJobArn"]
    assert "PYTHONPATH" not in env


def test_a_stopped_job_gets_sigterm_and_ends_stopped(aws: World) -> None:
    aws.s3.put(
        "s3://bucket/code/script.py",
        f"""
import signal, sys
def end(*_):
    open("{OUT}/ended", "w").write("by signal"); sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("armed", flush=True)
signal.pause()
""",
    )
    aws.sagemaker("CreateProcessingJob", **processing())
    aws.logs.wait("armed")

    aws.sagemaker("StopProcessingJob", ProcessingJobName="job")

    assert job_end(aws, "job")["ProcessingJobStatus"] == "Stopped"
    assert aws.s3.get("s3://bucket/result/ended") == b"by signal"
    with pytest.raises(AwsError, match="is in status Stopped"):
        aws.sagemaker("StopProcessingJob", ProcessingJobName="job")


def test_a_job_that_runs_too_long_is_stopped(aws: World) -> None:
    aws.s3.put("s3://bucket/code/script.py", "import signal; signal.pause()")

    aws.sagemaker("CreateProcessingJob", **processing(StoppingCondition={"MaxRuntimeInSeconds": 1}))

    assert job_end(aws, "job")["ProcessingJobStatus"] == "Stopped"


def test_an_unknown_image_fails_the_job_and_says_how_to_add_a_runner(aws: World) -> None:
    request = processing()
    request["AppSpecification"]["ImageUri"] = "123.dkr.ecr.us-east-1.amazonaws.com/own:1"

    aws.sagemaker("CreateProcessingJob", **request)

    reason = job_end(aws, "job")["FailureReason"]
    assert reason.startswith("ClientError: no runner for image '123.dkr.ecr.us-east-1.amazonaws.com/own:1'")
    assert "emulator/services/sagemaker/images.py" in reason


def test_an_input_that_is_not_there_fails_the_job_in_the_words_of_aws(aws: World) -> None:
    aws.sagemaker("CreateProcessingJob", **processing())

    reason = job_end(aws, "job")["FailureReason"]
    assert reason.startswith('ClientError: No S3 objects found under S3 URL "s3://bucket/code/script.py"')
    assert ROLE in reason


def test_a_name_is_taken_for_ever(aws: World) -> None:
    aws.s3.put("s3://bucket/code/script.py", "")
    aws.sagemaker("CreateProcessingJob", **processing())

    with pytest.raises(AwsError, match="Job name must be unique") as refusal:
        aws.sagemaker("CreateProcessingJob", **processing())

    assert refusal.value.code == "ResourceInUse"
    job_end(aws, "job")


def test_what_is_not_emulated_is_refused_by_name_before_anything_happens(aws: World) -> None:
    cluster = {"ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}}

    with pytest.raises(EmulatorError, match="InstanceCount 2 is not emulated yet"):
        aws.sagemaker("CreateProcessingJob", **processing(ProcessingResources=cluster))

    assert aws.sagemaker("ListProcessingJobs")["ProcessingJobSummaries"] == []


def test_jobs_are_listed_in_pages_that_neither_repeat_nor_skip(aws: World) -> None:
    aws.s3.put("s3://bucket/code/script.py", "")
    for index in range(3):
        aws.sagemaker("CreateProcessingJob", **processing(f"job-{index}"))
    for index in range(3):
        job_end(aws, f"job-{index}")

    first = aws.sagemaker("ListProcessingJobs", MaxResults=2, SortOrder="Descending", NameContains="JOB")
    rest = aws.sagemaker("ListProcessingJobs", MaxResults=2, SortOrder="Descending", NextToken=first["NextToken"])

    names = [item["ProcessingJobName"] for page in (first, rest) for item in page["ProcessingJobSummaries"]]
    assert names == ["job-2", "job-1", "job-0"]
    assert "NextToken" not in rest
