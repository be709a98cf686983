"""Figures of a report as SVG, drawn here: nothing is loaded, nothing runs, and they print.

Colours are classes of the report's style sheet, so that one figure serves light and dark. All text is escaped.
"""

from __future__ import annotations

import base64
import html
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcore.problems import clean

CLASSES = 10  # colours; then they begin anew
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 40  # pixels around a plot
TICKS = 5
RGB = (  # The style sheet's colours again, for the map, which is made of pixels.
    (245, 147, 34), (8, 119, 189), (35, 173, 132), (192, 59, 136), (162, 128, 3),
    (105, 51, 162), (154, 61, 34), (34, 181, 201), (123, 129, 144), (111, 174, 43),
)  # fmt: skip
FULLEST = 190  # highest opacity of the map, of 255: points stay visible on it


@dataclass(frozen=True)
class Line:
    """A curve and its name."""

    name: str
    colour: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Plot:
    """An area with two axes: from data to pixels."""

    x: tuple[float, float]
    y: tuple[float, float]
    width: int = 440
    height: int = 280
    right: int = RIGHT

    def to_pixels(self, x: float, y: float) -> tuple[float, float]:
        """Where a point lies, in pixels."""
        (x0, x1), (y0, y1) = self.x, self.y
        across = (x - x0) / ((x1 - x0) or 1) * (self.width - LEFT - self.right)
        down = (y1 - y) / ((y1 - y0) or 1) * (self.height - TOP - BOTTOM)
        return round(LEFT + across, 1), round(TOP + down, 1)

    def axes(self, x_title: str, y_title: str) -> str:
        """Ticks, quiet lines and titles."""
        parts = []
        for value in choose_ticks(*self.y):
            left, down = self.to_pixels(self.x[0], value)
            parts.append(f'<line class="grid" x1="{left}" y1="{down}" x2="{self.width - self.right}" y2="{down}"/>')
            parts.append(
                f'<text class="tick" x="{left - 7}" y="{down + 4}" text-anchor="end">{write_tick(value)}</text>'
            )
        for value in choose_ticks(*self.x):
            left, down = self.to_pixels(value, self.y[0])
            parts.append(
                f'<text class="tick" x="{left}" y="{down + 18}" text-anchor="middle">{write_tick(value)}</text>'
            )
        middle = (LEFT + self.width - self.right) / 2
        parts.append(
            f'<text class="axis" x="{middle}" y="{self.height - 4}" text-anchor="middle">{escape(x_title)}</text>'
        )
        turned = f"translate(12 {(TOP + self.height - BOTTOM) / 2}) rotate(-90)"
        parts.append(f'<text class="axis" transform="{turned}" text-anchor="middle">{escape(y_title)}</text>')
        return "".join(parts)

    def picture(self, body: str, said: str) -> str:
        """The whole figure; `said` is what a screen reader says instead of it."""
        return f'<svg viewBox="0 0 {self.width} {self.height}" width="{self.width}" role="img" aria-label="{escape(said)}">{body}</svg>'


def escape(text: Any) -> str:
    """Untrusted text as the text of an element or the value of an attribute."""
    return html.escape(clean(str(text)), quote=True)


def escape_long(text: str) -> str:
    """Escape a sentence of our own, which is not cut however long it is; texts in its placeholders have been cleaned."""
    return html.escape(text, quote=True)


def write_tick(value: float) -> str:
    """A tick as people write it."""
    return f"{value:.4g}" if abs(value) < 1e5 else f"{value:.1e}"


def choose_ticks(low: float, high: float) -> list[float]:
    """A few round numbers between the two: 1, 2 or 5 times a power of ten apart (Heckbert, 1990)."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low] if math.isfinite(low) else []
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]


def choose_colour(label: int) -> str:
    """The style sheet's class for the colour of a class."""
    return f"c{label % CLASSES}"


