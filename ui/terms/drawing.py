"""Pictures of the cards as SVG, in colours that can be seen on light and dark pages alike. The card says in words what is seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

TEAL, ORANGE, GREY = "#178f82", "#d06a00", "#74817f"
WIDTH, HEIGHT, MARGIN = 320, 150, 12  # pixels

Curve = tuple[np.ndarray, np.ndarray, str]
Dot = tuple[float, float, str]


def frame(content: Iterable[str]) -> str:
    """These parts as one picture."""
    size = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(content)}</svg>'


def curves(lines: Sequence[Curve], dots: Sequence[Dot] = ()) -> str:
    """Lines and dots in one system of axes, which shows all of them."""
    xs = np.concatenate([x for x, _, _ in lines])
    ys = np.concatenate([y for _, y, _ in lines])
    left, right = float(xs.min()), float(xs.max())
    low, high = min(0.0, float(ys.min())), float(ys.max())

    def across(x: float) -> float:
        return round(MARGIN + (x - left) / (right - left) * (WIDTH - 2 * MARGIN), 1)

    def up(y: float) -> float:
        return round(HEIGHT - MARGIN - (y - low) / (high - low) * (HEIGHT - 2 * MARGIN), 1)

    axes = [(left, 0.0, right, 0.0)] + ([(0.0, low, 0.0, high)] if left <= 0 <= right else [])
    parts = [
        f'<line x1="{across(a)}" y1="{up(b)}" x2="{across(c)}" y2="{up(d)}" stroke="{GREY}" stroke-opacity="0.6"/>'
        for a, b, c, d in axes
    ]
    for number, (x, y, colour) in enumerate(lines):
        points = " ".join(f"{across(float(a))},{up(float(b))}" for a, b in zip(x, y, strict=True))
        dashes = ' stroke-dasharray="7 4"' if number else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5"{dashes}/>')
    for x, y, colour in dots:
        shape = f'cx="{across(x)}" cy="{up(y)}" r="5" fill="{colour}"'
        parts.append(f"<circle {shape}/>" if left <= x <= right and low <= y <= high else "")
    return frame(parts)


def draw_bars(values: np.ndarray) -> str:
    """A bar for each value, the largest strong."""
    wide = (WIDTH - 2 * MARGIN) / len(values)
    parts = []
    for at, value in enumerate(values):
        tall = float(value) / float(values.max()) * (HEIGHT - 3 * MARGIN)
        left, top = MARGIN + at * wide + wide * 0.2, HEIGHT - MARGIN - tall
        colour = TEAL if value == values.max() else GREY
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{wide * 0.6:.1f}" height="{tall:.1f}" fill="{colour}"/>'
        )
        parts.append(
            f'<text x="{left + wide * 0.3:.1f}" y="{top - 4:.1f}" font-family="sans-serif" font-size="12" text-anchor="middle" '
            f'fill="{GREY}">{value:.2f}</text>'
        )
    return frame(parts)


def draw_network(sizes: Sequence[int], off: Iterable[tuple[int, int]] = ()) -> str:
    """Layers of so many units, each joined to all of the next; (layer, unit) that are off are hollow and joined to none."""
    silent = set(off)
    places = {
        (layer, unit): (
            MARGIN * 2 + layer * (WIDTH - 4 * MARGIN) / (len(sizes) - 1),
            HEIGHT / 2 + (unit - (size - 1) / 2) * 22,
        )
        for layer, size in enumerate(sizes)
        for unit in range(size)
    }
    links = [
        f'<line x1="{a}" y1="{b}" x2="{c}" y2="{d}" stroke="{GREY}" stroke-opacity="0.6"/>'
        for one, (a, b) in places.items()
        for other, (c, d) in places.items()
        if other[0] == one[0] + 1 and not {one, other} & silent
    ]
    units = []
    for unit, (x, y) in places.items():
        fill, stroke = ("none", GREY) if unit in silent else (TEAL, TEAL)
        units.append(f'<circle cx="{x}" cy="{y}" r="8" fill="{fill}" stroke="{stroke}" stroke-width="1.5"/>')
    return frame([*links, *units])


def draw_neuron() -> str:
    """Two inputs with thick and thin links to one unit, and what it answers."""
    lines = ((40, 40, 5, TEAL), (40, 110, 2, ORANGE))
    parts = [
        f'<line x1="{x}" y1="{y}" x2="160" y2="75" stroke="{colour}" stroke-width="{wide}"/>'
        for x, y, wide, colour in lines
    ]
    parts += [f'<circle cx="{x}" cy="{y}" r="12" fill="{GREY}"/>' for x, y, _, _ in lines]
    parts.append(f'<line x1="160" y1="75" x2="290" y2="75" stroke="{TEAL}" stroke-width="2.5"/>')
    parts.append(
        f'<circle cx="160" cy="75" r="24" fill="{TEAL}"/><polygon points="290,68 304,75 290,82" fill="{TEAL}"/>'
    )
    return frame(parts)


def draw_rows(rows: int, batch: int, way: int) -> str:
    """Rows of data as squares, `batch` on a line: 0 one batch is strong, 1 every batch is framed, 2 all but a tenth are right."""
    lines = rows // batch
    size, gap = 20, 4
    left, top = (WIDTH - batch * (size + gap)) / 2, (HEIGHT - lines * (size + gap)) / 2
    parts = []
    for row in range(rows):
        x, y = left + row % batch * (size + gap), top + row // batch * (size + gap)
        strong = {0: row // batch == 1, 1: True, 2: row % 10 != 9}[way]
        wrong = ORANGE if way == 2 else GREY
        colour = TEAL if strong else wrong
        parts.append(f'<rect x="{x}" y="{y}" width="{size}" height="{size}" rx="4" fill="{colour}"/>')
    if way == 1:
        wide = batch * (size + gap) + gap
        parts += [
            f'<rect x="{left - gap}" y="{top - gap / 2 + line * (size + gap)}" width="{wide}" height="{size + gap}" rx="6" '
            f'fill="none" stroke="{ORANGE}" stroke-width="1.5"/>'
            for line in range(lines)
        ]
    return frame(parts)


def draw_shares(shares: Sequence[float]) -> str:
    """A bar divided by these shares."""
    left, parts = float(MARGIN), []
    for share, colour in zip(shares, (TEAL, GREY, ORANGE), strict=True):
        wide = share * (WIDTH - 2 * MARGIN)
        parts.append(f'<rect x="{left:.1f}" y="50" width="{wide - 3:.1f}" height="50" rx="5" fill="{colour}"/>')
        left += wide
    return frame(parts)


def draw_scatter(seeds: int) -> str:
    """Points of as many seeds side by side: other points each time, and the same ones for the same seed."""
    parts = []
    for seed in range(seeds):
        points = np.random.default_rng(seed).uniform(8, 84, (14, 2))
        left = MARGIN + seed * 102
        parts.append(f'<rect x="{left}" y="28" width="92" height="92" rx="6" fill="none" stroke="{GREY}"/>')
        parts += [
            f'<circle cx="{left + x:.1f}" cy="{28 + y:.1f}" r="4" fill="{TEAL if at % 2 else ORANGE}"/>'
            for at, (x, y) in enumerate(points)
        ]
    return frame(parts)
