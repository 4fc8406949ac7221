"""Forks: what a program sees and leaves behind is what it would be in a fresh process, only sooner."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import uuid
import zipfile
from pathlib import Path
from typing import Any

import pytest

from emulator.adapters.forking import ForkedProcess, ForkingSpawner, ForkPlan
from emulator.adapters.processes import PlainSpawner
from emulator.kernel.ports import Command, Mount, Process
from tests.support.emulator import REPOSITORY
from tests.support.processes import carrying
from tests.support.waiting import eventually

LIGHT = REPOSITORY / ".runners" / "lambda-python"
HEAVY = REPOSITORY / ".runners" / "xgboost-3.2-0"
BASE = {"PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": "PASSIVE", "LANG": "C.UTF-8"}
PLAIN = PlainSpawner()
pytestmark = pytest.mark.skipif(PLAIN.isolation != "namespace", reason="forks need namespaces; all is plain here")


def _forking(*plans: ForkPlan) -> ForkingSpawner:
    spawner = ForkingSpawner(PLAIN, plans)
    for server in spawner.servers:
        server.start()
        assert server.is_up
    return spawner


@pytest.fixture(scope="module")
def spawner() -> ForkingSpawner:
    """One server with little in it, one with the libraries of a training image."""
    heavy = ForkPlan(HEAVY, ("numpy", "pandas", "sklearn", "xgboost"), BASE)
    return _forking(ForkPlan(LIGHT, ("boto3", "decimal"), BASE, models=("sqs",)), heavy)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path


def _command(place: Path, text: str, *words: str, home: Path = LIGHT, **env: str) -> tuple[Command, list[str]]:
    (place / "program.py").write_text(text)
    lines: list[str] = []
    argv = (str(home / "bin" / "python"), "/opt/ml/program.py", *words)
    return Command(argv, {**BASE, **env}, lines.append, cwd="/opt/ml", mounts=(Mount(place, "/opt/ml"),)), lines


def _ends(spawner: Any, command: Command, kind: type) -> int:
    child: Process = spawner.spawn(command)
    assert isinstance(child, kind)
    code = child.wait(60)
    assert code is not None
    return code


def _forked(spawner: ForkingSpawner, place: Path, text: str, *words: str, **more: Any) -> list[str]:
    command, lines = _command(place, text, *words, **more)
    assert _ends(spawner, command, ForkedProcess) == 0, lines
    return lines


SAME = {
    "arguments, paths and main": """
import sys, os, __main__
print(sys.argv, sys.path, os.getcwd(), sys.flags, sys.executable, sys.orig_argv, sys.warnoptions)
print(__name__, __file__, __package__, __spec__, __doc__, __main__ is sys.modules[__name__], sorted(vars(__main__)))
""",
    "environment": "import os; print(sorted(os.environ.items())); os.system('echo $ONLY')",
    "streams": """
import sys, os
print(sys.stdin.read(), sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors, sys.stdout.write_through)
print(sorted(os.listdir('/proc/self/fd'))[:3])
""",
    "signals": "import signal; print([(s, signal.getsignal(s)) for s in sorted(signal.valid_signals()) if s < 32])",
    "an exception": "def f(): raise ValueError('no')\n\nf()",
    "an exception with a cause": "try:\n    1 / 0\nexcept Exception as e:\n    raise KeyError('x') from e",
    "a syntax error": "def f(:",
    "an import that is not there": "import nothing_like_it",
    "exit without a code": "raise SystemExit",
    "exit code": "raise SystemExit(7)",
    "exit code over a byte": "import sys; sys.exit(-1)",
    "exit with words": "import sys; sys.exit('sorry')",
    "os._exit": "import os; print('x', end=''); os._exit(9)",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM); signal.pause()",
    "an abort": "import os, resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()",
    "keyboard interrupt": "raise KeyboardInterrupt",
    "atexit and threads": """
import atexit, threading, time
atexit.register(print, 'second')
threading.Thread(target=lambda: (threading.Event().wait(0.05), print('first'))).start()
class Last:
    def __del__(self): print('third')
last = Last()
""",
    "a file that nobody closed": """
file = open('/opt/ml/kept', 'w'); file.write('all of it'); hidden = [file]
""",
    "pickle of a class of main": """
import pickle
class Model: pass
print(pickle.dumps(Model()), type(pickle.loads(pickle.dumps(Model()))))
""",
    "multiprocessing": """
import multiprocessing
def double(x): return 2 * x
if __name__ == '__main__':
    for how in ('spawn', 'fork'):
        with multiprocessing.get_context(how).Pool(2) as pool:
            print(pool.map(double, [1, 2]))