def draw_lines(curves: Sequence[Line], x_title: str, y_title: str, said: str, **bounds: Any) -> str:
    """Curves over one another, each named at its end."""
    known = [
        Line(one.name, one.colour, *zip(*pairs, strict=True))
        for one in curves
        if (pairs := [(x, y) for x, y in zip(one.x, one.y, strict=True) if math.isfinite(x) and math.isfinite(y)])
    ]
    if not known:
        return ""
    x = bounds.get("x") or (min(min(one.x) for one in known), max(max(one.x) for one in known))
    y = bounds.get("y") or _widen(min(min(one.y) for one in known), max(max(one.y) for one in known))
    named = [one for one in known if one.name]
    plot = Plot(x, y, right=RIGHT + (7 * max(map(_measure_width, (one.name for one in named)), default=0)))
    body = [plot.axes(x_title, y_title)]
    if bounds.get("diagonal"):
        (x1, y1), (x2, y2) = plot.to_pixels(x[0], y[0]), plot.to_pixels(x[1], y[1])
        body.append(f'<line class="guess" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>')
    for one in known:
        path = " ".join("{},{}".format(*plot.to_pixels(*point)) for point in zip(one.x, one.y, strict=True))
        body.append(f'<polyline class="line {one.colour}" points="{path}"><title>{escape(one.name)}</title></polyline>')
    heights = _move_apart([plot.to_pixels(one.x[-1], one.y[-1])[1] for one in named])
    for one, height in zip(named, heights, strict=True):
        body.append(
            f'<text class="name {one.colour}" x="{plot.width - plot.right + 6}" y="{height + 4}">{escape(one.name)}</text>'
        )
    return plot.picture("".join(body), said)


