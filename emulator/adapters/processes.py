"""Children of the emulator: plain mode, a fresh process each.

All are started from one long-lived thread, since PR_SET_PDEATHSIG follows the *thread* that forked: a child of an ended
thread would die at once.
"""

from __future__ import annotations

import json
import os
import queue
import re
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from emulator.kernel.ports import Command, Mount

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))
_TEXT_SUFFIXES = frozenset({"", ".cfg", ".ini", ".json", ".py", ".sh", ".toml", ".txt", ".yaml", ".yml"})


class PlainSpawner:
    """Fresh processes, in namespaces of their own where the system allows it."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name="spawner", daemon=True).start()
        self.isolation = "namespace" if self._may_isolate() else "rewrite"

    def spawn(self, command: Command) -> ChildProcess:
        if self.isolation == "rewrite":
            command = rewritten(command)
        return self._start(command, isolate=self.isolation == "namespace")

    def spawn_with(self, command: Command, fds: tuple[int, ...]) -> ChildProcess:
        """An isolated child that inherits descriptors, under the same numbers."""
        return self._start(command, isolate=True, fds=fds)

    def _start(self, command: Command, isolate: bool, fds: tuple[int, ...] = ()) -> ChildProcess:
        answer: Future[subprocess.Popen[bytes]] = Future()

        def order() -> None:
            try:
                answer.set_result(_popen(command, isolate, fds))
            except Exception as error:  # handed to the caller; this thread has to outlive every bad order
                answer.set_exception(error)

        self._orders.put(order)
        return ChildProcess(answer.result(), command.on_line, wrappers=2 if isolate else 1)

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


class Lines:
    """A child's output, handed on line by line by a thread of its own until every writer has closed it."""

    def __init__(self, output: int, on_line: Callable[[str], None], name: str) -> None:
        self._output = output
        self._on_line = on_line
        self._rest = b""
        self._lock = threading.Lock()
        os.set_blocking(output, False)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Hand on what has been written so far, on the calling thread; returns when that is done."""
        with self._lock:
            self._read_all()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for the end of the output."""
        self._thread.join(timeout_s)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        while True:
            poll.poll()
            with self._lock:
                if self._read_all():
                    os.close(self._output)
                    self._output = -1
                    return

    def _read_all(self) -> bool:
        """Read until nothing is there; true at the end of the output."""
        while self._output >= 0:
            try:
                data = os.read(self._output, 65536)
            except BlockingIOError:
                return False
            *lines, self._rest = (self._rest + data).split(b"\n")
            if not data and self._rest:
                lines, self._rest = [self._rest], b""
            for line in lines:
                self._on_line(line.decode("utf-8", "replace").rstrip("\r\n"))
            if not data:
                return True
        return True


class ChildProcess:
    """A child with all its descendants; its output is read until the last of them closes it."""

    def __init__(self, popen: subprocess.Popen[bytes], on_line: Callable[[str], None], wrappers: int) -> None:
        assert popen.stdout is not None
        self._popen = popen
        self.wrappers = wrappers
        self._lines = Lines(os.dup(popen.stdout.fileno()), on_line, f"output-{popen.pid}")
        popen.stdout.close()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def wait(self, timeout_s: float | None = None) -> int | None:
        try:
            code = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._lines.join(5)
        return code

    def drain(self) -> None:
        self._lines.drain()

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


def _popen(command: Command, isolate: bool, fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
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
        pass_fds=fds,
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
