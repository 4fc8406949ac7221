"""A release that waits: callback messages, endpoints, captured answers and labels, as a test needs them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from lambdas.answer_waits.handler import AnswerWaits
from tests.events import sample
from tests.unit.lambdas.world import ARTIFACTS, MODEL, START, World, batch_of

RELEASE = "20260301T070000-1a2b3c4d"
DEV, PROD = "driftloop-flights-dev", "driftloop-flights-prod"
DEV_CONFIG, PROD_CONFIG = "driftloop-flights-dev-v1-1a2b3c4d", "driftloop-flights-prod-v1-1a2b3c4d-ab"
FINE = {"batchItemFailures": []}


def callback(name: str = "endpoint", **arguments: str) -> dict[str, Any]:
    """The message of a callback step."""
    message = sample(f"callback_{name}")
    message["arguments"] |= arguments
    return message


def tick(minute: int, token: str = "tok0000001") -> dict[str, Any]:
    """A schedule's message."""
    return {"kind": "Tick", "model": MODEL, "token": token, "time": (START + timedelta(minutes=minute)).isoformat()}


def endpoint_changed(minute: int) -> dict[str, Any]:
    """SageMaker's event about an endpoint."""
    return sample("endpoint_in_service") | {"time": (START + timedelta(minutes=minute)).isoformat()}


def endpoint(status: str = "InService", config: str = DEV_CONFIG, **more: Any) -> dict[str, Any]:
    """As DescribeEndpoint shows it: the champion alone unless `more` says otherwise."""
    variants = [{"VariantName": "champion", "CurrentInstanceCount": 1, "CurrentWeight": 1.0}]
    return {"EndpointStatus": status, "EndpointConfigName": config, "ProductionVariants": variants, **more}


def both(mode: str = "paired", status: str = "InService", config: str = PROD_CONFIG) -> dict[str, Any]:
    """Production during an experiment."""
    found = endpoint(status, config)
    challenger = {"VariantName": "challenger", "CurrentInstanceCount": 1, "CurrentWeight": 0.2}
    if mode == "paired":
        return {**found, "ShadowProductionVariants": [challenger]}
    return {**found, "ProductionVariants": [*found["ProductionVariants"], challenger]}


@dataclass
class Trial:
    """An experiment in production, with the traffic that a test gives it."""

    world: World
    function: AnswerWaits
    mode: str = "paired"
    files: int = field(default=0)

    def start(self, sd: float = 0.3) -> None:
        """Production is up, the comparison is there, the callback message comes."""
        self.world.sagemaker.endpoints[PROD] = both(self.mode)
        self.compare(losses(sd))
        self.send(callback("experiment", mode=self.mode))

    def compare(self, comparison: Mapping[str, Any]) -> None:
        """comparison.json of the staging tests; of log losses if it does not say otherwise."""
        key = "flights/releases/r/staging/comparison.json"
        self.world.clients.s3.put_object(
            Bucket=ARTIFACTS, Key=key, Body=json.dumps({"metric": "log_loss", **comparison}).encode()
        )

    def send(self, *bodies: Mapping[str, Any], minute: int = 0) -> None:
        """Messages that the function handles without complaint."""
        assert self.function.handle_batch(batch_of(*bodies, minute=minute)) == FINE

    def tick(self, minute: int) -> None:
        """Time has passed."""
        self.send(tick(minute, "tok0000002"))

    def answers(self, variant: str, data: Iterable[str], minute: int = 5, first: int = 0) -> None:
        """Captured answers of a variant; the n-th has inference id `rn`."""
        at = START + timedelta(minutes=minute)
        lines = [
            {
                "captureData": {"endpointOutput": {"data": text, "encoding": "CSV"}},
                "eventMetadata": {
                    "eventId": f"{variant}-{n}",
                    "inferenceId": f"r{n}",
                    "inferenceTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                },
            }
            for n, text in enumerate(data, first)
        ]
        self._put(f"{MODEL}/capture/{PROD}/{variant}/{at:%Y/%m/%d/%H}", lines)

    def labels(self, data: Mapping[str, str], minute: int = 30) -> None:
        """Labels by inference id, as they come at a minute."""
        lines = [
            {"groundTruthData": {"data": text, "encoding": "CSV"}, "eventMetadata": {"eventId": name}}
            for name, text in data.items()
        ]
        self._put(f"{MODEL}/labels/{START + timedelta(minutes=minute):%Y/%m/%d/%H}", lines)

    def pairs(self, champion: float, challenger: float, n: int = 150) -> None:
        """Both answer n requests, each sure of the truth by so much more or less; all labels come."""
        wobble = [0.02 * (k % 5 - 2) for k in range(n)]
        self.answers(CHAMPION, (str(champion + w) for w in wobble))
        self.answers(CHALLENGER, (str(challenger - w) for w in wobble))
        self.labels({f"r{k}": "1" for k in range(n)})

    def traffic(self, minute: int = 5, *, requests: float = 200, errors: float = 0, p95_ms: float = 50) -> None:
        """The challenger's metrics."""
        for metric, value in (
            ("Invocations", requests),
            ("Invocation5XXErrors", errors),
            ("ModelLatency", p95_ms * 1000),
        ):
            self.world.clients.metrics.series.setdefault(metric, {})[minute] = value

    def verdict(self) -> dict[str, str]:
        """The answer to the callback step; empty while there is none."""
        answer = self.world.sagemaker.answers.get("tok0000002", {})
        return {item["Name"]: item["Value"] for item in answer.get("OutputParameters", [])}

    def report(self) -> dict[str, Any]:
        """What was written about it."""
        bucket, _, key = self.verdict()["report_uri"].removeprefix("s3://").partition("/")
        found: dict[str, Any] = json.loads(self.world.clients.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        return found

    def _put(self, folder: str, lines: list[dict[str, Any]]) -> None:
        self.files += 1
        body = "\n".join(json.dumps(line) for line in lines).encode()
        self.world.clients.s3.put_object(Bucket=ARTIFACTS, Key=f"{folder}/{self.files:03d}.jsonl", Body=body)


CHAMPION, CHALLENGER = "champion", "challenger"


def losses(sd: float) -> dict[str, Any]:
    """What comparison.json says of a metric."""
    return {"challenger": {"loss": {"sd": sd}}, "champion": {"loss": {"sd": sd}}, "difference": {"sd": sd}}
