"""Which ranks Deequ's sketch keeps of n sorted values that come at once: what `analyze` keeps of a column in memory."""

from dataclasses import dataclass

from pipeline_definitions.watch.scripts.analyze.sketch import capacity


@dataclass(frozen=True)
class Layout:
    """The sketch without its values.

    Attributes:
        levels: ranks from 0; those of level h stand for 2^h values each.
        error: no rank is off by more than this share of all values.
    """

    levels: tuple[range, ...]
    error: float


def of(count: int) -> Layout:
    """The layout of a sketch of so many values.

    Each level is compacted at most once: half of it goes up, and what an odd number leaves over is less than full.
    """
    levels, moved = [range(count)], 0
    while sum(map(len, levels)) > sum(capacity(height) for height in range(len(levels))):
        height = next(place for place, level in enumerate(levels) if len(level) >= capacity(place))
        level = levels[height]
        even = len(level) - len(level) % 2
        levels[height : height + 2] = [level[even:], level[:even:2]]
        moved += 1 << height
    return Layout(tuple(levels), moved / count if count else 0.0)
