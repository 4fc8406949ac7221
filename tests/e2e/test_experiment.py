"""The second version of a model is judged beside the first, on real requests and labels that come late."""

import csv
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.e2e.conftest import Loop
from tests.support import datasets
from tests.support.waiting import eventually

MODEL, ENDPOINT = "rivals", "driftloop-rivals-prod"
BUCKET = "driftloop-artifacts-123456789012-us-east-1"
FEATURES = (
    "temperature",
    "dew point",
    "sea-level pressure",
    "visibility",
    "average wind speed",
    "max sustained wind-speed",
    "minimum temperature",
    "maximum temperature",
)


def _train(loop: Loop, name: str, body: bytes, version: int) -> str:
    """Have a version trained and approved; answers its package."""
    loop.upload(MODEL, name, body)
    runs = loop.ended(f"{MODEL}-train", version)
    assert runs[-1]["PipelineExecutionStatus"] == "Succeeded"
    package = loop.packages(MODEL)[-1]
    loop.sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    return package


def _asked(loop: Loop, kind: str, release: int) -> dict[str, Any]:
    """Wait until the newest release waits for its verdict; answers the step."""

    def waiting() -> dict[str, Any] | None:
        runs = loop.runs(f"{MODEL}-release")
        step = loop.steps(runs[-1]).get("Verdict", {}) if len(runs) == release else {}
        return step if step.get("StepStatus") == kind else None

    return eventually(waiting, 120)


def _ask(loop: Loop, first: int, last: int, prefix: str) -> dict[str, int]:
    """Real days of weather, asked of production; answers what came to pass, by inference id."""
    runtime = loop.client("sagemaker-runtime")
    rows = list(csv.DictReader(datasets.rainfall(first, last).decode().splitlines()))
    truths: dict[str, int] = {}
    for number, row in enumerate(rows):
        answer = runtime.invoke_endpoint(
            EndpointName=ENDPOINT,
            ContentType="text/csv",
            Body=",".join(row[name] for name in FEATURES),
            InferenceId=f"{prefix}-{number}",
        )
        assert answer["InvokedProductionVariant"] == "champion"
        truths[f"{prefix}-{number}"] = int(row["rain"])
    return truths


@contextmanager
def _caller(loop: Loop) -> Iterator[list[str]]:
    """Somebody who calls production all the time, and whose every call has to be answered."""
    runtime, row = loop.client("sagemaker-runtime"), next(csv.DictReader(datasets.rainfall(0, 1).decode().splitlines()))
    body, over, answered = ",".join(row[name] for name in FEATURES), threading.Event(), list[str]()

    def call() -> None:
        while not over.wait(0.02):
            answer = runtime.invoke_endpoint(EndpointName=ENDPOINT, ContentType="text/csv", Body=body)
            answered.append(answer["Body"].read().decode())

    with ThreadPoolExecutor(1) as pool:
        calls = pool.submit(call)
        try:
            yield answered
        finally:
            over.set()
        calls.result(60)


def _label(loop: Loop, truths: dict[str, int]) -> None:
    """Tell what came to pass, an hour later."""
    loop.driftloop("advance", "PT1H")
    now = loop.now()
    lines = [
        json.dumps(
            {
                "groundTruthData": {"data": str(truth), "encoding": "CSV"},
                "eventMetadata": {"eventId": inference_id},
                "eventVersion": "0",
            }
        )
        for inference_id, truth in truths.items()
    ]
    key = f"{MODEL}/labels/{now:%Y/%m/%d/%H}/{now:%M%S}.jsonl"
    loop.client("s3").put_object(Bucket=BUCKET, Key=key, Body="\n".join(lines).encode())
    loop.driftloop("advance", "PT5M")


def _verdict(loop: Loop, release: int) -> tuple[str, dict[str, Any]]:
    """The newest release's verdict and the report behind it, once it has ended."""
    run = loop.ended(f"{MODEL}-release", release)[-1]
    outputs = {o["Name"]: o["Value"] for o in loop.steps(run)["Verdict"]["Metadata"]["Callback"]["OutputParameters"]}
    key = outputs["report_uri"].removeprefix(f"s3://{BUCKET}/")
    report = json.loads(loop.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return outputs["verdict"], report


def test_a_better_challenger_is_promoted_when_its_labels_have_come(loop: Loop) -> None:
    first = _train(loop, "few.csv", datasets.rainfall(0, 600), 1)
    (release,) = loop.ended(f"{MODEL}-release")
    assert release["PipelineExecutionStatus"] == "Succeeded", [
        s.get("FailureReason") for s in loop.steps(release).values()
    ]
    assert loop.served(MODEL) == first

    with _caller(loop) as answered:
        second = _train(loop, "many.csv", datasets.rainfall(0, 10_000), 2)
        _asked(loop, "Executing", 2)
        assert "can detect" in loop.told(MODEL, "experiment-started", 60)
        _label(loop, _ask(loop, 10_000, 11_500, "a"))
        verdict, report = _verdict(loop, 2)

    assert len(answered) > 100
    assert (verdict, loop.served(MODEL)) == ("promote", second), report
    assert report["total"]["difference"]["n"] >= report["plan"]["champion_n"]
    assert report["total"]["difference"]["mean"] > 0


def test_a_challenger_that_is_no_better_is_kept_out_and_production_is_as_it_was(loop: Loop) -> None:
    (*_, champion) = [loop.served(MODEL)]
    config = loop.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]

    _train(loop, "one-more.csv", datasets.rainfall(0, 10_001), 3)
    _asked(loop, "Executing", 3)
    _label(loop, _ask(loop, 10_000, 11_500, "b"))

    verdict, report = _verdict(loop, 3)
    assert (verdict, loop.served(MODEL)) == ("keep", champion), report
    assert loop.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"] == config
    kept = loop.steps(loop.runs(f"{MODEL}-release")[-1])["Kept"]["FailureReason"]
    assert kept.startswith("not promoted: keep: ")
    assert "not promoted" in loop.told(MODEL, "release-failed")


def test_without_labels_the_test_cannot_tell_and_the_champion_stays(loop: Loop) -> None:
    champion = loop.served(MODEL)

    _train(loop, "two-more.csv", datasets.rainfall(0, 10_002), 4)
    _asked(loop, "Executing", 4)
    _ask(loop, 10_000, 10_050, "c")
    loop.driftloop("advance", "PT3H")

    verdict, _ = _verdict(loop, 4)
    assert (verdict, loop.served(MODEL)) == ("inconclusive", champion)
