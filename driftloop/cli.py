"""`driftloop`: start a local AWS, deploy the loop to it (or to an account), and see, decide and replay."""

from __future__ import annotations

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.markup import escape

from driftloop.commands import backtest, clock, decide, demo, deploy, down, env, fault, replay, status, timeline, up
from driftloop.errors import UserError
from driftloop.screen import console

commands = typer.Typer(
    name="driftloop",
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="A first walk: [bold]driftloop up --detach[/bold], [bold]driftloop deploy[/bold], upload a CSV, "
    "[bold]driftloop timeline[/bold], [bold]driftloop approve[/bold]. Or all of it: [bold]make demo[/bold].",
)
commands.command("up")(up.up)
commands.command("deploy")(deploy.deploy)
commands.command("env")(env.env)
commands.command("status")(status.status)
commands.command("timeline")(timeline.timeline)
commands.command("approve")(decide.approve)
commands.command("reject")(decide.reject)
commands.command("rollback")(decide.rollback)
commands.command("replay")(replay.replay)
commands.command("clock")(clock.clock)
commands.command("advance")(clock.advance)
commands.command("fault")(fault.fault)
commands.command("down")(down.down)
commands.command("backtest")(backtest.backtest)
commands.command("demo")(demo.demo)


def app() -> None:
    """Run a command; what a person can mend is said in one line."""
    try:
        commands()
    except UserError as error:
        console.print(f"[red]error:[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
    except (BotoCoreError, ClientError) as error:
        console.print(f"[red]AWS refused:[/red] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)
