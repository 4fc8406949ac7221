"""Options that every command takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

State = Annotated[Path, typer.Option("--state", help="State directory of the emulator to talk to.")]
Profile = Annotated[str | None, typer.Option("--profile", help="AWS profile: talk to a real account instead.")]
Region = Annotated[str | None, typer.Option("--region", help="AWS region: talk to a real account instead.")]
DEFAULT_STATE = Path(".driftloop")
