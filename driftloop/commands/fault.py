"""Have AWS go wrong on purpose, in the emulator: what no API call can bring about, and a release has to survive."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.markup import escape

from driftloop.commands.clock import ask
from driftloop.errors import UserError
from driftloop.options import DEFAULT_STATE, State
from driftloop.screen import console
from driftloop.target import find_emulator


def fault(
    kind: Annotated[
        str | None, typer.Argument(help="What goes wrong; without it, shows what can and what will.")
    ] = None,
    target: Annotated[
        str | None,
        typer.Argument(help="Whom it strikes, as the kind says: an endpoint, a source and detail-type. * is anything."),
    ] = None,
    times: Annotated[int, typer.Option("--times", min=1, help="How often it strikes.")] = 1,
    always: Annotated[bool, typer.Option("--always", help="It strikes until it is cleared.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Nothing goes wrong on purpose any more.")] = False,
    state: State = DEFAULT_STATE,
) -> None:
    """Have AWS go wrong on purpose, to see what your stack makes of it. The emulator only.

    [bold]driftloop fault[/bold]: what can go wrong, and what will.

    [bold]driftloop fault endpoint-update-rolls-back driftloop-flights-prod[/bold]: the next update is taken back, and
    nobody says so.

    [bold]driftloop fault model-server-crashes 'driftloop-flights-prod/*'[/bold]: a live model server is killed at once.

    [bold]driftloop fault drop-events 'aws.sagemaker/*' --always[/bold]: no event of SageMaker arrives any more.

    [bold]driftloop fault --clear[/bold]: all is well again.

    When one strikes, the emulator's journal says so: kind fault.struck.
    """
    emulator = find_emulator(state)
    if clear:
        console.print(f"Cleared {ask(emulator, 'faults', method='DELETE')['cleared']} fault(s)")
        return
    if kind and not target:
        raise UserError(f"whom shall '{kind}' strike? name a target; `driftloop fault` shows what each kind takes")
    order: dict[str, Any] = {"kind": kind, "target": target, "times": None if always else times} if kind else {}
    _show(ask(emulator, "faults", **order), is_list=not kind)


def _show(found: dict[str, Any], *, is_list: bool) -> None:
    if is_list:
        console.print("What can go wrong:")
        for name, kind in found["kinds"].items():
            console.print(f"  [bold]{name}[/bold] {escape(kind['target'])}\n      {escape(kind['effect'])}")
    console.print("What will go wrong:" if found["faults"] else "Nothing waits to go wrong")
    for each in found["faults"]:
        left = "until it is cleared" if each["left"] is None else f"{each['left']} time(s)"
        console.print(f"  {each['kind']} {escape(each['target'])}: {left}", soft_wrap=True)
