"""Starting: a state directory serves one run, and what is in the way is never deleted unasked."""

import json
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from driftloop.commands import up
from driftloop.errors import UserError
from driftloop.target import find_emulator


class _Health(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"pid": os.getpid(), "status": "ok"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Silent."""


@pytest.fixture
def port() -> Iterator[int]:
    """Of something that answers as an emulator of this process would."""
    server = HTTPServer(("127.0.0.1", 0), _Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _record(state: Path, port: int, pid: int) -> None:
    state.mkdir(exist_ok=True)
    found = {"port": port, "pid": pid, "region": "us-east-1", "endpoint_url": f"http://localhost:{port}"}
    (state / "emulator.json").write_text(json.dumps(found))


def test_an_unused_state_is_made(tmp_path: Path) -> None:
    up.prepare(tmp_path / "deep" / "state", fresh=False)

    assert (tmp_path / "deep" / "state").is_dir()


def test_a_used_state_is_refused_by_naming_fresh_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "state.sqlite").write_text("rows")

    with pytest.raises(
        UserError, match=rf"start anew with `driftloop up --fresh --state {tmp_path}`, which deletes it"
    ):
        up.prepare(tmp_path, fresh=False)

    assert (tmp_path / "state.sqlite").read_text() == "rows"


def test_fresh_forgets_a_used_state(tmp_path: Path) -> None:
    state = tmp_path / "state"
    _record(state, 1, 1)
    (state / "state.sqlite").write_text("rows")

    up.prepare(state, fresh=True)

    assert list(state.iterdir()) == []


def test_a_directory_that_no_emulator_used_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    up.prepare(tmp_path, fresh=True)

    assert (tmp_path / "thesis.txt").exists()


@pytest.mark.parametrize("fresh", [False, True])
def test_a_state_with_a_living_emulator_is_refused_even_when_fresh(tmp_path: Path, port: int, fresh: bool) -> None:
    _record(tmp_path, port, os.getpid())
    (tmp_path / "state.sqlite").touch()

    with pytest.raises(UserError, match=rf"end it with `driftloop down --state {tmp_path}`"):
        up.prepare(tmp_path, fresh)

    assert (tmp_path / "state.sqlite").exists()


def test_a_record_that_a_dead_emulator_left_is_in_nobodys_way(tmp_path: Path, port: int) -> None:
    _record(tmp_path, port, pid=1)  # another process answers on its port by now

    up.prepare(tmp_path, fresh=False)

    assert find_emulator(tmp_path).pid == 1


def test_a_port_that_is_taken_is_refused_before_anything_starts(tmp_path: Path, port: int) -> None:
    with pytest.raises(UserError, match=f"port {port} is taken; choose another with --port"):
        up.start(tmp_path / "state", port, fresh=False)


def test_notes_name_every_limit_and_how_children_are_isolated() -> None:
    found = up.notes({"isolation": "rewrite", "limits": ["a is recorded"]})

    assert "namespaces are refused here" in found[0]
    assert found[1:] == ["not yet: a is recorded"]


def test_the_emulator_gets_the_programs_that_images_of_aws_bring(tmp_path: Path) -> None:
    (option,) = up.programs(tmp_path)

    name, _, file = option.removeprefix("--program=").partition("=")
    assert name == "model-monitor"
    assert zipfile.is_zipfile(file)
    assert (Path(file).parent / "wheels.zip").is_file()
