"""`kill -9` of the emulator leaves no process behind, whatever a function has started."""

import io
import os
import signal
import threading
import urllib.error
import urllib.request
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.apart import Emulator
from tests.support.processes import carrying
from tests.support.waiting import eventually

HANDLER = """
import subprocess
def handler(event, context):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.Popen(["sleep", "600"], start_new_session=True, **quiet)
    print("started", flush=True)
    while True:
        pass
"""


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    made = Emulator(tmp_path / "state")
    yield made
    made.kill()


def _run_for_ever(emulator: Emulator, marker: str) -> None:
    """Invoke a function that starts a process in a session of its own and never answers."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", HANDLER)
    functions = emulator.client("lambda")
    functions.create_function(
        FunctionName="for-ever",
        Runtime="python3.13",
        Role="arn:aws:iam::123456789012:role/r",
        Handler="app.handler",
        Timeout=600,
        Environment={"Variables": {"MARKER": marker}},
        Code={"ZipFile": packed.getvalue()},
    )
    functions.invoke(FunctionName="for-ever", InvocationType="Event")


def _sleepers(marker: str) -> list[int]:
    return [pid for pid in carrying(marker) if b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def test_a_killed_emulator_leaves_no_descendant(emulator: Emulator) -> None:
    marker = uuid.uuid4().hex
    _run_for_ever(emulator, marker)
    (sleeper,) = eventually(lambda: _sleepers(marker) or None)
    assert os.getsid(sleeper) != os.getsid(emulator.process.pid)

    emulator.process.kill()

    assert emulator.process.wait(30) == -signal.SIGKILL
    eventually(lambda: not carrying(marker))


def test_an_emulator_that_is_asked_to_stop_leaves_no_descendant_either(emulator: Emulator) -> None:
    marker = uuid.uuid4().hex
    _run_for_ever(emulator, marker)
    eventually(lambda: _sleepers(marker) or None)

    urllib.request.urlopen(f"http://127.0.0.1:{emulator.port}/_emulator/stop", timeout=10).close()

    assert emulator.process.wait(30) == 0
    eventually(lambda: not carrying(marker))


def test_a_client_in_the_middle_of_a_call_hears_of_the_end(emulator: Emulator) -> None:
    ended = threading.Event()
    marker = uuid.uuid4().hex
    _run_for_ever(emulator, marker)
    eventually(lambda: _sleepers(marker) or None)

    def call() -> None:
        try:
            emulator.client("lambda").invoke(FunctionName="for-ever")
        except Exception:
            ended.set()

    threading.Thread(target=call, daemon=True).start()
    eventually(lambda: len(_sleepers(marker)) == 2)
    emulator.process.kill()

    assert ended.wait(30)
    eventually(lambda: not carrying(marker))
