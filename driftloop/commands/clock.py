"""The emulator's time: what it is, how it passes, and going ahead in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import isodate
import typer
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

from driftloop.errors import UserError
from driftloop.options import DEFAULT_STATE, State
from driftloop.screen import console
from driftloop.target import Emulator, find_emulator

_ASK_TIMEOUT_S = 60


def advance(
    duration: Annotated[str, typer.Argument(help="How far, as ISO 8601 has it: P1D, PT6H, P2W, P1M.")],
    state: State = DEFAULT_STATE,
) -> None:
    """Go ahead in the emulator's time. All that is due on the way happens at its time: schedules, alarms, retries."""
    emulator = find_emulator(state)
    start = datetime.fromisoformat(ask(emulator, "clock")["now"])
    until = start + parse_duration(duration, start)
    with Progress(SpinnerColumn(), BarColumn(), TextColumn("{task.description}"), console=console) as progress:
        bar = progress.add_task("", total=(until - start).total_seconds())
        for step in steps(emulator, until):
            now = datetime.fromisoformat(step["now"])
            waits_for = f"  waits for {', '.join(step['waits_for'])}" if step["waits_for"] else ""
            progress.update(bar, completed=(now - start).total_seconds(), description=f"{_text(now)}{waits_for}")
    console.print(f"It is {_text(until)} now; driftloop timeline tells what happened")


def clock(
    pace: Annotated[
        str | None,
        typer.Argument(help="How time shall pass from now on: real, 60x (or any factor), or leap (waits vanish)."),
    ] = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Show the emulator's time and how it passes, or change that."""
    found = ask(find_emulator(state), "clock", **({"pace": pace} if pace else {}))
    now = datetime.fromisoformat(found["now"])
    ahead_s = (now - datetime.now(UTC)).total_seconds()
    console.print(
        f"It is {_text(now)} in the emulator ({_ahead(ahead_s)}); pace {found['pace']}, latency {found['latency']}"
    )
    if found["works"]:
        console.print(f"  at work: {', '.join(found['works'])}")
    if found["next_due"]:
        console.print(f"  next due: {_text(datetime.fromisoformat(found['next_due']))}")


def steps(emulator: Emulator, until: datetime) -> Any:
    """Go ahead until a time; yields how far it has come, about every second.

    Raises:
        UserError: the emulator refused.
    """
    is_there = False
    while not is_there:
        answer = ask(emulator, "advance", until=until.isoformat())
        is_there = answer["is_there"]
        yield answer


def ask(emulator: Emulator, verb: str, *, method: str = "POST", **params: Any) -> dict[str, Any]:
    """A call to the control API.

    Raises:
        UserError: nothing answers, or it refused.
    """
    answer = emulator.ask(verb, _ASK_TIMEOUT_S, method=method, **params)
    if "error" in answer:
        raise UserError(answer["error"])
    return answer


def parse_duration(text: str, start: datetime) -> timedelta:
    """A duration of ISO 8601; months and years count from `start`.

    Raises:
        UserError: it is none, or goes back.
    """
    try:
        found = isodate.parse_duration(text)
    except (isodate.ISO8601Error, TypeError) as error:
        raise UserError(f"duration '{text}' is not of ISO 8601; a day is P1D, six hours PT6H, two weeks P2W") from error
    length: timedelta = found.totimedelta(start=start) if isinstance(found, isodate.Duration) else found
    if length < timedelta(0):
        raise UserError(f"duration '{text}' goes back; the emulator's time only runs ahead")
    return length


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _ahead(seconds: float) -> str:
    return "as on this machine" if abs(seconds) < 1 else f"{timedelta(seconds=round(seconds))} ahead of this machine"
