"""The season as one SVG file: AUC and log loss by month, the loop beside the model left alone, alarms and releases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Final

from driftloop.season.results import Month

_WIDTH: Final = 860
_HEIGHT: Final = 190
_LEFT: Final = 60
_LOOP: Final = "#0969da"
_FROZEN: Final = "#8c959f"
_ALARM: Final = "#cf222e"
_RELEASE: Final = "#1a7f37"


def svg(months: Sequence[Month], alarms: Sequence[date], releases: Sequence[date]) -> str:
    """Two panels; a red line for each alarm, a green one for each release."""
    auc = _panel("AUC (higher is better)", 60, months, lambda m: (m.loop_auc, m.frozen_auc))
    loss = _panel("log loss (lower is better)", 320, months, lambda m: (m.loop_loss, m.frozen_loss))
    marks = [_mark(day, months, _ALARM, "alarm") for day in alarms] + [
        _mark(day, months, _RELEASE, "release") for day in releases
    ]
    head = "A year of flights: the loop (blue), the model it began with (grey); alarms red, releases green"
    looks = f'viewBox="0 0 {_WIDTH + _LEFT + 20} 570" font-family="system-ui, sans-serif" font-size="12"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {looks}>',
            '<rect width="100%" height="100%" fill="white"/>',
            f'<text x="{_LEFT}" y="22" font-size="15" font-weight="600">{head}</text>',
            *marks,
            *auc,
            *loss,
            "</svg>\n",
        ]
    )


def _panel(name: str, top: int, months: Sequence[Month], of: Callable[[Month], tuple[float, float]]) -> list[str]:
    values = [value for month in months for value in of(month)]
    low, high = min(values), max(values)
    room = (high - low) * 0.1 or 0.01
    low, high = low - room, high + room

    def y(value: float) -> float:
        return top + _HEIGHT * (high - value) / (high - low)

    parts = [f'<text x="{_LEFT}" y="{top - 8}" font-weight="600">{name}</text>']
    for step in range(5):
        value = low + (high - low) * step / 4
        parts.append(
            f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="#eaeef2"/>'
        )
        parts.append(f'<text x="{_LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3f}</text>')
    for place, colour in ((1, _FROZEN), (0, _LOOP)):
        points = [(_x(_middle(month), months), y(of(month)[place])) for month in months]
        line = " ".join(f"{x:.1f},{at:.1f}" for x, at in points)
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2.5" points="{line}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{at:.1f}" r="3.5" fill="{colour}"/>' for x, at in points]
    for month in months:
        x = _x(_middle(month), months)
        parts.append(f'<text x="{x:.1f}" y="{top + _HEIGHT + 18}" text-anchor="middle">{month.first:%b}</text>')
    return parts


def _mark(day: date, months: Sequence[Month], colour: str, title: str) -> str:
    x = _x(day, months)
    return (
        f'<line x1="{x:.1f}" x2="{x:.1f}" y1="50" y2="530" stroke="{colour}" stroke-dasharray="4 3">'
        f"<title>{title} of {day:%d %B}</title></line>"
    )


def _middle(month: Month) -> date:
    return month.first.replace(day=15)


def _x(day: date, months: Sequence[Month]) -> float:
    first = months[0].first.replace(day=1)
    last = (months[-1].first.replace(day=1) + timedelta(days=32)).replace(day=1)
    return _LEFT + _WIDTH * ((day - first).days / (last - first).days)
