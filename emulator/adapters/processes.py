"""Children of the emulator: plain mode, a fresh process each.

All are started from one long-lived thread, since PR_SET_PDEATHSIG follows the *thread* that forked: a child of an ended
thread would die at once.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from emulator.kernel.ports import Command, Mount, Process

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
_TEXT_SUFFIXES = frozenset({"", ".cfg", ".ini", ".json", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"})


class PlainSpawner:
    """Fresh processes, in namespaces of their own where the system allows it."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="spawner", daemon=True).start()
        self.isolation = "namespace" if self._may_isolate() else "rewrite"

    def spawn(self, command: Command) -> Process:
        if self.isolation == "rewrite":
            command = rewritten(command)
        return self._start(command, isolate=self.isolation == "namespace")

    def _start(self, command: Command, isolate: bool) -> ChildProcess:
        answer: Future[subprocess.Popen[bytes]] = Future()

        def order() -> None:
            try:
                answer.set_result(_popen(command, isolate))
            except Exception as error:  # handed to the caller; this thread has to outlive every bad order
                answer.set_exception(error)

        self._orders.put(order)
        return ChildProcess(answer.result(), command.on_line)

    def _serve(self) -> None:
        while True:
            self._orders.get()()

    def _may_isolate(self) -> bool:
        """Do the whole dance in a throw-away child: some systems let unshare(2) pass and refuse the mount."""
        if sys.platform != "linux":
            return False
        with tempfile.TemporaryDirectory() as found:
            Path(found, "witness").touch()
            probe = Command(
                argv=(sys.executable, "-IS", "-c", "import os; os.stat('/opt/ml/witness')"),
                env=dict(os.environ),
                on_line=lambda line: None,
                mounts=(Mount(Path(found), "/opt/ml"),),
            )
            return self._start(probe, isolate=True).wait() == 0


class ChildProcess:
    """A child with all its descendants; its output is read until the last of them closes it."""

    def __init__(self, popen: subprocess.Popen[bytes], on_line: Callable[[str], None]) -> None:
        self._popen = popen
        self._reader = threading.Thread(target=self._read, args=(on_line,), name=f"output-{popen.pid}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def wait(self, timeout_s: float | None = None) -> int | None:
        try:
            code = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join(timeout=5)
        return code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            self._signal(signal.SIGKILL)

    def _signal(self, signum: signal.Signals) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(signum)

    def _read(self, on_line: Callable[[str], None]) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as output:
            for line in output:
                on_line(line.decode("utf-8", "replace").rstrip("\r\n"))


def _popen(command: Command, isolate: bool) -> subprocess.Popen[bytes]:
    spec = {
        "argv": command.argv,
        "cwd": command.cwd,
        "isolate": isolate,
        "mounts": [(str(mount.source), mount.target, mount.is_read_only) for mount in command.mounts],
        "parent": os.getpid(),
    }
    return subprocess.Popen(
        [sys.executable, "-IS", _LAUNCHER, json.dumps(spec)],
        env=dict(command.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def rewritten(command: Command) -> Command:
    """The command with every mount target replaced by its source: in argv, env, cwd and the text of `code_dirs`.

    For systems without namespaces. Paths that a program builds from pieces escape it; jobs say so in their logs.
    """
    sources = {mount.target: str(mount.source) for mount in command.mounts}
    longest_first = "|".join(map(re.escape, sorted(sources, key=len, reverse=True)))
    whole_path = re.compile(rf"(?<![\w.-])(?<!:/)({longest_first})(?![\w.-])")  # neither /srv/opt/ml nor s3://opt/ml

    def swap(text: str) -> str:
        return whole_path.sub(lambda found: sources[found[1]], text) if sources else text

    for directory in command.code_dirs:
        for file in directory.rglob("*"):
            if file.is_file() and not file.is_symlink() and file.suffix in _TEXT_SUFFIXES:
                _rewrite_file(file, swap)
    env = {name: swap(value) for name, value in command.env.items()}
    return replace(command, argv=tuple(map(swap, command.argv)), env=env, cwd=swap(command.cwd), mounts=())


def _rewrite_file(file: Path, swap: Callable[[str], str]) -> None:
    raw = file.read_bytes()
    if b"\0" in raw[:4096]:
        return
    swapped = swap(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    if swapped != raw:
        file.write_bytes(swapped)
