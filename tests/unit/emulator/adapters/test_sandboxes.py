"""Execution environments, on either transport: AWS's own runtime client in a child, or its Python over a socket."""

import json
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from emulator import bootstrap
from emulator.adapters.forking import ForkingSpawner
from emulator.adapters.processes import PlainSpawner
from emulator.adapters.sandboxes import ProcessSandboxes
from emulator.adapters.socket_sandboxes import SocketSandbox, SocketSandboxes
from emulator.kernel.ports import Invocation, Outcome, Sandbox, Sandboxes, SandboxSpec
from tests.support.emulator import REPOSITORY
from tests.support.processes import carrying
from tests.support.waiting import eventually

PYTHON = REPOSITORY / ".runners" / "lambda-python" / "bin" / "python"
ARN = "arn:aws:lambda:us-east-1:123456789012:function:fn:live"
MEMORY_BYTES = 256 << 20
HANDLER = """
import json, os, subprocess, sys
count = 0
WAIT = "import threading; threading.Event().wait()"

def handler(event, context):
    global count
    count += 1
    match event.get("do"):
        case "fail": raise ValueError("no")
        case "exit": os._exit(7)
        case "hang":
            subprocess.Popen(["sleep", "600"], start_new_session=True)
            while True: pass
        case "big": return "x" * event["size"]
        case "write": open("new", "w")
        case "grow": kept = b"x" * event["size"]
        case "spawn": subprocess.run([sys.executable, "-c", f"x = b'x' * {event['size']}; " + WAIT])
    print("asked", event)
    return {"count": count, "arn": context.invoked_function_arn, "id": context.aws_request_id,
            "left_ms": context.get_remaining_time_in_millis(), "env": os.environ.get("GREETING"), "cwd": os.getcwd()}
"""
Start = Callable[..., Sandbox]


@pytest.fixture(scope="module")
def spawner() -> PlainSpawner:
    return PlainSpawner()


@pytest.fixture(scope="module", params=["http", "socket"])
def sandboxes(spawner: PlainSpawner, request: pytest.FixtureRequest) -> Sandboxes:
    """Both transports; where a fork server cannot be, the second is the first."""
    if request.param == "http":
        return ProcessSandboxes(spawner, PYTHON)
    forking = ForkingSpawner(spawner, bootstrap.fork_plans(PYTHON.parents[2])[:1])
    for server in forking.servers:
        server.start()
    return SocketSandboxes(forking, PYTHON)


@pytest.fixture
def start(sandboxes: Sandboxes, tmp_path: Path) -> Iterator[Start]:
    started: list[Sandbox] = []

    def make(
        code: str = HANDLER,
        on_line: Callable[[str], None] = lambda line: None,
        files: Mapping[str, str] = MappingProxyType({}),
        **env: str,
    ) -> Sandbox:
        code_dir = tmp_path / uuid.uuid4().hex
        code_dir.mkdir()
        for name, text in {"app.py": code, **files}.items():
            (code_dir / name).write_text(text)
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "AWS_REGION": "us-east-1", **env}
        spec = SandboxSpec(code_dir, "app.handler", environment, on_line, memory_limit_bytes=MEMORY_BYTES)
        started.append(sandboxes.start(spec))
        return started[-1]

    yield make
    for sandbox in started:
        sandbox.close()


def _invoke(sandbox: Sandbox, timeout_s: float = 30, **event: Any) -> Outcome:
    return sandbox.invoke(Invocation(str(uuid.uuid4()), json.dumps(event).encode(), timeout_s, ARN))


def test_one_environment_serves_many_invocations_and_keeps_its_memory(start: Start) -> None:
    sandbox = start(GREETING="hello")

    answers = [json.loads(sandbox.invoke(Invocation(f"id-{n}", b"{}", 30, ARN)).payload) for n in range(3)]

    assert [(answer["count"], answer["id"]) for answer in answers] == [(1, "id-0"), (2, "id-1"), (3, "id-2")]
    assert (answers[0]["env"], answers[0]["arn"]) == ("hello", ARN)
    assert 0 < answers[0]["left_ms"] <= 30_000


def test_a_function_sees_its_code_at_var_task_and_cannot_write_there(spawner: PlainSpawner, start: Start) -> None:
    sandbox = start()

    if spawner.isolation == "namespace":
        assert json.loads(_invoke(sandbox).payload)["cwd"] == "/var/task"
        assert json.loads(_invoke(sandbox, do="write").payload)["errorType"] == "OSError"
    else:
        assert spawner.isolation == "rewrite"


def test_an_exception_is_the_answer_and_the_environment_lives_on(start: Start) -> None:
    sandbox = start()

    failed, after = _invoke(sandbox, do="fail"), _invoke(sandbox)

    answer = json.loads(failed.payload)
    assert (failed.error, failed.is_environment_lost) == ("Unhandled", False)
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "no")
    assert json.loads(after.payload)["count"] == 2


def test_a_runtime_that_exits_loses_the_environment_and_says_how(start: Start) -> None:
    outcome = _invoke(start(), do="exit")

    assert (outcome.error, outcome.is_environment_lost) == ("Unhandled", True)
    assert json.loads(outcome.payload)["errorType"] == "Runtime.ExitError"
    assert "exit status 7" in json.loads(outcome.payload)["errorMessage"]


