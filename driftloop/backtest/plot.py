"""The plot: AUC and log loss over time, a line a policy, each new model marked. One SVG file that needs nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from driftloop.backtest.replay import RELEASED
from driftloop.backtest.results import Period, Result
from driftloop.backtest.watching import Quality

_COLOURS: Final = ("#57606a", "#0969da", "#bc4c00", "#1a7f37", "#8250df", "#bf3989", "#9a6700", "#0550ae")
_WIDTH, _HEIGHT, _LEFT, _GAP, _TOP = 860, 200, 60, 60, 50
_LINE: Final = 18


def svg(title: str, periods: Sequence[Period], results: Sequence[Result]) -> str:
    """The whole picture."""
    height = _TOP + 2 * (_HEIGHT + _GAP) + _LINE * len(results)
    looks = f'viewBox="0 0 {_WIDTH + _LEFT + 20} {height}" font-family="system-ui, sans-serif" font-size="12"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {looks} role="img">',
        f'<rect width="100%" height="100%" fill="white"/><title>{escape(title)}</title>',
        f'<text x="{_LEFT}" y="24" font-size="16" font-weight="600">{escape(title)}</text>',
        _panel("AUC (higher is better)", _TOP, periods, results, lambda quality: quality.auc),
        _panel("log loss (lower is better)", _TOP + _HEIGHT + _GAP, periods, results, lambda found: found.log_loss),
        _legend(_TOP + 2 * (_HEIGHT + _GAP), results),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _panel(
    name: str,
    top: float,
    periods: Sequence[Period],
    results: Sequence[Result],
    value: Callable[[Quality], float],
) -> str:
    known = [value(quality) for result in results for quality in result.periods if math.isfinite(value(quality))]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    room = (high - low) * 0.08 or 0.01
    low, high = low - room, high + room

    def y(figure: float) -> float:
        return top + _HEIGHT * (high - figure) / (high - low)

    drawn = [f'<text x="{_LEFT}" y="{top - 8}" font-weight="600">{escape(name)}</text>', _axes(top, low, high, periods)]
    for number, result in enumerate(results):
        colour = _COLOURS[number % len(_COLOURS)]
        places = [
            (_middle(place, len(periods)), y(value(quality)), quality)
            for place, quality in enumerate(result.periods)
            if math.isfinite(value(quality))
        ]
        points = " ".join(f"{x:.1f},{at:.1f}" for x, at, _ in places)
        drawn.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
        drawn += [
            f'<circle cx="{x:.1f}" cy="{at:.1f}" r="3" fill="{colour}"><title>'
            f"{escape(result.course.policy.name)}: {value(quality):.4f}, {quality.rows:,} rows</title></circle>"
            for x, at, quality in places
        ]
        drawn.append(_releases(top, number, colour, periods, result))
    return "\n".join(drawn)


def _axes(top: float, low: float, high: float, periods: Sequence[Period]) -> str:
    lines = []
    for step in range(5):
        figure = low + (high - low) * step / 4
        at = top + _HEIGHT * (1 - step / 4)
        lines.append(f'<line x1="{_LEFT}" x2="{_LEFT + _WIDTH}" y1="{at}" y2="{at}" stroke="#d0d7de"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{at + 4}" text-anchor="end">{figure:.3f}</text>')
    every, foot = max(1, len(periods) // 12), top + _HEIGHT + 26
    lines += [
        f'<text x="{_middle(place, len(periods)):.0f}" y="{foot}" text-anchor="middle">{period.name}</text>'
        for place, period in enumerate(periods)
        if place % every == 0
    ]
    return "\n".join(lines)


def _releases(top: float, number: int, colour: str, periods: Sequence[Period], result: Result) -> str:
    """A small triangle below the panel for each new model."""
    start, end = periods[0].start_s, periods[-1].end_s
    found = []
    for event in result.course.events:
        if event.kind == RELEASED:
            x = _LEFT + _WIDTH * (event.at_s - start) / (end - start)
            foot = top + _HEIGHT + 2 + 1.5 * number
            found.append(
                f'<path d="M{x:.1f} {foot:.1f} l-4 9 h8 z" fill="{colour}"><title>'
                f"{escape(result.course.policy.name)}: a new model</title></path>"
            )
    return "\n".join(found)


def _legend(top: float, results: Sequence[Result]) -> str:
    return "\n".join(
        f'<rect x="{_LEFT}" y="{top + _LINE * number - 9}" width="12" height="12" fill="'
        f'{_COLOURS[number % len(_COLOURS)]}"/><text x="{_LEFT + 20}" y="{top + _LINE * number + 1}">'
        f"{escape(result.course.policy.name)}: AUC {result.whole.auc:.4f}, log loss {result.whole.log_loss:.4f}, "
        f"{result.releases} new models (triangles)</text>"
        for number, result in enumerate(results)
    )


def _middle(place: int, count: int) -> float:
    return _LEFT + _WIDTH * (place + 0.5) / count
