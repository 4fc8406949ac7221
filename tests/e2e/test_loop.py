"""The loop turns once, with the tools a person has: the AWS CLI, the CDK CLI, `driftloop`."""

import csv
import random
from pathlib import Path

import pytest

from driftloop.scoring import auc
from tests.e2e.conftest import Loop
from tests.e2e.production import calling
from tests.support import contracts, datasets

RAW = "s3://driftloop-raw-123456789012-us-east-1/raw/flights"
FEATURES = contracts.features(contracts.FLIGHTS)


def test_upload_train_approve_and_serve_with_the_aws_cli(loop: Loop, tmp_path: Path) -> None:
    for month in (1, 2):
        (tmp_path / f"{month}.csv").write_bytes(datasets.flights(month))
        loop.aws("s3", "cp", str(tmp_path / f"{month}.csv"), f"{RAW}/2013-0{month}.csv")

    (run,) = loop.ended("flights-train")
    listed = loop.aws(
        "sagemaker", "list-pipeline-execution-steps", "--pipeline-execution-arn", run["PipelineExecutionArn"]
    )
    statuses = {step["StepName"]: step["StepStatus"] for step in listed["PipelineExecutionSteps"]}
    before, after = {"Validate", "Prepare", "Train", "Evaluate", "Gate", "ChampionGate"}, {"Register"}
    assert set(statuses) == before | {"DataBaseline", "QualityBaseline"} | after
    assert set(statuses.values()) == {"Succeeded"}
    (package,) = loop.packages("flights")
    assert package in loop.told("flights", "pending-approval")

    approval = ["--model-approval-status", "Approved", "--approval-description", "good enough"]
    loop.aws("sagemaker", "update-model-package", "--model-package-arn", package, *approval)
    (release,) = loop.ended("flights-release")

    assert release["PipelineExecutionStatus"] == "Succeeded"
    assert loop.served("flights") == package
    assert package in loop.told("flights", "release-done")
    answer = tmp_path / "answer.csv"
    target = ["--endpoint-name", "driftloop-flights-prod", "--content-type", "text/csv"]
    loop.aws(
        "sagemaker-runtime", "invoke-endpoint", *target, "--body", "3,1,1900,2130,B6,JFK,MCO,944,19,0", str(answer)
    )
    assert 0 < float(answer.read_text()) < 1


def test_the_model_knows_something_about_flights_it_never_saw(loop: Loop) -> None:
    runtime = loop.client("sagemaker-runtime")
    flown = [
        row for row in csv.DictReader(datasets.flights(3).decode().splitlines()) if row["arr_delay"] not in ("", "NA")
    ]
    sample = random.Random(1).sample(flown, 2000)
    body = "\n".join(",".join(row[name] for name in FEATURES) for row in sample)

    answer = runtime.invoke_endpoint(EndpointName="driftloop-flights-prod", ContentType="text/csv", Body=body)

    scores = [float(line) for line in answer["Body"].read().split()]
    assert auc([float(row["arr_delay"]) > 15 for row in sample], scores) > 0.58


def test_the_registered_version_tells_its_metrics_and_where_it_comes_from(loop: Loop) -> None:
    (package,) = loop.packages("flights")

    found = loop.sagemaker.describe_model_package(ModelPackageName=package)

    assert found["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"].endswith("evaluation.json")
    metadata = found["CustomerMetadataProperties"]
    (run,) = loop.runs("flights-train")
    assert metadata["execution_arn"] == run["PipelineExecutionArn"]
    assert metadata["data_manifest"].endswith("manifest.json")
    assert metadata["code_version"]


def test_status_and_timeline_tell_what_happened(loop: Loop) -> None:
    status, timeline = loop.driftloop("status"), loop.driftloop("timeline", "flights")

    assert "driftloop-flights-prod: InService" in status
    for what in ("Validate", "Register", "package.Approved", "good enough", "release.done"):
        assert what in timeline


def test_deploying_again_what_is_deployed_changes_nothing(loop: Loop) -> None:
    models = ",".join(
        str(path) for path in sorted((loop.state.parent / "models").glob("*.json")) if "schema" not in path.name
    )

    with calling(loop, "flights", "3,1,1900,2130,B6,JFK,MCO,944,19,0"):
        said = loop.driftloop("deploy", "--models", models)

    assert "driftloop-flights-prod" in said
    assert loop.served("flights") == loop.packages("flights")[0]


def test_a_bad_request_to_the_endpoint_is_the_callers_error(loop: Loop) -> None:
    runtime = loop.client("sagemaker-runtime")
    request = {"EndpointName": "driftloop-flights-prod", "ContentType": "text/csv", "Body": "1,2,3"}

    with pytest.raises(runtime.exceptions.ModelError) as refused:
        runtime.invoke_endpoint(**request)

    assert refused.value.response["OriginalStatusCode"] == 400
    assert "column" in refused.value.response["OriginalMessage"]
