"""Children of the emulator: fast mode, forks of a server that has a runner's libraries loaded.

A fork starts where a fresh process ends its imports: 10 ms instead of 1.5 s. Whatever a fork could not do exactly like
a fresh process goes to the plain spawner: other programs, other options, other values of the variables that libraries
read when they are loaded, and everything while a server is not up.
"""

from __future__ import annotations

import array
import json
import logging
import os
import socket
import struct
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.adapters.processes import Lines, PlainSpawner
from emulator.kernel.ports import Command, Process

log = logging.getLogger(__name__)
_SERVER = str(Path(__file__).with_name("fork_server.py"))
_UP_WITHIN_S = 60.0
_READ_WHEN_LOADED = (
    *("PYTHON", "LANG", "LC_", "LD_", "MALLOC_", "GLIBC_", "JEMALLOC", "OPENSSL_", "BOTO"),
    *("AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"),
    *("OMP_", "GOMP_", "KMP_", "OPENBLAS_", "GOTO_", "MKL_", "BLIS_", "VECLIB_", "NUMEXPR_", "LOKY_", "JOBLIB_"),
    *("NPY_", "NUMPY_", "SCIPY_", "SKLEARN_", "PANDAS_", "XGB", "ARROW_", "CUDA_", "NCCL_"),
)
"""Variables that the interpreter or a library reads once, when it is loaded; prefixes of their names."""


@dataclass(frozen=True)
class ForkPlan:
    """What one server holds: a runner's interpreter with these options and variables, these modules, these models.

    `models` are the services whose botocore models are read ahead.
    """

    home: Path
    modules: tuple[str, ...]
    env: Mapping[str, str]
    options: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    is_lambda: bool = False

    def serves(self, command: Command) -> bool:
        """Whether a fork of this server would be what `command` asks for."""
        return (
            not self.is_lambda
            and self._is_interpreter(command.argv[0])
            and command.argv[1 : 1 + len(self.options)] == self.options
            and read_when_loaded(command.env) == read_when_loaded(self.env)
            and program(command.argv[1 + len(self.options) :]) is not None
        )

    def _is_interpreter(self, path: str) -> bool:
        directory, name = os.path.split(path)
        return directory == str(self.home / "bin") and name.startswith("python")


def read_when_loaded(env: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that is fixed once libraries are loaded."""
    return {name: value for name, value in env.items() if name.startswith(_READ_WHEN_LOADED)}


def program(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """`script` or `module` with its words, as the interpreter would read them; None for anything else."""
    if len(words) > 1 and words[0] == "-m":
        return "module", words[1:]
    if words and words[0].endswith((".py", ".pyz")) and not words[0].startswith("-"):
        return "script", words
    return None


class ForkServer:
    """The server of one plan. It is started once, in the background, and again if it ever ends."""

    def __init__(self, plan: ForkPlan, plain: PlainSpawner) -> None:
        self.plan = plan
        self._plain = plain
        self._requests: socket.socket | None = None
        self._lock = threading.Lock()
        self._is_starting = False

    @property
    def is_up(self) -> bool:
        return self._requests is not None

    def start(self) -> None:
        """Start the server and wait until its libraries are in; nothing is done when it is up or starting."""
        with self._lock:
            if self._requests or self._is_starting:
                return
            self._is_starting = True
        try:
            self._requests = self._started()
        finally:
            self._is_starting = False

    def start_in_background(self) -> None:
        if not self._requests and not self._is_starting:
            threading.Thread(target=self.start, name="fork-server", daemon=True).start()

    def fork(self, command: Command, entry: str, words: tuple[str, ...], fds: tuple[int, ...] = ()) -> Process | None:
        """A child of the server, or None when there is no server to ask."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        output, writer = os.pipe2(os.O_CLOEXEC)
        try:
            self._ask(command, entry, words, [writer, theirs.fileno(), *fds])
        finally:
            os.close(writer)
            theirs.close()
        pid = _started_as(ours)
        if pid is None:
            os.close(output)
            ours.close()
            return None
        return ForkedProcess(pid, ours, Lines(output, command.on_line, f"output-{pid}"))

    def _ask(self, command: Command, entry: str, words: tuple[str, ...], fds: list[int]) -> None:
        request = {
            "argv": command.argv,
            "cwd": command.cwd,
            "entry": entry,
            "env": dict(command.env),
            "mounts": [(str(mount.source), mount.target, mount.is_read_only) for mount in command.mounts],
            "words": words,
        }
        raw = json.dumps(request).encode()
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))
        with self._lock:
            if self._requests is None:
                return
            try:
                self._requests.sendmsg([struct.pack("!I", len(raw))], [rights])
                self._requests.sendall(raw)
            except OSError:
                self._requests.close()
                self._requests = None

    def _started(self) -> socket.socket | None:
        ours, theirs = socket.socketpair()
        plan = {"modules": self.plan.modules, "models": self.plan.models, "is_lambda": self.plan.is_lambda}
        interpreter = str(self.plan.home / "bin" / "python")
        argv = (interpreter, *self.plan.options, _SERVER, str(theirs.fileno()), json.dumps(plan))
        with theirs:
            self._plain.spawn_with(Command(argv, self.plan.env, self._on_line), (theirs.fileno(),))
        ours.settimeout(_UP_WITHIN_S)
        try:
            is_up = ours.recv(1) == b"r"
        except OSError:
            is_up = False
        ours.settimeout(None)
        if not is_up:
            log.warning("fork_server.failed", extra={"home": str(self.plan.home)})
            ours.close()
        return ours if is_up else None

    def _on_line(self, line: str) -> None:
        log.warning("fork_server.said", extra={"home": str(self.plan.home), "line": line})


