"""The synthesized stacks, deployed by the real CDK CLI to an emulator in a process of its own: once for all stories.

Each story has a model of its own, made by settings alone; so the stories do not meet.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
RUN_TIMEOUT_S = 180
SETTINGS: dict[str, dict[str, Any]] = {
    "flights": {},
    "rainfall": {},
    "twice": {
        "like": "rainfall",
        "batch": {"min_files": 1, "window_s": 0},
        "release": {"experiment": {"mode": "none"}},
    },
    "rivals": {
        "like": "rainfall",
        "thresholds": {"auc": 0.6},
        "release": {
            "tests": {"calibration_max": 0.3},  # the first version learns from few days
            "experiment": {"minimum_effect": 0.03, "look_every_s": 600, "duration_max_s": 7200},
        },
    },
    "fragile": {
        "like": "rainfall",
        "attempts_max": 2,
        "release": {
            "tests": {"requests": 20},
            "experiment": {
                "look_every_s": 60,
                "duration_max_s": 7200,
                "guard_rails": {"requests_min": 30},
            },
        },
    },
    "tarnished": {"like": "rainfall", "thresholds": {"auc": 0.6}, "release": {"experiment": {"mode": "none"}}},
    "gradual": {
        "like": "rainfall",
        "release": {
            "experiment": {"mode": "none"},
            "stages": {"prod": {"instance_count": 2}},
            "traffic": {"shifting": "canary", "step_percent": 50, "wait_s": 4},
            "scaling": {"instances_min": 2, "instances_max": 4, "invocations_per_instance": 1000},
        },
    },
    "many": {"like": "rainfall", "batch": {"min_files": 100, "window_s": 1}},
    "desert": {"like": "rainfall", "thresholds": {"auc": 0.999}},
    "unheard": {
        "like": "rainfall",
        "release": {"experiment": {"mode": "none"}},
        "retraining": {"reconcile_every_min": 1},
    },
    "adrift": {
        "like": "rainfall",
        "thresholds": {"auc": 0.6},
        "release": {"experiment": {"mode": "none"}, "tests": {"calibration_max": 0.3}},
        "monitoring": {"window_s": 3600, "label_delay_s": 0},
        "retraining": {"cooldown_s": 3600, "reconcile_every_min": 5},
    },
    "handed": {
        "like": "rainfall",
        "thresholds": {"auc": 0.6},
        "release": {"experiment": {"mode": "none"}, "tests": {"calibration_max": 0.3}},
        "monitoring": {"engine": "model-monitor", "every_h": 1, "window_s": 3600, "label_delay_s": 0},
        "retraining": {"reconcile_every_min": 30},
    },
    "weighed": {
        "like": "flights",
        "release": {"experiment": {"mode": "none"}},
        "monitoring": {
            "window_s": 3600,
            "label_delay_s": 0,
            "bias": {"facet": "origin", "facet_values": ["LGA"]},
            "attribution": {},
        },
    },
    "messy": {"like": "rainfall", "batch": {"min_files": 4, "window_s": 1}},
}
"""What differs from the settings in infra/models, by model."""
SELDOM = {"reconcile_every_min": 720}
"""Every model's reconciler runs whenever any story's time goes ahead: it looks often only where a story is about it."""


@pytest.hookimpl(tryfirst=True)  # xdist reads the groups in a hook of its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One emulator serves all stories, so one worker runs them; those about latency have one of their own."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("e2e-aws" if "slow_loop" in item.fixturenames else "e2e"))  # type: ignore[attr-defined]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A story that fails tells what the emulator saw: its log, and the end of its journal."""
    report = yield
    loops = [found for found in getattr(item, "funcargs", {}).values() if isinstance(found, Loop)]
    for loop in loops if report.when == "call" and report.failed else []:
        for name in ("emulator.log", "journal.jsonl"):
            lines = (loop.state / name).read_text("utf-8", "replace").splitlines()
            report.sections.append((f"the end of {name}", "\n".join(line[:400] for line in lines[-150:])))
    return report


