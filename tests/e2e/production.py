"""Production as its callers see it, and the experiments that it takes part in."""

import csv
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.conftest import Loop
from tests.support import contracts, datasets
from tests.support.waiting import eventually

BUCKET = "driftloop-artifacts-123456789012-us-east-1"
WEATHER = contracts.features(contracts.RAINFALL)
_LOOKED_AFTER = 10


@dataclass
class Caller:
    """Somebody who calls production all the time, never twice for one answer, and now and then looks at its health."""

    answers: int = 0
    failures: list[str] = field(default_factory=list)

    def call(self, runtime: Any, endpoint: str, body: str) -> None:
        try:
            runtime.invoke_endpoint(EndpointName=endpoint, ContentType="text/csv", Body=body)["Body"].read()
            self.answers += 1
        except (ClientError, BotoCoreError) as exc:
            self.failures.append(f"after {self.answers} answers: {exc}")

    def look(self, sagemaker: Any, endpoint: str) -> None:
        """A variant of production has to have an instance, whatever is under way."""
        found = sagemaker.describe_endpoint(EndpointName=endpoint)
        if not any(variant["CurrentInstanceCount"] for variant in found.get("ProductionVariants", [])):
            self.failures.append(f"after {self.answers} answers no variant was healthy: {found}")


@contextmanager
def calling(loop: Loop, model: str, body: str = "") -> Iterator[Caller]:
    """Production is called all the time until the block ends; not one call may fail."""
    caller, over, endpoint = Caller(), threading.Event(), f"driftloop-{model}-prod"
    runtime, body = loop.client("sagemaker-runtime", tries=1), body or weather(0, 1)[0][0]

    def call() -> None:
        while not over.wait(0.05):
            caller.call(runtime, endpoint, body)
            if caller.answers % _LOOKED_AFTER == 0:
                caller.look(loop.sagemaker, endpoint)

    with ThreadPoolExecutor(1) as pool:
        calls = pool.submit(call)
        try:
            yield caller
            eventually(lambda: caller.answers or caller.failures)
        finally:
            over.set()
        calls.result(60)
    assert caller.failures == []


def weather(first: int, last: int) -> list[tuple[str, int]]:
    """Real days of weather as requests, and whether it rained."""
    rows = csv.DictReader(datasets.rainfall(first, last).decode().splitlines())
    return [(",".join(row[name] for name in WEATHER), int(row["rain"])) for row in rows]


def ask(loop: Loop, model: str, days: list[tuple[str, int]], prefix: str) -> dict[str, int]:
    """Ask production about days of weather; answers what came to pass, by inference id."""
    runtime, truths = loop.client("sagemaker-runtime"), {}
    for number, (body, rain) in enumerate(days):
        answer = runtime.invoke_endpoint(
            EndpointName=f"driftloop-{model}-prod",
            ContentType="text/csv",
            Body=body,
            InferenceId=f"{prefix}-{number}",
        )
        assert answer["InvokedProductionVariant"] == "champion"
        truths[f"{prefix}-{number}"] = rain
    return truths


def label(loop: Loop, model: str, truths: dict[str, int]) -> None:
    """Tell what came to pass, as Model Monitor has ground truth."""
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
    key = f"{model}/labels/{now:%Y/%m/%d/%H}/{now:%M%S}.jsonl"
    loop.client("s3").put_object(Bucket=BUCKET, Key=key, Body="\n".join(lines).encode())


def experimenting(loop: Loop, model: str, release: int) -> dict[str, Any]:
    """Wait until the newest release, of so many, has its experiment under way; answers its execution."""

    def begun() -> dict[str, Any] | None:
        runs = loop.runs(f"{model}-release")
        under_way = {row["sk"] for row in loop.ledger(f"EXPERIMENT#{model}") if not row["verdict"]}
        has_begun = len(runs) == release and release_id(runs[-1]) in under_way
        return runs[-1] if has_begun else None

    return eventually(begun, 120)


def release_id(run: dict[str, Any]) -> str:
    """Of an execution of the release pipeline."""
    return str(run["PipelineExecutionDisplayName"]).removeprefix("release-")


def verdict(loop: Loop, run: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The verdict of a release that has ended, and the report behind it."""
    step = loop.steps(run)["Verdict"]
    outputs = {item["Name"]: item["Value"] for item in step["Metadata"]["Callback"]["OutputParameters"]}
    key = outputs["report_uri"].removeprefix(f"s3://{BUCKET}/")
    report = json.loads(loop.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return outputs["verdict"], report
