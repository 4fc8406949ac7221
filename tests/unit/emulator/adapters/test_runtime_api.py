"""The HTTP Runtime API as a custom runtime meets it."""

import json
import os
from pathlib import Path

import pytest

from emulator.adapters.processes import PlainSpawner
from emulator.adapters.sandboxes import ProcessSandboxes
from emulator.kernel.ports import Invocation, SandboxSpec

BOOTSTRAP = """#!/usr/bin/env python3
import json, os, urllib.error, urllib.request
api = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}"
def ask(path, body=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(api + path, body)) as answer:
            return answer.status, answer.read().decode(), answer.headers.get("Lambda-Runtime-Aws-Request-Id")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), None
while True:
    status, event, request_id = ask("/2018-06-01/runtime/invocation/next")
    seen = [ask(path, b"{}")[0] for path in json.loads(event)]
    environment = {name: os.environ.get(name) for name in ("_HANDLER", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR")}
    ask(f"/2018-06-01/runtime/invocation/{request_id}/response", json.dumps([seen, environment]).encode())
"""


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/2018-06-01/runtime/invocation/other/response", 400),
        ("/2018-06-01/runtime/invocation/other/else", 404),
        ("/2017-01-01/runtime/invocation/other/response", 404),
    ],
)
def test_a_runtime_is_told_what_it_asked_wrongly(tmp_path: Path, path: str, status: int) -> None:
    bootstrap = tmp_path / "bootstrap"
    bootstrap.write_text(BOOTSTRAP)
    bootstrap.chmod(0o755)
    spec = SandboxSpec(tmp_path, "mine", {"PATH": os.environ["PATH"]}, lambda line: None, "provided.al2023")
    sandbox = ProcessSandboxes(PlainSpawner(), Path("none")).start(spec)

    outcome = sandbox.invoke(Invocation("id", json.dumps([path]).encode(), 30, "arn"))
    sandbox.close()

    seen, environment = json.loads(outcome.payload)
    assert seen == [status]
    assert environment["_HANDLER"] == "mine"
    assert environment["LAMBDA_RUNTIME_DIR"] == "/var/runtime"