""",
    "a subprocess": "import subprocess as s, sys; print(s.run([sys.executable, '-c', '1'], capture_output=True))",
    "a neighbour": "import neighbour; print(neighbour.WHO, neighbour.__file__)",
    "a neighbour that hides a library": "import decimal, json; print(decimal.__file__, json.__file__)",
    "the process table": "import os; print(os.getpid(), os.getppid(), [p for p in os.listdir('/proc') if p.isdigit()])",
}


@pytest.mark.parametrize("what", SAME)
def test_a_fork_and_a_fresh_process_are_the_same(spawner: ForkingSpawner, place: Path, what: str) -> None:
    found = []
    for kind, each in ((ForkedProcess, spawner), (object, PLAIN)):
        command, lines = _command(place, SAME[what], "--a", "b c", ONLY="this")
        (place / "neighbour.py").write_text("WHO = 'me'")
        if "hides" in what:
            (place / "decimal.py").write_text("")
        code = _ends(each, command, kind)
        kept = place / "kept"
        found.append((code, lines, kept.read_text() if kept.exists() else None))
        kept.unlink(missing_ok=True)

    assert found[0] == found[1]


def test_a_module_is_run_as_dash_m_runs_it(spawner: ForkingSpawner, place: Path) -> None:
    text = "import sys; print(sys.argv, sys.path[0], __name__, __spec__.name, __file__)"
    lines: dict[str, list[str]] = {"fork": [], "fresh": []}
    (place / "tool.py").write_text(text)

    for name, each in (("fork", spawner), ("fresh", PLAIN)):
        argv = (str(LIGHT / "bin" / "python"), "-m", "tool", "x")
        each.spawn(Command(argv, BASE, lines[name].append, cwd="/opt/ml", mounts=(Mount(place, "/opt/ml"),))).wait(60)

    assert lines["fork"] == lines["fresh"]
    assert lines["fork"][0].startswith("['/opt/ml/tool.py', 'x']")


@pytest.mark.parametrize("module", ["part", "decimal"])  # the second is a library that the fork server has loaded
def test_a_zip_application_is_run_as_a_fresh_interpreter_runs_it(
    spawner: ForkingSpawner, place: Path, module: str
) -> None:
    main = f"import sys, {module} as m; print(sys.argv, sys.path[0], __name__, __file__, __spec__.name, m.WHO); 1 / 0"
    with zipfile.ZipFile(place / "program.pyz", "w") as archive:
        archive.writestr("__main__.py", main)
        archive.writestr(f"{module}.py", "WHO = 'me'")
    found = []

    for kind, each in ((ForkedProcess, spawner), (object, PLAIN)):
        lines: list[str] = []
        argv = (str(LIGHT / "bin" / "python"), "/opt/ml/program.pyz", "--a", "b")
        command = Command(argv, BASE, lines.append, cwd="/opt/ml", mounts=(Mount(place, "/opt/ml"),))
        found.append((_ends(each, command, kind), lines))

    assert found[0] == found[1]
    assert found[0][0] == 1
    assert found[0][1][0].endswith("/opt/ml/program.pyz __main__ /opt/ml/program.pyz/__main__.py __main__ me")


def test_nothing_was_used_before_the_fork_so_that_openmp_works_in_many_children(
    spawner: ForkingSpawner, place: Path
) -> None:
    text = """