def test_a_function_over_its_time_is_killed_with_all_it_started(spawner: PlainSpawner, start: Start) -> None:
    marker = uuid.uuid4().hex
    sandbox = start(MARKER=marker)
    _invoke(sandbox)

    outcome = _invoke(sandbox, timeout_s=0.2, do="hang")

    answer = json.loads(outcome.payload)
    assert (answer["errorType"], outcome.is_environment_lost) == ("Sandbox.Timedout", True)
    assert "Task timed out after 0.20 seconds" in answer["errorMessage"]
    if spawner.isolation == "namespace":
        eventually(lambda: not carrying(marker))


def test_code_that_cannot_be_loaded_answers_every_invocation_with_the_reason(start: Start) -> None:
    sandbox = start("import nothing_like_it")

    outcomes = [_invoke(sandbox), _invoke(sandbox)]

    assert [json.loads(outcome.payload)["errorType"] for outcome in outcomes] == ["Runtime.ImportModuleError"] * 2
    assert all(outcome.is_environment_lost for outcome in outcomes)


def test_what_a_function_prints_goes_to_its_log(start: Start) -> None:
    lines: list[str] = []

    _invoke(start(on_line=lines.append), n=1)

    eventually(lambda: any("asked {'n': 1}" in line for line in lines))


@pytest.mark.parametrize("size", [10, 5_000_000])
def test_an_answer_of_any_allowed_size_comes_whole(start: Start, size: int) -> None:
    assert len(json.loads(_invoke(start(), do="big", size=size).payload)) == size


def test_closing_leaves_neither_process_nor_thread_behind(start: Start) -> None:
    before, marker = set(threading.enumerate()), uuid.uuid4().hex
    sandbox = start(MARKER=marker)
    _invoke(sandbox)

    sandbox.close()
    sandbox.close()

    eventually(lambda: not carrying(marker))
    eventually(lambda: not set(threading.enumerate()) - before)


def _is_forked(sandbox: Sandbox) -> bool:
    return isinstance(sandbox, SocketSandbox)


def test_a_fork_serves_wherever_there_is_a_fork_server(sandboxes: Sandboxes, start: Start) -> None:
    wanted = isinstance(sandboxes, SocketSandboxes) and bool(sandboxes.spawner.servers)

    assert _is_forked(start()) is wanted


@pytest.mark.parametrize("env", [{"AWS_LAMBDA_LOG_FORMAT": "JSON"}, {"OMP_NUM_THREADS": "1"}, {"LC_ALL": "C"}])
def test_variables_that_are_read_when_libraries_load_get_a_fresh_process(start: Start, env: dict[str, str]) -> None:
    sandbox = start(**env)

    assert not _is_forked(sandbox)
    assert json.loads(_invoke(sandbox).payload)["count"] == 1


def test_a_function_that_brings_its_own_copy_of_a_library_gets_that(start: Start) -> None:
    sandbox = start("import boto3\ndef handler(event, context): return boto3.__file__", files={"boto3.py": ""})

    answers = [_invoke(sandbox), _invoke(sandbox)]

    assert [Path(json.loads(answer.payload)).name for answer in answers] == ["boto3.py", "boto3.py"]


@pytest.mark.parametrize(("code", "status"), [(HANDLER, "success"), ("import nothing_like_it", "error")])
def test_an_environment_says_whether_it_is_ready(start: Start, code: str, status: str) -> None:
    assert start(code).initialize(30) == status


def test_an_environment_that_is_not_ready_in_time_is_gone(start: Start) -> None:
    assert start("while True: pass").initialize(0.3) == "timeout"


def test_an_environment_that_was_not_initialized_does_it_in_the_time_of_its_first_invocation(start: Start) -> None:
    outcome = _invoke(start("while True: pass"), timeout_s=0.3)

    assert json.loads(outcome.payload)["errorType"] == "Sandbox.Timedout"


def test_the_peak_of_memory_is_measured_and_stays(spawner: PlainSpawner, start: Start) -> None:
    sandbox = start()
    before, grown, after = (_invoke(sandbox, do=do, size=64 << 20).peak_bytes for do in ("rest", "grow", "rest"))

    if spawner.isolation == "namespace":
        assert before is not None
        assert grown is not None
        assert 10 << 20 < before < 60 << 20
        assert 60 << 20 < grown - before < 72 << 20
        assert after == grown


def test_a_function_over_its_memory_is_ended_as_aws_does(spawner: PlainSpawner, start: Start) -> None:
    if spawner.isolation != "namespace":
        pytest.skip("memory is measured from /proc")
    outcome = _invoke(start(), do="grow", size=300 << 20)

    answer = json.loads(outcome.payload)
    assert (answer["errorType"], outcome.is_environment_lost) == ("Runtime.OutOfMemory", True)
    assert "Runtime exited with error: signal: killed" in answer["errorMessage"]
    assert (outcome.peak_bytes or 0) > MEMORY_BYTES


def test_what_a_function_starts_counts_as_its_memory(spawner: PlainSpawner, start: Start) -> None:
    if spawner.isolation != "namespace":
        pytest.skip("memory is measured from /proc")
    outcome = _invoke(start(), do="spawn", size=300 << 20)

    assert json.loads(outcome.payload)["errorType"] == "Runtime.OutOfMemory"
