"""Children: each sees its own mounts, ends as a program ends, and takes all that it started with it."""

import json
import os
import signal
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from emulator.adapters.processes import PlainSpawner, rewritten
from emulator.kernel.ports import Command, Mount, Process
from tests.support.emulator import REPOSITORY
from tests.support.processes import carrying
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def spawner() -> PlainSpawner:
    return PlainSpawner()


@dataclass
class Output:
    """The lines of a child; `saw` blocks until one has come."""

    lines: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, line: str) -> None:
        with self.changed:
            self.lines.append(line)
            self.changed.notify_all()

    def saw(self, line: str) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: line in self.lines, 30), self.lines


def _shell(text: str, output: Output, *mounts: Mount, **env: str) -> Command:
    return Command(("/bin/sh", "-c", text), {"PATH": os.environ["PATH"], **env}, output, mounts=mounts)


def _python(text: str, output: Output, *mounts: Mount, **env: str) -> Command:
    return Command((sys.executable, "-c", text), {"PATH": os.environ["PATH"], **env}, output, mounts=mounts)


def _run(spawner: PlainSpawner, command: Command) -> int:
    code = spawner.spawn(command).wait(60)
    assert code is not None
    return code


def _is_linux_with_namespaces() -> bool:
    probe = ["unshare", "--mount", "--pid", "--fork", "true"]
    return subprocess.run(probe, check=False, capture_output=True).returncode == 0


def test_the_spawner_isolates_by_namespaces_wherever_the_system_lets_it(spawner: PlainSpawner) -> None:
    assert spawner.isolation == ("namespace" if _is_linux_with_namespaces() else "rewrite")


def test_two_children_at_once_each_see_their_own_opt_ml(spawner: PlainSpawner, tmp_path: Path) -> None:
    outputs, children = [Output(), Output()], []
    for number, output in enumerate(outputs):
        source = tmp_path / str(number)
        source.mkdir()
        (source / "who").write_text(f"child {number}\n")
        text = "cat /opt/ml/who; echo mine > /opt/ml/written; echo ready; read line < /opt/ml/go"
        os.mkfifo(source / "go")
        children.append(spawner.spawn(_shell(text, output, Mount(source, "/opt/ml"))))
    for output in outputs:
        output.saw("ready")
    for number in range(2):
        (tmp_path / str(number) / "go").write_text("go\n")

    assert [child.wait(60) for child in children] == [0, 0]
    assert [output.lines for output in outputs] == [["child 0", "ready"], ["child 1", "ready"]]
    assert [(tmp_path / str(n) / "written").read_text() for n in range(2)] == ["mine\n", "mine\n"]


def test_a_mount_target_that_the_disk_lacks_is_never_made_on_the_disk(spawner: PlainSpawner, tmp_path: Path) -> None:
    name = f"/opt/{uuid.uuid4().hex}"
    (tmp_path / "file").touch()
    output = Output()

    assert _run(spawner, _shell(f"ls {name}", output, Mount(tmp_path, name))) == 0

    assert output.lines == ["file"]
    assert not Path(name).exists()


def test_what_lay_beside_a_mount_target_is_still_there(spawner: PlainSpawner, tmp_path: Path) -> None:
    if spawner.isolation == "namespace":
        output = Output()
        beside = sorted(entry.name for entry in Path("/var").iterdir() if entry.is_dir() or entry.is_file())

        _run(spawner, _shell("ls -A /var", output, Mount(tmp_path, "/var/task")))

        assert set(output.lines) == {*beside, "task"}
    else:
        assert spawner.isolation == "rewrite"


def test_a_read_only_mount_refuses_writes(spawner: PlainSpawner, tmp_path: Path) -> None:
    command = _shell("echo x > /var/task/new", Output(), Mount(tmp_path, "/var/task", is_read_only=True))

    code = _run(spawner, command)

    if spawner.isolation == "namespace":
        assert code != 0
        assert list(tmp_path.iterdir()) == []
    else:  # rewriting has no way to forbid it
        assert code == 0


@pytest.mark.parametrize(("text", "code"), [("exit 0", 0), ("exit 7", 7), ("exit 255", 255)])
def test_the_exit_code_is_the_programs(spawner: PlainSpawner, text: str, code: int) -> None:
    assert _run(spawner, _shell(text, Output())) == code


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
def test_a_program_ended_by_a_signal_answers_its_negative_number(spawner: PlainSpawner, signum: signal.Signals) -> None:
    assert _run(spawner, _shell(f"ulimit -c 0; kill -{int(signum)} $$", Output())) == -signum


def test_a_program_that_does_not_exist_says_so_and_ends_with_127(spawner: PlainSpawner) -> None:
    output = Output()

    assert _run(spawner, Command(("/no/such/program",), {}, output)) == 127

    assert output.lines == ["cannot run /no/such/program: [Errno 2] No such file or directory"]


def test_both_streams_come_line_by_line_whatever_their_bytes(spawner: PlainSpawner) -> None:
    output = Output()

    _run(spawner, _shell(r"echo one; printf 'b\377d\r\n' >&2; printf unended", output))

    assert output.lines == ["one", "b\ufffdd", "unended"]