import numpy as np, xgboost as xgb
from sklearn.ensemble import HistGradientBoostingClassifier
data = np.random.default_rng(1).normal(size=(400, 4)); label = (data[:, 0] > 0).astype(int)
xgb.train({"nthread": 2}, xgb.DMatrix(data, label), 3)
HistGradientBoostingClassifier(max_iter=3).fit(data, label)
print((data.T @ data).shape)
"""
    children = []
    for number in range(4):
        own = place / str(number)
        own.mkdir()
        command, lines = _command(own, text, home=HEAVY)
        children.append((spawner.spawn(command), lines))

    assert [(child.wait(60), lines) for child, lines in children] == [(0, ["(4, 4)"])] * 4


def test_children_draw_different_numbers(spawner: ForkingSpawner, place: Path) -> None:
    text = "import numpy, random, uuid; print(numpy.random.random(), random.random(), uuid.uuid4())"

    drawn = [_forked(spawner, place, text, home=HEAVY)[0].split() for _ in range(3)]

    assert [len(set(column)) for column in zip(*drawn, strict=True)] == [3, 3, 3]


def test_openmp_waits_without_spinning(spawner: ForkingSpawner, place: Path) -> None:
    text = "print(open(f'/proc/{__import__(\"os\").getppid()}/environ').read().split(chr(0)))"

    assert "OMP_WAIT_POLICY=PASSIVE" in _forked(spawner, place, text, home=HEAVY)[0]


def test_the_preloaded_heap_is_frozen_and_collection_is_on(spawner: ForkingSpawner, place: Path) -> None:
    text = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 10000, gc.get_threshold())"

    assert _forked(spawner, place, text) == ["True True (700, 10, 10)"]


def test_a_module_that_the_environment_does_not_hold_cannot_be_imported(spawner: ForkingSpawner, place: Path) -> None:
    command, lines = _command(place, "import moto")

    assert _ends(spawner, command, ForkedProcess) == 1
    assert lines[-1] == "ModuleNotFoundError: No module named 'moto'"


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        (("{python}", "-c", "print('fresh')"), {}),
        (("{python}", "-X", "dev", "{script}"), {}),
        (("{python}", "-u", "{script}"), {}),
        (("/bin/sh", "-c", "echo fresh"), {}),
        ((sys.executable, "{script}"), {}),
        (("{python}", "{script}"), {"OMP_NUM_THREADS": "1"}),
        (("{python}", "{script}"), {"PYTHONHASHSEED": "0"}),
        (("{python}", "{script}"), {"PYTHONUNBUFFERED": ""}),
        (("{python}", "{script}"), {"OPENBLAS_NUM_THREADS": "2"}),
    ],
)
def test_what_a_fork_cannot_do_is_a_fresh_process(
    spawner: ForkingSpawner, place: Path, argv: tuple[str, ...], env: dict[str, str]
) -> None:
    command, lines = _command(place, "print('fresh')", **env)
    words = tuple(
        word.format(python=LIGHT / "bin" / "python", script="/opt/ml/program.py") if "{" in word else word
        for word in argv
    )

    child = spawner.spawn(Command(words, command.env, lines.append, mounts=command.mounts))

    assert not isinstance(child, ForkedProcess)
    assert (child.wait(60), lines) == (0, ["fresh"])


def test_mounts_are_the_childs_own_and_read_only_ones_refuse_writes(spawner: ForkingSpawner, place: Path) -> None:
    data = place / "input"
    data.mkdir()
    (data / "x").write_text("in")
    command, lines = _command(place, "print(open('/opt/data/x').read()); open('/opt/data/y', 'w')")
    mounts = (*command.mounts, Mount(data, "/opt/data", is_read_only=True))

    code = _ends(spawner, Command(command.argv, command.env, lines.append, mounts=mounts), ForkedProcess)

    assert (code, lines[0], "Read-only file system" in lines[-1]) == (1, "in", True)
    assert not Path("/opt/data").exists()


FAMILY = """
import signal, subprocess
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(['sleep', '600'], start_new_session=True)
print('ready', flush=True)
while True: signal.pause()
"""


def test_kill_ends_the_program_and_grandchildren_in_sessions_of_their_own(spawner: ForkingSpawner, place: Path) -> None:
    marker = uuid.uuid4().hex
    command, lines = _command(place, FAMILY, MARKER=marker)
    child = spawner.spawn(command)
    eventually(lambda: lines == ["ready"])
    child.terminate()
    assert child.wait(0) is None

    child.kill()

    assert child.wait(60) == -signal.SIGKILL
    eventually(lambda: not carrying(marker))
    child.kill()


def test_sigterm_reaches_the_program_which_may_end_in_its_own_way(spawner: ForkingSpawner, place: Path) -> None:
    text = (
        "import signal, sys\ndef end(*_): print('told'); sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, end); print('ready')\nwhile True: signal.pause()"
    )
    command, lines = _command(place, text)
    child = spawner.spawn(command)
    eventually(lambda: lines == ["ready"])

    child.terminate()

    assert (child.wait(60), lines) == (3, ["ready", "told"])


ALONE = """
import os, sys
from pathlib import Path
from emulator.adapters.forking import ForkingSpawner, ForkPlan
from emulator.adapters.processes import PlainSpawner
from emulator.kernel.ports import Command
env = {"MARKER": sys.argv[1]}
spawner = ForkingSpawner(PlainSpawner(), (ForkPlan(Path(sys.argv[2]), ("json",), env),))
spawner.servers[0].start()
child = spawner.spawn(Command((sys.argv[2] + "/bin/python", sys.argv[3]), env, lambda line: print(line, flush=True)))
print(type(child).__name__, flush=True)
child.wait()
"""


def test_kill_minus_nine_of_the_emulator_leaves_neither_server_nor_children(place: Path) -> None:
    marker = uuid.uuid4().hex
    (place / "family.py").write_text(FAMILY)
    command = [sys.executable, "-c", ALONE, marker, str(LIGHT), str(place / "family.py")]
    emulator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert emulator.stdout is not None
    assert sorted(emulator.stdout.readline() for _ in range(2)) == ["ForkedProcess\n", "ready\n"]
    assert len(carrying(marker)) >= 4

    emulator.kill()

    emulator.wait(30)
    emulator.stdout.close()
    eventually(lambda: not carrying(marker))


def test_while_a_server_is_down_programs_run_fresh_and_it_comes_up_again(place: Path) -> None:
    marker = uuid.uuid4().hex
    env = {**BASE, "MARKER": marker}
    spawner = _forking(ForkPlan(LIGHT, ("json",), env))
    for pid in carrying(marker):
        with contextlib.suppress(ProcessLookupError):  # it ended with the one before
            os.kill(pid, signal.SIGKILL)
    command, lines = _command(place, "print('ran')")

    assert _ends(spawner, command, object) == 0

    assert lines == ["ran"]
    eventually(lambda: isinstance(spawner.spawn(command), ForkedProcess))


def test_service_models_are_read_ahead_and_clients_work(spawner: ForkingSpawner, place: Path) -> None:
    text = """
import boto3, json, botocore.loaders
botocore.loaders.open = None
client = boto3.client('sqs', region_name='us-east-1', aws_access_key_id='a', aws_secret_access_key='b')
print(json.dumps(client.meta.service_model.signature_version))
"""

    assert [json.loads(line) for line in _forked(spawner, place, text)] == ["v4"]