def draw_matrix(counts: list[list[int]], names: Sequence[str], x_title: str, y_title: str) -> str:
    """A confusion matrix: squares as full as their share of the row."""
    count = len(names)
    side = max(26, min(64, 420 // count))
    left, top = 26 + 8 * min(14, max(map(_measure_width, names))), 44
    width, height = left + side * count + 10, top + side * count + 10
    body = [
        f'<text class="axis" x="{left + side * count / 2}" y="12" text-anchor="middle">{escape(x_title)}</text>',
        f'<text class="axis" transform="translate(12 {top + side * count / 2}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text>',
    ]
    for to_pixels, name in enumerate(names):
        shown = escape(_shorten(name, 14))
        body.append(
            f'<text class="tick" x="{left - 8}" y="{top + side * (to_pixels + 0.5) + 4}" text-anchor="end">{shown}</text>'
        )
        cut = escape(_shorten(name, max(2, side // 8)))
        body.append(
            f'<text class="tick" x="{left + side * (to_pixels + 0.5)}" y="{top - 8}" text-anchor="middle">{cut}</text>'
        )
    for true, row in enumerate(counts):
        for predicted, number in enumerate(row):
            share = number / max(1, sum(row))
            x, y = left + side * predicted, top + side * true
            right = "right" if true == predicted else "wrong"
            hint = f"{escape(names[true])} → {escape(names[predicted])}: {number:,} ({share:.1%})"
            body.append(
                f'<rect class="cell {right}" x="{x + 1}" y="{y + 1}" width="{side - 2}" height="{side - 2}" rx="4"'
                f' fill-opacity="{0.06 + 0.8 * share:.3f}"><title>{hint}</title></rect>'
            )
            if number:
                ink = "ink full" if share > 0.5 else "ink"
                body.append(
                    f'<text class="{ink}" x="{x + side / 2}" y="{y + side / 2 + 4}" text-anchor="middle">{number:,}</text>'
                )
    return Plot((0, 1), (0, 1), width, height).picture("".join(body), f"{x_title}, {y_title}")


def draw_dots(points: Sequence[tuple[float, float]], x_title: str, y_title: str, said: str) -> str:
    """Points around the diagonal, both axes on one scale."""
    values = [value for point in points for value in point if math.isfinite(value)]
    both = _widen(min(values), max(values))
    plot = Plot(both, both, height=360)
    (x1, y1), (x2, y2) = plot.to_pixels(both[0], both[0]), plot.to_pixels(both[1], both[1])
    body = [plot.axes(x_title, y_title), f'<line class="guess" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>']
    body += ['<circle class="dot test" cx="{}" cy="{}" r="3"/>'.format(*plot.to_pixels(*point)) for point in points]
    return plot.picture("".join(body), said)


def draw_bar(share: float, kind: str) -> str:
    """A bar that fills this share of its cell, for a table."""
    width = f"{100 * max(0.0, min(1.0, share)):.1f}"
    return (
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kind}" width="{width}" height="8" rx="1.5"/></svg>'
    )


def draw_whisker(value: float, interval: Sequence[float] | None, scale: tuple[float, float], kind: str) -> str:
    """A score on its scale with its interval, for a table."""
    span = (scale[1] - scale[0]) or 1.0
    x, low, high = (200 * (one - scale[0]) / span for one in (value, *(interval or (value, value))))
    return (
        f'<svg class="whisker" viewBox="0 0 200 16" width="200" aria-hidden="true"><line class="grid" x1="0" x2="200" y1="8" y2="8"/>'
        f'<line class="span {kind}" x1="{low:.1f}" x2="{high:.1f}" y1="8" y2="8"/><circle class="{kind}" cx="{x:.1f}" cy="8" r="5"/></svg>'
    )


def draw_plane(
    x: tuple[float, float],
    y: tuple[float, float],
    rgba_HW4: np.ndarray,
    points: Sequence[tuple[float, float, str, str]],
    names: tuple[str, str],
    said: str,
) -> str:
    """A map made of pixels under points (x, y, colour, kind), kind "train" or "test"."""
    plot = Plot(x, y, width=520, height=460)
    left, top = plot.to_pixels(x[0], y[1])
    right, bottom = plot.to_pixels(x[1], y[0])
    picture = base64.b64encode(encode_png(rgba_HW4)).decode()
    body = [
        f'<image href="data:image/png;base64,{picture}" x="{left}" y="{top}" width="{right - left:.1f}" height="{bottom - top:.1f}"'
        ' preserveAspectRatio="none"/>',
        plot.axes(*names),
    ]
    for px, py, shade, kind in points:
        cx, cy = plot.to_pixels(px, py)
        body.append(f'<circle class="point {kind} {shade}" cx="{cx}" cy="{cy}" r="{3.4 if kind == "train" else 4.2}"/>')
    return plot.picture("".join(body), said)


def encode_png(rgba_HW4: np.ndarray) -> bytes:
    """An 8-bit RGBA picture (W3C, Portable Network Graphics, 2003), the first row on top."""
    height, width, _ = rgba_HW4.shape
    rows = b"".join(b"\0" + row.tobytes() for row in rgba_HW4.astype(np.uint8))

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def choose_shades(claims: np.ndarray, low: float, high: float) -> np.ndarray:
    """(P, 4) the colour of each prediction: a class the more opaque the surer, or a number from orange (low) to blue (high)."""
    rgb = np.array(RGB)
    if claims.ndim == 2:
        classes = claims.shape[1]
        sure_P = (claims.max(axis=1) - 1 / classes) / (1 - 1 / classes)
        return np.column_stack([rgb[claims.argmax(axis=1) % CLASSES], FULLEST * sure_P.clip(0, 1)])
    middle, half = (low + high) / 2, ((high - low) / 2) or 1.0
    side_P = ((claims - middle) / half).clip(-1, 1)
    return np.column_stack([rgb[(side_P > 0).astype(int)], FULLEST * np.abs(side_P)])


def _widen(low: float, high: float) -> tuple[float, float]:
    room = (high - low) * 0.05 or abs(high) * 0.05 or 1.0
    return (0.0 if 0 <= low < (high - low) else low - room), high + room


def _move_apart(heights: list[float]) -> list[float]:
    """Labels that would lie over one another move down."""
    placed: dict[int, float] = {}
    last = -math.inf
    for index in sorted(range(len(heights)), key=lambda index: heights[index]):
        last = placed[index] = max(heights[index], last + 14)
    return [placed[index] for index in range(len(heights))]


def _measure_width(name: str) -> int:
    """Columns of a name: a Chinese sign is as wide as two."""
    return min(18, sum(2 if ord(sign) > 0x2E80 else 1 for sign in name))


def _shorten(name: str, length: int) -> str:
    return name if len(name) <= length else name[: length - 1] + "…"
