"""The fork server of one runner environment: libraries imported and never used; each request becomes a child of it.

Run as a file by the runner's own interpreter, so it needs nothing but the standard library and its neighbours here.
It says one byte when its libraries are in, then takes requests: a length and JSON (argv, env, cwd, mounts, entry) with
the descriptors of the child's output, of its control socket, and of whatever else the entry wants.

A child is two processes: an init, PID 1 of a namespace of its own with its own mounts, and the program. The init tells
the control socket that it started and how the program ended, and takes `T` (SIGTERM to the program), `K` (kill it) and
the end of the socket (kill everything). All of it dies with the fork server, and that with the emulator, since each is
in a process namespace of the one before.

The traps, each with a test: nothing is used here (thread pools of OpenMP and polars do not survive a fork); gc.freeze
keeps pages shared; the variables that libraries read when they are loaded are this server's own, and a command that
wants others does not come here; only the main thread forks.
"""

from __future__ import annotations

import sys

FRESH = frozenset(sys.modules)  # what a fresh interpreter holds before its program runs

import array  # noqa: E402
import contextlib  # noqa: E402
import gc  # noqa: E402
import importlib  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import struct  # noqa: E402
import traceback  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from types import ModuleType  # noqa: E402
from typing import Any, NoReturn  # noqa: E402

Request = dict[str, Any]
_FDS_MAX = 8


def neighbour(name: str) -> ModuleType:
    """A file beside this one, as a module that no program finds by accident."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"_driftloop_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def preload(modules: list[str], models: list[str]) -> None:
    """Import libraries; read the JSON of botocore's service models, which every client of a child would parse again."""
    for name in modules:
        importlib.import_module(name)
    if "botocore" in sys.modules:
        _read_ahead(models)
    importlib.invalidate_caches()  # its first call imports; once here, not in every child


def _read_ahead(models: list[str]) -> None:
    loaders = importlib.import_module("botocore.loaders")
    read = loaders.JSONFileLoader.load_file
    known: dict[str, Any] = {}

    def load_file(self: Any, file_path: str) -> Any:
        if file_path not in known:
            known[file_path] = read(self, file_path)
        return known[file_path]

    loaders.JSONFileLoader.load_file = load_file
    loader = loaders.create_loader()
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data(name)
    for service in models:
        loader.load_service_model(service, "service-2")
        with contextlib.suppress(Exception):  # not every service has one
            loader.load_service_model(service, "endpoint-rule-set-1")


def receive(requests: socket.socket) -> tuple[Request, list[int]]:
    """The next request with its descriptors.

    Raises:
        EOFError: nobody will ask any more.
    """
    fds = array.array("i")
    head, ancillary, _, _ = requests.recvmsg(4, socket.CMSG_SPACE(_FDS_MAX * fds.itemsize))
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
    size = struct.unpack("!I", head + read_exactly(requests, 4 - len(head)))[0]
    return json.loads(read_exactly(requests, size)), list(fds)


def read_exactly(stream: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = stream.recv(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return parts


def serve(requests: socket.socket, launcher: Any) -> tuple[Request, list[int]]:
    """Fork for every request. Returns in children only; ends the process when nobody will ask any more."""
    own = os.open("/proc/self/ns/pid", os.O_RDONLY)
    while True:
        try:
            request, fds = receive(requests)
        except (EOFError, OSError):
            os._exit(0)
        if fork_in_own_namespace(launcher) == 0:
            os.close(own)
            requests.close()
            return request, fds
        launcher._check(launcher.libc.setns(own, launcher.CLONE_NEWPID), "setns")
        for fd in fds:
            os.close(fd)


def fork_in_own_namespace(launcher: Any) -> int:
    """fork(2), the child being PID 1 of a new process namespace; -1 when the system has no room for it.

    The asker then sees its control socket end, and starts a fresh process.
    """
    try:
        launcher._check(launcher.libc.unshare(launcher.CLONE_NEWPID), "unshare")
        return os.fork()
    except OSError:
        traceback.print_exc()
        return -1


def become_init(request: Request, fds: list[int], launcher: Any) -> list[int]:
    """Be PID 1 of the child's namespaces. Returns in the program's process only, with the entry's own descriptors."""
    output, control_fd, *extra = fds
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    launcher._check(launcher.libc.unshare(launcher.CLONE_NEWNS), "unshare")
    launcher.furnish(request["mounts"])
    control = socket.socket(fileno=control_fd)
    awake, wake = os.pipe()
    for fd in (awake, wake):
        os.set_blocking(fd, False)
    control.send(b"started")
    program = os.fork()
    if program == 0:
        control.close()
        os.close(awake)
        os.close(wake)
        return extra
    for fd in (1, 2, *extra):
        os.close(fd)
    return _reap(program, control, awake, wake)


def _reap(program: int, control: socket.socket, awake: int, wake: int) -> NoReturn:
    """Wait for the program, take orders for it, bury what it abandons."""
    signal.signal(signal.SIGCHLD, lambda signum, frame: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    poll = select.poll()
    poll.register(control, select.POLLIN)
    poll.register(awake, select.POLLIN)
    while True:
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                if found[0] == program:
                    with contextlib.suppress(OSError):
                        control.send(struct.pack("!i", os.waitstatus_to_exitcode(found[1])))
                    os._exit(0)
        for fd, _ in poll.poll():
            if fd == awake:
                with contextlib.suppress(BlockingIOError):
                    os.read(awake, 4096)
            else:
                _obey(control, program)


def _obey(control: socket.socket, program: int) -> None:
    match control.recv(1):
        case b"T":
            os.kill(program, signal.SIGTERM)
        case b"K":
            os.kill(program, signal.SIGKILL)
        case _:
            os._exit(1)  # the emulator is gone or does not want us any more; the kernel ends the namespace


def enter_namespaces(launcher: Any) -> None:
    """Be PID 1 of a namespace in which we may make others, whoever the user is. The parent waits for us and ends."""
    launcher.take_namespaces()
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    launcher._check(launcher.libc.prctl(launcher.PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0), "prctl")
    launcher.mount(None, "/", None, launcher.MS_REC | launcher.MS_PRIVATE)
    launcher.mount("proc", "/proc", "proc")


def main() -> None:
    plan = json.loads(sys.argv[2])
    if not sys.flags.safe_path:
        del sys.path[0]  # this file's directory; a program puts its own there
    launcher = neighbour("launcher")
    program = neighbour("forked_program")
    entries: dict[str, Callable[..., None]] = {"script": program.run_script, "module": program.run_module}
    enter_namespaces(launcher)
    gc.disable()
    if plan["is_lambda"]:
        runtime = neighbour("lambda_runtime")
        runtime.install()
        entries["lambda"] = runtime.run
    preload(plan["modules"], plan["models"])
    requests = socket.socket(fileno=int(sys.argv[1]))
    base = program.Base(FRESH, list(sys.path), frozenset(sys.modules))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries our children
    warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
    gc.collect()
    gc.freeze()
    requests.send(b"r")
    request, fds = serve(requests, launcher)
    extra = become_init(request, fds, launcher)
    program.prepare(request)
    entries[request["entry"]](request, base, *extra)


if __name__ == "__main__":
    main()
