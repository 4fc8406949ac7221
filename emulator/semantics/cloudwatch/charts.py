"""Line charts as PNG, from nothing but zlib.

Why not Pillow or matplotlib: 7 MB, or 70 MB with numpy, in every installation for one picture that few ask for.
"""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

Color = tuple[int, int, int]
WHITE, GRID, INK, MARK = (255, 255, 255), (226, 228, 232), (70, 76, 86), (214, 39, 40)
PALETTE: tuple[Color, ...] = (
    (31, 119, 180),
    (255, 127, 14),
    (44, 160, 44),
    (148, 103, 189),
    (140, 86, 75),
    (23, 190, 207),
)
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 12, 24, 34
_FONT = {
    "0": "07 05 05 05 07", "1": "02 06 02 02 07", "2": "07 01 07 04 07", "3": "07 01 07 01 07", "4": "05 05 07 01 01",
    "5": "07 04 07 01 07", "6": "07 04 07 05 07", "7": "07 01 01 01 01", "8": "07 05 07 05 07", "9": "07 05 07 01 07",
    "A": "02 05 07 05 05", "B": "06 05 06 05 06", "C": "03 04 04 04 03", "D": "06 05 05 05 06", "E": "07 04 06 04 07",
    "F": "07 04 06 04 04", "G": "03 04 05 05 03", "H": "05 05 07 05 05", "I": "07 02 02 02 07", "J": "01 01 01 05 02",
    "K": "05 05 06 05 05", "L": "04 04 04 04 07", "M": "05 07 07 05 05", "N": "05 07 07 07 05", "O": "02 05 05 05 02",
    "P": "06 05 06 04 04", "Q": "02 05 05 06 03", "R": "06 05 06 05 05", "S": "03 04 02 01 06", "T": "07 02 02 02 02",
    "U": "05 05 05 05 07", "V": "05 05 05 05 02", "W": "05 05 07 07 05", "X": "05 05 02 05 05", "Y": "05 05 02 02 02",
    "Z": "07 01 02 04 07", ".": "00 00 00 00 02", "-": "00 00 07 00 00", ":": "00 02 00 02 00", "_": "00 00 00 00 07",
    "/": "01 01 02 04 04", "+": "00 02 07 02 00", "%": "05 01 02 04 05", "(": "01 02 02 02 01", ")": "04 02 02 02 04",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A series to draw, with its name."""

    label: str
    points: Mapping[int, float]


class _Canvas:
    """Pixels, three bytes each."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._rows = [bytearray(bytes(WHITE) * width) for _ in range(height)]

    def dot(self, x: int, y: int, color: Color) -> None:
        if 0 <= x < self.width and 0 <= y < self.height:
            self._rows[y][3 * x : 3 * x + 3] = bytes(color)

    def line(self, start: tuple[int, int], end: tuple[int, int], color: Color) -> None:
        steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
        for step in range(steps + 1):
            x = start[0] + round((end[0] - start[0]) * step / steps)
            y = start[1] + round((end[1] - start[1]) * step / steps)
            self.dot(x, y, color)
            self.dot(x, y + 1, color)

    def rule(self, y: int, left: int, right: int, color: Color) -> None:
        for x in range(left, right):
            self.dot(x, y, color)

    def text(self, x: int, y: int, words: str, color: Color = INK) -> None:
        """Words in capitals of three by five, drawn twice as large."""
        for index, letter in enumerate(words.upper()):
            for row, bits in enumerate(_FONT.get(letter, "00 00 00 00 00").split()):
                for column in range(3):
                    if int(bits) >> (2 - column) & 1:
                        self._block(x + 8 * index + 2 * column, y + 2 * row, color)

    def _block(self, x: int, y: int, color: Color) -> None:
        for over, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
            self.dot(x + over, y + down, color)

    def png(self) -> bytes:
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in self._rows), 6)
        chunks = ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def draw(
    lines: Sequence[Line], between: tuple[int, int], size: tuple[int, int], title: str = "", marks: Sequence[float] = ()
) -> bytes:
    """A line chart with axes, as the bytes of a PNG.

    Args:
        between: the first and the last second shown.
        size: width and height in pixels.
        marks: values that get a horizontal line, such as thresholds.
    """
    canvas = _Canvas(*size)
    values = [number for line in lines for number in line.points.values()] + list(marks)
    low, high = _span(values)
    frame = _Frame(between, (low, high), size)
    _axes(canvas, frame)
    for mark in marks:
        canvas.rule(frame.y(mark), _LEFT, size[0] - _RIGHT, MARK)
    for index, line in enumerate(lines):
        color = PALETTE[index % len(PALETTE)]
        _draw_line(canvas, frame, line, color)
        canvas.text(_LEFT + 150 * index, size[1] - 12, line.label[:17], color)
    canvas.text(_LEFT, 6, title[:60])
    return canvas.png()


@dataclass(frozen=True)
class _Frame:
    """Where seconds and values lie on the canvas."""

    between: tuple[int, int]
    span: tuple[float, float]
    size: tuple[int, int]

    def x(self, at: float) -> int:
        share = (at - self.between[0]) / max(self.between[1] - self.between[0], 1)
        return _LEFT + round(share * (self.size[0] - _LEFT - _RIGHT))

    def y(self, number: float) -> int:
        share = (number - self.span[0]) / (self.span[1] - self.span[0])
        return self.size[1] - _BOTTOM - round(share * (self.size[1] - _TOP - _BOTTOM))


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    low = min(low, 0.0) if low < high / 2 else low
    return (low, high) if high > low else (low - 1, high + 1)


def _axes(canvas: _Canvas, frame: _Frame) -> None:
    for step in range(5):
        number = frame.span[0] + (frame.span[1] - frame.span[0]) * step / 4
        canvas.rule(frame.y(number), _LEFT, frame.size[0] - _RIGHT, GRID)
        canvas.text(4, frame.y(number) - 5, f"{number:.4g}"[:7])
    for step in range(4):
        at = frame.between[0] + (frame.between[1] - frame.between[0]) * step / 3
        words = f"{datetime.fromtimestamp(at, UTC):%H:%M}"
        canvas.text(min(frame.x(at), frame.size[0] - 44), frame.size[1] - _BOTTOM + 6, words)


def _draw_line(canvas: _Canvas, frame: _Frame, line: Line, color: Color) -> None:
    dots = [(frame.x(at), frame.y(number)) for at, number in sorted(line.points.items())]
    for start, end in itertools.pairwise(dots):
        canvas.line(start, end, color)
    for x, y in dots:
        for over in (-1, 0, 1):
            canvas.dot(x + over, y - 1, color)
            canvas.dot(x + over, y, color)
            canvas.dot(x + over, y + 1, color)
