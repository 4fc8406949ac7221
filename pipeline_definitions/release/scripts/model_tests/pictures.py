"""The pictures of a report, as inline SVG."""

import html
import math
from collections.abc import Sequence

import numpy as np

from pipeline_definitions.release.scripts.model_tests.report import Report


def latency_picture(report: Report) -> str:
    """Share of requests answered within a time, on a logarithmic scale, with the budgets."""
    if not report.latency_ms:
        return ""
    width, height, left, top, bottom = 720, 240, 46, 14, 40
    budgets = report.latency_budget_ms
    low = max(min(report.latency_ms[0], *budgets.values()), 0.01) * 0.8
    high = max(report.latency_ms[-1], *budgets.values()) * 1.25

    def x(value_ms: float) -> float:
        return left + (width - left - 20) * math.log(max(value_ms, low) / low) / math.log(high / low)

    def y(share: float) -> float:
        return height - bottom - (height - top - bottom) * share

    steps = len(report.latency_ms)
    curve = " ".join(f"{x(value):.1f},{y((i + 1) / steps):.1f}" for i, value in enumerate(report.latency_ms))
    parts = [axis(x(low), y(0), x(high), y(0)), axis(x(low), y(0), x(low), y(1))]
    parts += [label(x(low) - 6, y(share) + 4, f"{share:.0%}", "end") for share in (0, 0.5, 0.95)]
    for tick in ticks(low, high):
        parts.append(axis(x(tick), y(0), x(tick), y(0) + 4))
        parts.append(label(x(tick), y(0) + 18, f"{tick:g}", "middle"))
    parts.append(label((x(low) + x(high)) / 2, height - 4, "ms as the caller waits, logarithmic", "middle"))
    for place, (name, budget) in enumerate(budgets.items()):
        share = float(name.removeprefix("p")) / 100
        parts.append(
            f'<line x1="{x(budget):.1f}" x2="{x(budget):.1f}" y1="{y(0):.1f}" y2="{y(1):.1f}" stroke="#b3261e" '
            'stroke-dasharray="4 4"/>'
        )
        parts.append(label(x(budget) - 5, y(0.35 + 0.2 * place), f"{name} budget {budget:g}", "end"))
        found = float(np.percentile(report.latency_ms, 100 * share))
        parts.append(f'<circle cx="{x(found):.1f}" cy="{y(share):.1f}" r="4" fill="#2458a6"/>')
        parts.append(label(x(found) + 8, y(share) + 12, f"{name} {found:.1f} ms", "start"))
    parts.append(f'<polyline points="{curve}" fill="none" stroke="#2458a6" stroke-width="2"/>')
    return picture(width, height, "Latency: share of requests answered within a time", parts)


def calibration_picture(report: Report) -> str:
    """Observed over predicted frequency; on the diagonal a model is calibrated."""
    if not report.calibration:
        return ""
    size, left, bottom, top = 340, 46, 40, 12
    colours = {"challenger": "#2458a6", "champion": "#c26a00"}
    span = size - left - top

    def x(value: float) -> float:
        return left + span * value

    def y(value: float) -> float:
        return size - bottom - (span - (bottom - left)) * value

    parts = [axis(x(0), y(0), x(1), y(0)), axis(x(0), y(0), x(0), y(1))]
    parts.append(f'<line x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}" stroke="#d9dee5" stroke-dasharray="4 4"/>')
    for tick in (0, 0.5, 1):
        parts += [label(x(tick), y(0) + 18, f"{tick:g}", "middle"), label(x(0) - 6, y(tick) + 4, f"{tick:g}", "end")]
    parts.append(label(x(0.5), size - 6, "predicted (across), observed (up)", "middle"))
    rows = max(sum(group.rows for group in bins) for bins in report.calibration.values())
    for place, (name, bins) in enumerate(report.calibration.items()):
        colour = colours[name]
        parts.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="'
            + " ".join(f"{x(group.predicted):.1f},{y(group.observed):.1f}" for group in bins)
            + '"/>'
        )
        parts += [
            f'<circle cx="{x(group.predicted):.1f}" cy="{y(group.observed):.1f}" '
            f'r="{3 + 9 * math.sqrt(group.rows / rows):.1f}" fill="{colour}" fill-opacity="0.45"/>'
            for group in bins
        ]
        parts.append(f'<circle cx="{x(0.06):.1f}" cy="{y(0.95 - 0.08 * place):.1f}" r="5" fill="{colour}"/>')
        parts.append(label(x(0.1), y(0.95 - 0.08 * place) + 4, name, "start"))
    return picture(size, size, "Calibration: observed over predicted frequency, area by rows", parts)


def ticks(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten in between."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [digit * 10.0**power for power in powers for digit in (1, 2, 5) if low <= digit * 10.0**power <= high]


def picture(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    """An inline SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escaped(title)}"><title>{escaped(title)}</title>{"".join(parts)}</svg>'
    )


def axis(x1: float, y1: float, x2: float, y2: float) -> str:
    """A thin line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#5b6675"/>'


def label(x: float, y: float, text: str, anchor: str) -> str:
    """A few words in a picture."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escaped(text)}</text>'


def escaped(text: str) -> str:
    """Text that is text, whatever a model or a caller put into it."""
    return html.escape(text)