def _started_as(control: socket.socket) -> int | None:
    """The process id of a child's init as this process sees it, once it says that it started; None when it did not."""
    size = struct.calcsize("3i")
    said, ancillary, _, _ = control.recvmsg(16, socket.CMSG_SPACE(size))
    pids = [int(struct.unpack("3i", data[:size])[0]) for _, kind, data in ancillary if kind == socket.SCM_CREDENTIALS]
    return pids[0] if said == b"started" and pids else None


class ForkedProcess:
    """A forked child with all its descendants. The end of its control socket ends them all."""

    wrappers = 1

    def __init__(self, pid: int, control: socket.socket, lines: Lines) -> None:
        self._pid = pid
        self._control = control
        self._lines = lines
        self._code: int | None = None
        self._ended = threading.Event()
        threading.Thread(target=self._watch, name=f"child-{pid}", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._pid

    def wait(self, timeout_s: float | None = None) -> int | None:
        return self._code if self._ended.wait(timeout_s) else None

    def drain(self) -> None:
        self._lines.drain()

    def terminate(self) -> None:
        self._order(b"T")

    def kill(self) -> None:
        self._order(b"K")

    def _order(self, order: bytes) -> None:
        try:
            self._control.send(order)
        except OSError:
            return  # it has ended

    def _watch(self) -> None:
        try:
            answer = self._control.recv(4)
        except OSError:
            answer = b""
        self._lines.join(5)
        self._code = struct.unpack("!i", answer)[0] if len(answer) == 4 else -9
        self._ended.set()
        self._control.close()


class ForkingSpawner:
    """Forks where a server's plan fits the command, fresh processes otherwise."""

    def __init__(self, plain: PlainSpawner, plans: tuple[ForkPlan, ...]) -> None:
        self._plain = plain
        able = plans if plain.isolation == "namespace" else ()
        self.servers = [ForkServer(plan, plain) for plan in able if (plan.home / "bin" / "python").exists()]

    @property
    def isolation(self) -> str:
        return self._plain.isolation

    def spawn(self, command: Command) -> Process:
        server = next((server for server in self.servers if server.plan.serves(command)), None)
        found = program(command.argv[1 + len(server.plan.options) :]) if server else None
        if server and found:
            return self._forked(server, command, *found) or self._plain.spawn(command)
        return self._plain.spawn(command)

    def spawn_function(self, command: Command, handler: str, runtime: int) -> Process | None:
        """A function's runtime on the socket `runtime`; None where it has to be a fresh process on HTTP."""
        server = next((server for server in self.servers if server.plan.is_lambda), None)
        if server is None or not _fits_function(server.plan, command):
            return None
        return self._forked(server, command, "lambda", (handler,), (runtime,))

    def warm(self) -> None:
        """Start every server, one after the other, in the background."""

        def start() -> None:
            for server in self.servers:
                server.start()

        threading.Thread(target=start, name="fork-servers", daemon=True).start()

    def _forked(
        self, server: ForkServer, command: Command, entry: str, words: tuple[str, ...], fds: tuple[int, ...] = ()
    ) -> Process | None:
        if not server.is_up:
            server.start_in_background()  # for the next one; this one does not wait
            return None
        return server.fork(command, entry, words, fds)


def _fits_function(plan: ForkPlan, command: Command) -> bool:
    wanted, fixed = read_when_loaded(command.env), read_when_loaded(plan.env)
    wanted.pop("PYTHONPATH", None)  # the function's and its layers' directories, which the child puts first itself
    return wanted == fixed
