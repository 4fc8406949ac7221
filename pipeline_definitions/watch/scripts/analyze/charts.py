"""Pictures for the report, as SVG that stands in the page: they need no script and no network."""

from collections.abc import Sequence
from html import escape
from typing import Final

from pipeline_definitions.watch.scripts.analyze.drift import Drift, Histogram

_WIDTH: Final = 420
_HEIGHT: Final = 120
_BELOW: Final = 16
_ROW: Final = 22
_NAMES: Final = 130


def histogram(drift: Drift) -> str:
    """Baseline and current side by side: columns for numbers, rows for categories."""
    return _columns(drift.histogram) if drift.is_numeric else _rows(drift.histogram)


def distance(drift: Drift) -> str:
    """A bar up to the distance, with a mark at the threshold."""
    full = 2.0 * drift.threshold or 1.0
    reach, mark = (min(value / full, 1.0) * 100 for value in (drift.distance, drift.threshold))
    kind = "bad" if drift.is_violation else "good"
    return (
        f'<svg class="distance" viewBox="0 0 104 12" role="img"><title>{drift.distance:.4f}, threshold '
        f'{drift.threshold:g}</title><rect class="track" x="0" y="3" width="100" height="6" rx="3"/>'
        f'<rect class="{kind}" x="0" y="3" width="{max(reach, 0.5):.1f}" height="6" rx="3"/>'
        f'<rect class="mark" x="{mark - 0.75:.1f}" y="0" width="1.5" height="12"/></svg>'
    )


def curve(xs: Sequence[float], ys: Sequence[float], title: str) -> str:
    """A line in the unit square, with its diagonal."""
    side = 180
    points = " ".join(f"{x * side:.1f},{side - y * side:.1f}" for x, y in zip(xs, ys, strict=True))
    return (
        f'<svg class="curve" viewBox="-2 -2 {side + 4} {side + 4}" role="img"><title>{escape(title)}</title>'
        f'<rect class="track" x="0" y="0" width="{side}" height="{side}"/>'
        f'<line class="diagonal" x1="0" y1="{side}" x2="{side}" y2="0"/>'
        f'<polyline class="line" points="{points}"/></svg>'
    )


def _columns(found: Histogram) -> str:
    highest = max(*found.baseline, *found.current) or 1.0
    step = _WIDTH / len(found.baseline)
    bars = []
    for place, shares in enumerate(zip(found.baseline, found.current, strict=True)):
        between = f"{found.labels[place]} to {found.labels[place + 1]}"
        for side, (share, kind) in enumerate(zip(shares, ("baseline", "current"), strict=True)):
            height = share / highest * _HEIGHT
            x = place * step + step * (0.08 + 0.42 * side)
            bars.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{_HEIGHT - height:.1f}" width="{step * 0.42:.1f}" '
                f'height="{height:.1f}"><title>{kind} {share:.1%}, {escape(between)}</title></rect>'
            )
    places = ((0, "start"), (len(found.labels) // 2, "middle"), (len(found.labels) - 1, "end"))
    text = "".join(
        f'<text x="{place * step:.0f}" y="{_HEIGHT + 13}" text-anchor="{anchor}">{escape(found.labels[place])}</text>'
        for place, anchor in places
    )
    return (
        f'<svg class="histogram" viewBox="0 0 {_WIDTH} {_HEIGHT + _BELOW}" role="img">{"".join(bars)}'
        f'<line class="axis" x1="0" y1="{_HEIGHT}" x2="{_WIDTH}" y2="{_HEIGHT}"/>{text}</svg>'
    )


def _rows(found: Histogram) -> str:
    highest = max(*found.baseline, *found.current) or 1.0
    room = _WIDTH - _NAMES - 95
    drawn = []
    for place, (label, *shares) in enumerate(zip(found.labels, found.baseline, found.current, strict=True)):
        y = place * _ROW
        drawn.append(f'<text x="{_NAMES - 6}" y="{y + 14}" text-anchor="end">{escape(_short(label))}</text>')
        for side, (share, kind) in enumerate(zip(shares, ("baseline", "current"), strict=True)):
            drawn.append(
                f'<rect class="{kind}" x="{_NAMES}" y="{y + 2 + 9 * side}" width="{share / highest * room:.1f}" '
                f'height="8"><title>{kind} {share:.1%}, {escape(label)}</title></rect>'
            )
        drawn.append(
            f'<text x="{_NAMES + max(shares) / highest * room + 5:.0f}" y="{y + 14}">'
            f"{shares[0]:.1%} → {shares[1]:.1%}</text>"
        )
    return f'<svg class="histogram" viewBox="0 0 {_WIDTH} {len(found.labels) * _ROW}" role="img">{"".join(drawn)}</svg>'


def _short(text: str) -> str:
    return text if len(text) <= 20 else f"{text[:19]}…"
