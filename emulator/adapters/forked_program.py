"""Becoming, in a fork of a server with libraries loaded, the program that a fresh interpreter would have run.

What a fork cannot do like a fresh process is handed to a fresh one: exec of the same interpreter, in the same
namespaces. Seen from inside, the rest differs in this only: preloaded modules are in sys.modules from the start, hash
seeds are shared by the children of one server, and a stack printed by hand has frames of ours below `__main__`.

Standard library only: it runs in a runner's environment, never in the emulator.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import importlib.machinery
import io
import os
import runpy
import signal
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType, ModuleType, TracebackType
from typing import Any, NoReturn

Request = dict[str, Any]
_IMPORTABLE = tuple(importlib.machinery.all_suffixes())
_LOST_STDOUT = 120  # CPython's exit code when the last flush fails


@dataclass(frozen=True)
class Base:
    """What the fork server is: the modules of a bare interpreter, its module path, and all it has loaded."""

    fresh: frozenset[str]
    path: list[str]
    loaded: frozenset[str]

    def shadowing(self, directory: str) -> bool:
        """Whether a program's own directory holds a module that a fresh interpreter would take and we already have."""
        try:
            with os.scandir(directory) as entries:
                return not self._own.isdisjoint(map(module_name, entries))
        except OSError:
            return False

    def shadowed_in(self, archive: str) -> bool:
        """The same of a zip file that is the program."""
        with zipfile.ZipFile(archive) as file:
            return not self._own.isdisjoint(name.partition("/")[0].partition(".")[0] for name in file.namelist())

    @property
    def _own(self) -> set[str]:
        return {name.partition(".")[0] for name in self.loaded - self.fresh}


def module_name(entry: os.DirEntry[str]) -> str | None:
    """The name under which a directory entry would be imported before anything that comes later on the path."""
    suffix = next((suffix for suffix in _IMPORTABLE if entry.name.endswith(suffix)), None)
    if suffix:
        return entry.name.removesuffix(suffix)
    return entry.name if os.path.isfile(os.path.join(entry.path, "__init__.py")) else None


def prepare(request: Request) -> None:
    """Signals, environment, time zone, directory and chance, as in a process that has just begun."""
    signal.set_wakeup_fd(-1)
    for signum in (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(signum, signal.SIG_DFL)
    for signum in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(signum, signal.SIG_IGN)  # as every Python program starts
    os.environ.clear()
    os.environ.update(request["env"])
    time.tzset()
    try:
        os.chdir(request["cwd"])
    except OSError as error:
        print(f"cannot run {request['argv'][0]}: {error}", flush=True)
        os._exit(127)
    sys.executable = request["argv"][0]
    sys.orig_argv[:] = request["argv"]
    if "multiprocessing.spawn" in sys.modules:
        sys.modules["multiprocessing.spawn"].set_executable(sys.executable)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()  # else every child would draw the same numbers
    importlib.invalidate_caches()
    gc.enable()


def run_script(request: Request, base: Base) -> NoReturn:
    """`python script.py …`, and `python program.pyz …`"""
    script, *words = request["words"]
    if script.endswith(".pyz") and zipfile.is_zipfile(script):
        run_archive(request, base)
    directory = os.path.dirname(os.path.realpath(script))
    if not os.path.isfile(script) or base.shadowing(directory) or not script.endswith(".py"):
        run_fresh(request)
    sys.argv[:] = [script, *words]
    sys.path[:] = base.path if sys.flags.safe_path else [directory, *base.path]
    path = os.path.abspath(script)
    main = new_main()
    main.__dict__.update(
        {"__file__": path, "__cached__": None, "__loader__": importlib.machinery.SourceFileLoader("__main__", path)}
    )
    end(lambda: exec(_compiled(path), main.__dict__), base)


def run_archive(request: Request, base: Base) -> NoReturn:
    """`python program.pyz …`: the archive is the first place to import from, and its `__main__` is run."""
    archive, *words = request["words"]
    if base.shadowed_in(archive):
        run_fresh(request)
    sys.argv[:] = [archive, *words]
    sys.path[:] = [archive, *base.path]
    new_main()
    run: Callable[[str, bool], Any] = runpy._run_module_as_main  # type: ignore[attr-defined]
    end(lambda: run("__main__", False), base)


def run_module(request: Request, base: Base) -> NoReturn:
    """`python -m module …`"""
    module, *words = request["words"]
    directory = os.getcwd()
    if module in sys.modules or f"{module}.__main__" in sys.modules or base.shadowing(directory):
        run_fresh(request)
    sys.argv[:] = ["-m", *words]
    sys.path[:] = base.path if sys.flags.safe_path else [directory, *base.path]
    new_main()
    run: Callable[[str], Any] = runpy._run_module_as_main  # type: ignore[attr-defined]
    end(lambda: run(module), base)


def run_fresh(request: Request) -> NoReturn:
    """The same program by a fresh interpreter in this process: what fork and memory gave us is gone."""
    for signum in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(signum, signal.SIG_DFL)
    try:
        os.execve(request["argv"][0], request["argv"], request["env"])
    except OSError as error:
        print(f"cannot run {request['argv'][0]}: {error}", flush=True)
        os._exit(127)


def new_main() -> ModuleType:
    """An empty `__main__`; ours stays alive under another name, since its functions are still running."""
    sys.modules["_driftloop_fork_server"] = sys.modules["__main__"]
    main = ModuleType("__main__")
    main.__dict__.update({"__builtins__": sys.modules["builtins"], "__annotations__": {}})
    sys.modules["__main__"] = main
    return main


def _compiled(path: str) -> CodeType:
    with open(path, "rb") as file:
        return compile(file.read(), path, "exec", dont_inherit=True)


def end(program: Callable[[], Any], base: Base) -> NoReturn:
    """Run the program and end as the interpreter ends, but for taking the preloaded modules apart (0.2 s)."""
    code = _outcome(program)
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    code = _flush_streams(code)
    _take_apart([name for name in sys.modules if name not in base.loaded or name == "__main__"])
    _flush_files()
    if code == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(code & 0xFF)


def _outcome(program: Callable[[], Any]) -> int:
    try:
        program()
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return error.code or 0
        print(error.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        _show(error)
        return -signal.SIGINT
    except BaseException as error:
        _show(error)
        return 1
    return 0


def _show(error: BaseException) -> None:
    """The traceback that a fresh interpreter prints: it begins at the program."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, trace
    sys.excepthook(type(error), error.with_traceback(trace), trace)


def _flush_streams(code: int) -> int:
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:
            code = code or _LOST_STDOUT
    return code


def _take_apart(names: list[str]) -> None:
    """What the interpreter does to modules at its end, to the program's own: `__del__` runs, open files are closed.

    A daemon thread would stand still by now; what it may run into is not told.
    """
    threading.excepthook = lambda args: None
    modules = [sys.modules.pop(name) for name in names]
    for module in modules:
        variables = getattr(module, "__dict__", {})
        for is_private in (True, False):
            for name in [name for name in variables if name != "__builtins__"]:
                if name.startswith("_") is is_private:
                    variables[name] = None
    modules.clear()
    gc.collect()


def _flush_files() -> None:
    """Files that are still open: a fresh interpreter would write out what they hold."""
    for found in gc.get_objects():
        if isinstance(found, io.BufferedWriter | io.BufferedRandom | io.TextIOWrapper) and not found.closed:
            try:
                found.flush()
            except Exception:  # read-only, detached or broken: nothing of it can be written
                continue
