"""Start the emulator."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from driftloop.errors import UserError
from driftloop.options import DEFAULT_STATE, State
from driftloop.screen import console
from driftloop.target import Emulator, find_emulator

DEFAULT_PORT = 4599
START_TIMEOUT_S = 60


def up(
    state: State = DEFAULT_STATE,
    port: Annotated[int, typer.Option("--port", help="Loopback port to serve on.")] = DEFAULT_PORT,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when the emulator answers; it goes on by itself.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget what an earlier run left in the state directory.")
    ] = False,
    pace: Annotated[
        str, typer.Option("--pace", help="How time passes: real, 60x (or any factor), or leap (waits vanish).")
    ] = "real",
    latency: Annotated[
        str, typer.Option("--latency", help="How long AWS takes: instant, or aws (a job 3 minutes, an endpoint 8).")
    ] = "instant",
    expose: Annotated[
        bool, typer.Option("--expose", help="Serve on every address: whoever reaches one can run programs as you.")
    ] = False,
    disk_limit_gb: Annotated[float, typer.Option("--disk-limit-gb", help="How much S3 may keep on disk.")] = 50,
) -> None:
    """Start the emulator: a local AWS on one port, as a child of this command or detached."""
    options = ("--pace", pace, "--latency", latency, "--disk-limit-gb", str(disk_limit_gb))
    process, emulator = start(state, port, fresh, *options, *(["--expose"] if expose else []))
    health = emulator.ask("health")
    console.print(
        f"[green]The emulator answers[/green] on {emulator.endpoint_url} (state {state}, log {state}/emulator.log)"
    )
    for warning in health["warnings"]:
        console.print(f"  [bold red]warning:[/bold red] {warning}")
    for line in notes(health):
        console.print(f"  [dim]{line}[/dim]")
    console.print(f'  talk to it from this shell: eval "$(driftloop env --state {state})"')
    if not detach:
        wait(process)


def start(state: Path, port: int, fresh: bool, *options: str) -> tuple[subprocess.Popen[bytes], Emulator]:
    """Start the emulator's process and wait until it answers.

    Raises:
        UserError: the state directory is used, the port is taken, or the emulator ended.
    """
    prepare(state, fresh)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise UserError(f"port {port} is taken; choose another with --port")
    log = (state / "emulator.log").open("ab")
    words = ["--state", str(state.resolve()), "--port", str(port), *options, *programs(state / "programs")]
    process = subprocess.Popen(
        [sys.executable, "-m", "emulator.bootstrap", *words],
        stdout=log,
        stderr=log,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    return process, _answering(process, state)


def prepare(state: Path, fresh: bool) -> None:
    """Make the state directory; an emulator that still runs in it, or what one left, is in the way without `fresh`."""
    if (state / "emulator.json").exists() and _is_alive(find_emulator(state)):
        raise UserError(f"an emulator already runs with state '{state}'; end it with `driftloop down --state {state}`")
    if (state / "state.sqlite").exists():
        if not fresh:
            raise UserError(
                f"state '{state}' was used by an earlier run, and taking it up again is not built yet; "
                f"start anew with `driftloop up --fresh --state {state}`, which deletes it"
            )
        shutil.rmtree(state)
    state.mkdir(parents=True, exist_ok=True)


def programs(folder: Path) -> list[str]:
    """Write what images of AWS run by themselves; answers the emulator's options for it.

    Without it, jobs in such an image fail and say how to give it.
    """
    command = [sys.executable, "-m", "pipeline_definitions.programs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        console.print(f"  [dim]without Model Monitor's analyzer: {done.stderr.strip()}[/dim]")
        return []
    return [f"--program={line}" for line in done.stdout.splitlines()]


def notes(health: dict[str, Any]) -> list[str]:
    """What a person should know of this emulator before trusting what passes."""
    isolation = {
        "namespace": "jobs and functions run in namespaces of their own",
        "rewrite": "namespaces are refused here: paths such as /opt/ml are rewritten in scripts and arguments",
    }
    return [isolation[health["isolation"]], *(f"not yet: {limit}" for limit in health["limits"])]


def wait(process: subprocess.Popen[bytes]) -> None:
    """Stay until the emulator ends; Ctrl-C ends it."""
    console.print("  Ctrl-C ends it")
    signal.signal(signal.SIGTERM, lambda signum, frame: process.terminate())
    try:
        process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()


def _answering(process: subprocess.Popen[bytes], state: Path) -> Emulator:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            emulator = find_emulator(state)
            emulator.ask("health", timeout_s=2)
        except UserError:
            time.sleep(0.05)
        else:
            return emulator
    tail = "\n".join((state / "emulator.log").read_text("utf-8", "replace").splitlines()[-5:])
    process.kill()
    raise UserError(f"the emulator did not start; the end of {state}/emulator.log:\n{tail}")


def _is_alive(emulator: Emulator) -> bool:
    try:
        return bool(emulator.ask("health", timeout_s=2).get("pid") == emulator.pid)
    except UserError:
        return False