@dataclass(frozen=True)
class Loop:
    """The deployed loop, as a person and their tools see it."""

    state: Path
    environment: dict[str, str]
    heard: list[dict[str, str]] = field(default_factory=list)

    def driftloop(self, *words: str, is_ok: bool = True) -> str:
        """Run a command of ours; answers what it printed."""
        return self._run([str(BIN / "driftloop"), *words, "--state", str(self.state)], is_ok)

    def aws(self, *words: str) -> Any:
        """Run the AWS CLI; answers its JSON."""
        said = self._run([str(BIN / "aws"), *words, "--output", "json"], True)
        return json.loads(said) if said.lstrip().startswith("{") else said

    def client(self, service: str, tries: int = 5) -> Any:
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": tries}),
        )

    @cached_property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    def upload(self, model: str, name: str, body: bytes) -> None:
        key = f"raw/{model}/{name}"
        self.client("s3").put_object(Bucket="driftloop-raw-123456789012-us-east-1", Key=key, Body=body)

    def journal(self, kind: str, subject: str = "") -> list[dict[str, Any]]:
        """What the emulator saw of a kind; of these, subjects that hold `subject`."""
        url, body = f"{self.environment['AWS_ENDPOINT_URL']}/_emulator/journal", json.dumps({"kind": kind}).encode()
        with urllib.request.urlopen(url, body) as answer:
            entries = json.load(answer)["entries"]
        return [entry for entry in entries if subject in entry["subject"]]

    def now(self) -> datetime:
        """The emulator's time."""
        with urllib.request.urlopen(f"{self.environment['AWS_ENDPOINT_URL']}/_emulator/clock") as answer:
            return datetime.fromisoformat(json.load(answer)["now"])

    def runs(self, pipeline: str) -> list[dict[str, Any]]:
        """Every execution, oldest first, as DescribePipelineExecution has it."""
        answer = self.sagemaker.list_pipeline_executions(PipelineName=f"driftloop-{pipeline}", SortOrder="Ascending")
        arns = [run["PipelineExecutionArn"] for run in answer["PipelineExecutionSummaries"]]
        return [self.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn) for arn in arns]

    def ended(self, pipeline: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until `count` executions have ended; answers all, oldest first."""

        def all_ended() -> list[dict[str, Any]] | None:
            runs = self.runs(pipeline)
            are_done = [run["PipelineExecutionStatus"] not in ("Executing", "Stopping") for run in runs]
            return runs if len(runs) >= count and all(are_done) else None

        return eventually(all_ended, RUN_TIMEOUT_S)

    def settled_files(self, model: str, count: int) -> dict[str, dict[str, Any]]:
        """Wait until the ledger has `count` files and has settled them all; answers their rows by file name."""

        def settled() -> dict[str, dict[str, Any]] | None:
            rows = {row["key"].rsplit("/", 1)[1]: row for row in self.ledger(f"FILE#{model}")}
            is_open = {row["state"] for row in rows.values()} & {"NEW", "CLAIMED"}
            return rows if len(rows) >= count and not is_open else None

        return eventually(settled)

    def steps(self, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        answer = self.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=run["PipelineExecutionArn"])
        return {step["StepName"]: step for step in answer["PipelineExecutionSteps"]}

    def packages(self, model: str) -> list[str]:
        """ARNs of the registered versions, oldest first."""
        answer = self.sagemaker.list_model_packages(ModelPackageGroupName=f"driftloop-{model}", SortOrder="Ascending")
        return [item["ModelPackageArn"] for item in answer["ModelPackageSummaryList"]]

    def served(self, model: str) -> str:
        """ARN of the package that production serves."""
        endpoint = self.sagemaker.describe_endpoint(EndpointName=f"driftloop-{model}-prod")
        assert endpoint["EndpointStatus"] == "InService"
        config = self.sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
        (variant,) = config["ProductionVariants"]
        found = self.sagemaker.describe_model(ModelName=variant["ModelName"])
        (container,) = found.get("Containers") or [found["PrimaryContainer"]]
        return str(container["ModelPackageName"])

    def told(self, model: str, kind: str, timeout_s: float = 30) -> str:
        """Wait for a notice to people of this kind about this model; answers its text."""

        def found() -> str | None:
            return next((n["text"] for n in self.notices() if (n["model"], n["kind"]) == (model, kind)), None)

        return eventually(found, timeout_s)

    def notices(self) -> list[dict[str, str]]:
        """Everything people were told so far. Alarms tell them too, on the same topic and without attributes."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName="e2e-people")["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                body = json.loads(message["Body"])
                kinds = {name: value["Value"] for name, value in body.get("MessageAttributes", {}).items()}
                self.heard.append(
                    {"kind": "alarm", "model": "", **kinds, "text": f"{body['Subject']}\n{body['Message']}"}
                )
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return list(self.heard)

    def ledger(self, pk: str) -> list[dict[str, Any]]:
        """All rows of a partition."""
        table = boto3.resource(
            "dynamodb",
            region_name="us-east-1",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        ).Table("driftloop-ledger")
        condition = boto3.dynamodb.conditions.Key("pk").eq(pk)
        return list(table.query(KeyConditionExpression=condition)["Items"])

    def _run(self, command: list[str], is_ok: bool) -> str:
        done = subprocess.run(command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=300)
        said = done.stdout + done.stderr
        assert (done.returncode == 0) is is_ok, f"{' '.join(command)} answered {done.returncode}:\n{said}"
        return said


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """Every model of SETTINGS, on an AWS where nothing takes longer than the work itself."""
    with deployed(tmp_path_factory.mktemp("e2e"), SETTINGS) as found:
        yield found


@pytest.fixture(scope="session")
def slow_loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    """One model, on an AWS where a job takes three minutes and an endpoint eight; time leaps over all waiting."""
    settings = {"rainfall": SETTINGS["rainfall"]}
    with deployed(tmp_path_factory.mktemp("e2e"), settings, "--latency", "aws", "--pace", "leap") as found:
        yield found


@contextmanager
def deployed(home: Path, settings: dict[str, dict[str, Any]], *options: str) -> Iterator[Loop]:
    """An emulator with models deployed to it, and a queue that hears what people hear."""
    state = home / "state"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {"COLUMNS": "200", "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    found = Loop(state, environment)
    found.driftloop("up", "--detach", "--port", str(_free_port()), *options)
    try:
        for line in found.driftloop("env").splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            environment[name] = value
        found.driftloop("deploy", "--models", ",".join(_settings_files(home / "models", settings)))
        _listen(found)
        yield found
    finally:
        found.driftloop("down")


def _settings_files(folder: Path, chosen: dict[str, dict[str, Any]]) -> list[str]:
    source = ROOT / "infra" / "models"
    folder.mkdir()
    for schema in source.glob("*.schema.json"):
        shutil.copy(schema, folder)
    for name, changes in chosen.items():
        settings = json.loads((source / f"{changes.get('like', name)}.json").read_text("utf-8"))
        settings |= {
            "name": name,
            "retraining": SELDOM,
            **{key: value for key, value in changes.items() if key != "like"},
        }
        (folder / f"{name}.json").write_text(json.dumps(settings))
    return [str(folder / f"{name}.json") for name in chosen]


def _listen(found: Loop) -> None:
    sqs, sns = found.client("sqs"), found.client("sns")
    sqs.create_queue(QueueName="e2e-people")
    (topic,) = [t["TopicArn"] for t in sns.list_topics()["Topics"] if t["TopicArn"].endswith(":driftloop-people")]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:e2e-people")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