def test_the_environment_is_what_was_given_and_nothing_more(spawner: PlainSpawner) -> None:
    output = Output()
    text = "import json, os; print(json.dumps(dict(os.environ)))"

    _run(spawner, Command((sys.executable, "-IS", "-c", text), {"GREETING": "hällo"}, output))

    found = {name: value for name, value in json.loads(output.lines[0]).items() if name != "LC_CTYPE"}
    assert found == {"GREETING": "hällo"}


def test_a_program_in_a_pipe_ends_by_sigpipe_as_in_any_shell(spawner: PlainSpawner) -> None:
    output = Output()
    text = "import signal; print([signal.getsignal(s).name for s in (signal.SIGHUP, signal.SIGTERM)])"

    _run(spawner, _shell("(yes; echo code $? >&2) | head -n 1", output))
    _run(spawner, _python(text, output))

    # two programs print at once: their lines come in any order
    assert sorted(output.lines) == ["['SIG_DFL', 'SIG_DFL']", "code 141", "y"]


def test_sigterm_reaches_the_program_which_may_end_in_its_own_way(spawner: PlainSpawner) -> None:
    output = Output()
    text = (
        "import signal, sys\n"
        "def end(signum, frame): print('told', flush=True); sys.exit(3)\n"
        "signal.signal(signal.SIGTERM, end); print('ready', flush=True)\n"
        "while True: signal.pause()"
    )
    child = spawner.spawn(_python(text, output))
    output.saw("ready")

    child.terminate()

    assert child.wait(60) == 3
    assert output.lines == ["ready", "told"]


def _family(spawner: PlainSpawner, marker: str, output: Output) -> Process:
    """A child that ignores SIGTERM, with a grandchild in a session of its own whose output is not the child's."""
    text = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}\n"
        "subprocess.Popen(['sleep', '600'], start_new_session=True, **quiet)\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()"
    )
    child = spawner.spawn(_python(text, output, MARKER=marker))
    output.saw("ready")
    return child


def test_kill_ends_the_program_and_grandchildren_in_sessions_of_their_own(spawner: PlainSpawner) -> None:
    marker, output = uuid.uuid4().hex, Output()
    child = _family(spawner, marker, output)
    child.terminate()
    assert len(carrying(marker)) >= 3

    child.kill()

    assert child.wait(60) == -signal.SIGKILL
    if spawner.isolation == "namespace":
        eventually(lambda: not carrying(marker))


def test_a_program_that_ends_leaves_no_grandchild_behind(spawner: PlainSpawner) -> None:
    marker = uuid.uuid4().hex
    text = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"

    code = spawner.spawn(_python(text, Output(), MARKER=marker)).wait(60)

    assert code == 0
    if spawner.isolation == "namespace":
        eventually(lambda: not carrying(marker))


def test_waiting_with_a_limit_answers_none_while_the_program_runs(spawner: PlainSpawner) -> None:
    output = Output()
    child = spawner.spawn(_shell("echo ready; sleep 600", output))
    output.saw("ready")

    assert child.wait(0) is None

    child.kill()
    assert child.wait(60) == -signal.SIGKILL
    child.kill()


def test_an_order_that_cannot_be_carried_out_fails_alone(spawner: PlainSpawner) -> None:
    with pytest.raises(ValueError, match="null byte"):
        spawner.spawn(_shell("true", Output(), BROKEN="a\0b"))

    assert _run(spawner, _shell("exit 5", Output())) == 5


AS_NOBODY = """
import os, sys
from pathlib import Path
from emulator.adapters import launcher
if os.geteuid() == 0:
    launcher._check(launcher.libc.unshare(launcher.CLONE_NEWNS), "unshare")
    launcher.mount(None, "/", None, launcher.MS_REC | launcher.MS_PRIVATE)
    for needed in (Path(sys.executable).resolve(), Path.cwd()):
        for directory in reversed(needed.parents):
            if not directory.stat().st_mode & 0o001:
                launcher._cover(str(directory))  # others may enter it now, in this namespace
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
os.execv(sys.executable, [sys.executable, "-c", sys.argv[1]])
"""
ISOLATED = """
import json, os, tempfile
from pathlib import Path
from emulator.adapters.processes import PlainSpawner
from emulator.kernel.ports import Command, Mount
spawner, lines, made = PlainSpawner(), [], Path(tempfile.mkdtemp())
(made / "who").write_text("me\\n")
def run(text, is_read_only):
    mounts = (Mount(made, "/opt/ml", is_read_only),)
    return spawner.spawn(Command(("/bin/sh", "-c", text), dict(os.environ), lines.append, mounts=mounts)).wait(60)
codes = [run("cat /opt/ml/who; id -u", False), run("echo x > /opt/ml/new", True)]
print(json.dumps({"isolation": spawner.isolation, "codes": codes, "lines": lines, "files": os.listdir(made)}))
"""


