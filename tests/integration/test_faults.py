"""Faults over the control API and the command line, and events that reach nobody."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from driftloop import cli
from emulator.kernel.ports import Kernel
from tests.support.waiting import eventually

Clients = Callable[[str], Any]


@pytest.fixture(autouse=True)
def _all_is_well(kernel: Kernel) -> Iterator[None]:
    yield
    kernel.faults.clear()


def ask(kernel: Kernel, method: str, **params: Any) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{kernel.endpoint_url}/_emulator/faults", json.dumps(params).encode() if params else None, method=method
    )
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_faults_are_ordered_listed_and_cleared(kernel: Kernel) -> None:
    ordered = ask(kernel, "POST", kind="endpoint-creation-fails", target="driftloop-*-dev", times=2)

    assert [(f["kind"], f["target"], f["left"]) for f in ordered["faults"]] == [
        ("endpoint-creation-fails", "driftloop-*-dev", 2)
    ]
    assert ask(kernel, "GET") == ordered
    assert ask(kernel, "DELETE") == {"cleared": 1}
    assert ask(kernel, "GET")["faults"] == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"kind": "earthquake", "target": "x"}, "kind 'earthquake' is unknown; there are endpoint-update-rolls-back, "),
        ({"kind": "model-server-crashes", "target": "nobody/*"}, "nothing there that is called 'nobody/*'"),
        ({"kind": "drop-events"}, "'target'"),
        ({"kind": "drop-events", "target": "*", "times": "often"}, "not supported"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(kernel: Kernel, params: dict[str, str], said: str) -> None:
    assert said in ask(kernel, "POST", **params)["error"]
    assert ask(kernel, "GET")["faults"] == []


def test_dropped_events_reach_nobody_and_the_others_do(kernel: Kernel, client: Clients) -> None:
    sqs, events, sagemaker = client("sqs"), client("events"), client("sagemaker")
    url = sqs.create_queue(QueueName="faults")["QueueUrl"]
    events.put_rule(Name="faults", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    target = {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:123456789012:faults"}
    events.put_targets(Rule="faults", Targets=[target])
    ask(kernel, "POST", kind="drop-events", target="aws.sagemaker/SageMaker Model Package State Change", times=1)

    for name in ("faults-1", "faults-2"):
        sagemaker.create_model_package_group(ModelPackageGroupName=name)
        sagemaker.create_model_package(ModelPackageGroupName=name)

    def heard() -> list[str]:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
        return [json.loads(message["Body"])["detail"].get("ModelPackageGroupName", "") for message in found]

    eventually(lambda: "faults-2" in heard())
    assert "faults-1" not in heard()
    struck = [entry["subject"] for entry in kernel.journal.entries("fault.struck")]
    assert struck[-1] == "aws.sagemaker/SageMaker Model Package State Change"
    events.remove_targets(Rule="faults", Ids=["queue"])
    events.delete_rule(Name="faults")


def test_the_command_line_teaches_what_can_go_wrong_and_orders_it(kernel: Kernel, tmp_path: Path) -> None:
    port = urlsplit(kernel.endpoint_url).port
    (tmp_path / "emulator.json").write_text(json.dumps({"port": port, "pid": 1, "region": "us-east-1"}))

    def said(*words: str) -> str:
        shown = CliRunner().invoke(cli.commands, ["fault", *words, "--state", str(tmp_path)], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, shown.output
        return shown.output

    assert "SOURCE/DETAIL-TYPE" in said()
    assert "drop-events aws.sagemaker/*: until it is cleared" in said("drop-events", "aws.sagemaker/*", "--always")
    assert "endpoint-update-rolls-back e: 3 time(s)" in said("endpoint-update-rolls-back", "e", "--times", "3")
    assert "Cleared 2 fault(s)" in said("--clear")
    assert "Nothing waits to go wrong" in said()
