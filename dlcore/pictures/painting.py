"""Paints what a network answers, with the training rows on top: a small image of a picture's arrays. Needs Pillow.  N rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from dlcore.pictures.colours import CLASS_COLOURS

Arrays = dict[str, np.ndarray]

COLOURS = [tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5)) for colour in CLASS_COLOURS]
PAPER = (240, 244, 243)
ROWS_ACROSS = 4  # pictures of the data on each side of an image of them
STRONGEST = 0.8  # share of a class's colour in the map, so that points of the full colour are seen on it


def draw_answers(layout: dict[str, Any], arrays: Arrays, has_classes: bool, side: int) -> Image.Image:
    """The answers over the picture's plane, `side` pixels wide and high; `layout` is that of its output.

    Of a network that reads pictures some of these, each in a frame of the colour of its class.
    """
    if can_draw_rows(layout):
        return _draw_rows(layout, arrays, has_classes, side)
    image = _draw_map(arrays, side)
    draw = ImageDraw.Draw(image)
    x_range = layout["x_range"]
    y_range = layout["y_range"]

    def place(points_N2: np.ndarray) -> np.ndarray:
        x = (points_N2[:, 0] - x_range[0]) / (x_range[1] - x_range[0])
        y = 1 - (points_N2[:, 1] - y_range[0]) / (y_range[1] - y_range[0])
        return np.stack([x, y], axis=1) * side

    radius = side / 64
    targets = arrays["points/train_target"]
    for (x, y), target in zip(place(arrays["points/train"]).tolist(), targets.tolist(), strict=True):
        fill = COLOURS[int(target) % len(COLOURS)] if has_classes else COLOURS[1]
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=(*fill, 255), outline=(255, 255, 255, 255), width=max(1, side // 160))
    if "output_line" in arrays:
        line = arrays["output_line"]
        across = np.linspace(x_range[0], x_range[1], len(line))
        path = [tuple(point) for point in place(np.stack([across, line], axis=1)).tolist()]
        draw.line(path, fill=(*COLOURS[0], 255), width=side // 36, joint="curve")
    return image


def can_draw_rows(layout: dict[str, Any]) -> bool:
    """Whether rows of the data are pictures themselves."""
    return len(layout.get("shape", ())) == 3


def _draw_rows(layout: dict[str, Any], arrays: Arrays, has_classes: bool, side: int) -> Image.Image:
    image = Image.new("RGBA", (side, side), (*PAPER, 255))
    draw = ImageDraw.Draw(image)
    rows = arrays["examples/test"][: ROWS_ACROSS**2]
    cell, edge = side // ROWS_ACROSS, max(1, side // 80)
    for place, (row, target) in enumerate(zip(rows, arrays["examples/test_target"].tolist(), strict=False)):
        pixels = row.transpose(1, 2, 0) if len(row) == len("RGB") else 255 - row[0]  # Ink on paper.
        left, top = place % ROWS_ACROSS * cell, place // ROWS_ACROSS * cell
        inner = (cell - 4 * edge, cell - 4 * edge)
        image.paste(Image.fromarray(pixels).resize(inner, Image.Resampling.NEAREST), (left + 2 * edge, top + 2 * edge))
        colour = COLOURS[int(target) % len(COLOURS)] if has_classes else COLOURS[1]
        draw.rectangle(
            (left + edge, top + edge, left + cell - edge, top + cell - edge), outline=(*colour, 255), width=edge
        )
    return image


def _draw_map(arrays: Arrays, side: int) -> Image.Image:
    """What the network answers at each point: the class's colour, the paler the less sure."""
    if "output_class" in arrays:
        palette = np.array(COLOURS)[arrays["output_class"].astype(int) % len(COLOURS)]
        sure = arrays["output_certainty"].astype(float)[..., None] / 255
    elif "output" in arrays:
        signed = (arrays["output"].astype(float) - 128)[..., None] / 127
        palette = np.where(signed < 0, np.array(COLOURS[0]), np.array(COLOURS[1]))
        sure = np.abs(signed).clip(0, 1)
    else:
        return Image.new("RGBA", (side, side), (*PAPER, 255))
    share = STRONGEST * sure
    mixed = np.array(PAPER) * (1 - share) + palette * share
    image = Image.fromarray(mixed.round().astype(np.uint8))
    return image.resize((side, side), Image.Resampling.BILINEAR).convert("RGBA")
