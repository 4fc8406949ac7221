"""The command line: what goes wrong is said in a line that names the next step, never in a traceback."""

import json
import socket
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from driftloop import cli
from driftloop.errors import UserError

COMMANDS = ("up", "deploy", "env", "status", "timeline", "approve", "reject", "replay", "fault", "down", "demo")


def _said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str]:
    """The exit code and the output of the program, run with these words."""
    monkeypatch.setattr("sys.argv", ["driftloop", *words])
    with pytest.raises(SystemExit) as ended:
        cli.app()
    return ended.value.code, capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [("env",), ("deploy",), ("status",), ("timeline",), ("approve", "flights"), ("replay", "q"), ("fault",), ("down",)],
)
def test_without_an_emulator_every_command_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, said = _said(monkeypatch, capsys, *words, "--state", str(tmp_path))

    assert code == 1
    assert said == (
        f"error: no emulator runs with state '{tmp_path}'; start one with `driftloop up --state {tmp_path}`\n"
    )


def test_an_emulator_that_does_not_answer_is_named_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "emulator.json").write_text(json.dumps({"port": port, "pid": 1, "region": "us-east-1"}))

    code, said = _said(monkeypatch, capsys, "down", "--state", str(tmp_path))

    assert code == 1
    assert f"does not answer on port {port}" in said
    assert f"start it with `driftloop up --fresh --state {tmp_path}`" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("no [model] at [/opt/ml]; see `x`"), "error: no [model] at [/opt/ml]; see `x`\n"),
        (
            ClientError({"Error": {"Code": "ValidationError", "Message": "[/Resources/Q] no"}}, "CreateChangeSet"),
            (
                "AWS refused: An error occurred (ValidationError) when calling the CreateChangeSet operation: "
                "[/Resources/Q] no\n"
            ),
        ),
    ],
)
def test_an_error_is_shown_as_it_is_whatever_its_brackets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception, said: str
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "commands", fail)

    assert _said(monkeypatch, capsys) == (1, said)


def test_the_help_lists_every_command_and_a_first_walk() -> None:
    shown = CliRunner().invoke(cli.commands, ["--help"]).output

    assert all(command in shown for command in COMMANDS)
    assert "driftloop up --detach" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_and_takes_a_state(command: str) -> None:
    shown = CliRunner().invoke(cli.commands, [command, "--help"], env={"COLUMNS": "200", "TERM": "dumb"})

    assert shown.exit_code == 0
    assert "--state" in shown.output


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(cli.commands, ["destroy"]).exit_code == 2


def test_env_prints_exports_that_a_shell_can_take(tmp_path: Path) -> None:
    (tmp_path / "emulator.json").write_text(json.dumps({"port": 4599, "pid": 1, "region": "us-east-1"}))

    shown = CliRunner().invoke(cli.commands, ["env", "--state", str(tmp_path)]).output

    assert "export AWS_ENDPOINT_URL=http://localhost:4599\n" in shown
    assert "export AWS_REGION=us-east-1\n" in shown
    assert "export AWS_ACCESS_KEY_ID=test\n" in shown