def test_another_user_than_root_gets_the_same_isolation_or_rewriting_by_name(spawner: PlainSpawner) -> None:
    if os.geteuid() == 0 and spawner.isolation == "rewrite":
        assert not _is_linux_with_namespaces()
        return
    command = [sys.executable, "-c", AS_NOBODY, ISOLATED]

    ran = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False, timeout=120)

    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["lines"][:2] == ["me", str(os.geteuid() or 65534)]
    if found["isolation"] == "namespace":
        assert (found["codes"][0], found["codes"][1] != 0, found["files"]) == (0, True, ["who"])
    else:
        assert (found["isolation"], found["codes"]) == ("rewrite", [0, 0])
        assert _user_namespaces_are_refused()


def _user_namespaces_are_refused() -> bool:
    probe = ["unshare", "--user", "--mount", "--pid", "--fork", "true"]
    user: dict[str, Any] = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
    return subprocess.run(probe, check=False, capture_output=True, **user).returncode != 0


class TestRewriting:
    """The way without namespaces: mount targets are replaced by their sources in what a program is given."""

    def test_argv_environment_and_working_directory_name_the_sources(self, tmp_path: Path) -> None:
        command = Command(
            ("python3", "/opt/ml/code/run.py", "--out=/opt/ml/output"),
            {"SM_MODEL_DIR": "/opt/ml/model", "PATHS": "/opt/ml:/usr/bin", "HOME": "/root"},
            print,
            cwd="/opt/ml/code",
            mounts=(Mount(tmp_path, "/opt/ml"),),
        )

        found = rewritten(command)

        assert found.argv == ("python3", f"{tmp_path}/code/run.py", f"--out={tmp_path}/output")
        assert found.env == {"SM_MODEL_DIR": f"{tmp_path}/model", "PATHS": f"{tmp_path}:/usr/bin", "HOME": "/root"}
        assert (found.cwd, found.mounts) == (f"{tmp_path}/code", ())

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("open('/opt/ml/x')", "open('SOURCE/x')"),
            ('p = "/opt/ml"', 'p = "SOURCE"'),
            ("cd /opt/ml; ls", "cd SOURCE; ls"),
            (r'"/opt/ml\n"', r'"SOURCE\n"'),
            ("file:///opt/ml/x", "file://SOURCE/x"),
            ("/opt/mlflow /opt/ml-2 /opt/ml.bak", "/opt/mlflow /opt/ml-2 /opt/ml.bak"),
            ("/srv/opt/ml/x ./opt/ml", "/srv/opt/ml/x ./opt/ml"),
            ("s3://opt/ml/x", "s3://opt/ml/x"),
        ],
    )
    def test_only_whole_paths_are_replaced(self, tmp_path: Path, text: str, expected: str) -> None:
        command = Command((text,), {}, print, mounts=(Mount(tmp_path, "/opt/ml"),))

        assert rewritten(command).argv == (expected.replace("SOURCE", str(tmp_path)),)

    def test_the_longest_target_wins_and_a_source_is_not_replaced_again(self) -> None:
        mounts = (Mount(Path("/state/a"), "/opt/ml"), Mount(Path("/opt/ml/b"), "/opt/ml/input"))

        found = rewritten(Command(("/opt/ml/input/x", "/opt/ml/y"), {}, print, mounts=mounts))

        assert found.argv == ("/opt/ml/b/x", "/state/a/y")

    def test_code_is_rewritten_and_data_and_binaries_are_not(self, tmp_path: Path) -> None:
        code, data = tmp_path / "code", tmp_path / "data"
        (code / "deep").mkdir(parents=True)
        data.mkdir()
        text = b"read('/opt/ml/input')\n" + b"\xff latin\n"
        for file in (code / "run.py", code / "deep" / "run.sh", code / "table.csv", data / "run.py"):
            file.write_bytes(text)
        (code / "binary").write_bytes(b"\0" + text)
        (code / "link.py").symlink_to(data / "run.py")

        rewritten(Command((), {}, print, mounts=(Mount(tmp_path, "/opt/ml"),), code_dirs=(code,)))

        changed = text.replace(b"/opt/ml", str(tmp_path).encode())
        assert (code / "run.py").read_bytes() == (code / "deep" / "run.sh").read_bytes() == changed
        assert (code / "table.csv").read_bytes() == (data / "run.py").read_bytes() == text
        assert (code / "binary").read_bytes() == b"\0" + text

    def test_without_mounts_nothing_changes(self) -> None:
        found = rewritten(Command(("/opt/ml", ""), {"A": ""}, print))

        assert (found.argv, found.env) == (("/opt/ml", ""), {"A": ""})

    def test_a_rewritten_command_really_runs_and_dies_with_its_group(self, tmp_path: Path) -> None:
        spawner, output = PlainSpawner(), Output()
        spawner.isolation = "rewrite"
        (tmp_path / "who").write_text("me\n")
        child = spawner.spawn(_shell("cat /opt/ml/who; sleep 600 & wait", output, Mount(tmp_path, "/opt/ml")))
        output.saw("me")

        child.kill()

        assert child.wait(60) == -signal.SIGKILL
