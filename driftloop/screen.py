"""How things look in a terminal: one console, tables, durations, and the colours of states."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())

_COLOURS = {
    "Succeeded": "green",
    "Completed": "green",
    "Approved": "green",
    "InService": "green",
    "Failed": "red",
    "Rejected": "red",
    "Stopped": "yellow",
    "PendingManualApproval": "yellow",
    "Executing": "cyan",
    "Creating": "cyan",
    "Updating": "cyan",
    "OK": "green",
    "ALARM": "red",
    "INSUFFICIENT_DATA": "yellow",
}


def coloured(text: str) -> str:
    """A state in its colour."""
    colour = _COLOURS.get(text)
    return f"[{colour}]{text}[/{colour}]" if colour else text


def seconds(value_s: float) -> str:
    """A duration as a person reads it."""
    if value_s < 60:
        return f"{value_s:.1f} s"
    if value_s < 3600:
        return f"{int(value_s // 60)} min {int(value_s % 60)} s"
    days, rest_s = divmod(int(value_s), 86_400)
    return f"{days} d {rest_s // 3600} h" if days else f"{rest_s // 3600} h {rest_s % 3600 // 60} min"


def clock(at: datetime | None) -> str:
    """A time of day on this machine; empty when there is none."""
    return at.astimezone().strftime("%H:%M:%S") if at else ""


def table(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> Table:
    """A table with a title on its left."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, header_style="dim")
    made.min_width = len(title)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(str(cell) for cell in row))
    return made
