"""Paints the pictures of the gallery: trains each entry's run, draws what the network answers, and its losses on the way.

    python -m dlcore.gallery.painting

Everything that is drawn was computed by the engine. Needs Pillow.  N rows, E epochs.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from dlcore.gallery import PICTURES, Entry, list_entries
from dlcore.learning.trainer import Trainer
from dlcore.pictures.picture import Picture
from dlcore.views.theme import CLASSES, LIGHT

SIDE, GAP = 132, 12  # of the map, and between it and the losses, in pixels of the page
FINER = 2  # pixels of the picture for one of the page
DRAWN_FINER = 2  # drawn larger by this factor, then made smaller, for smooth lines
COLOURS = [tuple(int(LIGHT[name][at : at + 2], 16) for at in (1, 3, 5)) for name in CLASSES]
PAPER = (240, 244, 243)
TRAIN, WATCHED, FRAME = (122, 138, 141), (20, 140, 128), (150, 162, 160)
STRONGEST = 0.8  # share of a class's colour in the map, so that points of the full colour are seen on it

Colour = tuple[int, ...]


def paint(entry: Entry) -> bytes:
    """The entry's picture: a PNG with the network's answers at the left and its losses at the right."""
    trainer = Trainer(entry.start, device="cpu")
    while trainer.epoch < entry.epochs and trainer.finished is None:
        trainer.advance()
    picture = Picture(trainer)
    scale = FINER * DRAWN_FINER
    size = ((2 * SIDE + GAP) * scale, SIDE * scale)
    sheet = Image.new("RGBA", size, (0, 0, 0, 0))
    answers = _draw_answers(trainer, picture, SIDE * scale)
    sheet.paste(answers, (0, 0))
    _draw_losses(ImageDraw.Draw(sheet), trainer, (SIDE + GAP) * scale, size)
    small = sheet.resize((size[0] // DRAWN_FINER, size[1] // DRAWN_FINER), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.quantize(128).save(file, "PNG", optimize=True)
    return file.getvalue()


def _draw_answers(trainer: Trainer, picture: Picture, side: int) -> Image.Image:
    arrays = {**picture.arrays(trainer.snapshot()), **picture.constant_arrays}
    layout = picture.layout["output"]
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
        fill = COLOURS[int(target) % len(COLOURS)] if trainer.experiment.objective.has_classes else COLOURS[1]
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=(*fill, 255), outline=(255, 255, 255, 255), width=max(1, side // 160))
    if "output_line" in arrays:
        line = arrays["output_line"]
        across = np.linspace(x_range[0], x_range[1], len(line))
        path = [tuple(point) for point in place(np.stack([across, line], axis=1)).tolist()]
        draw.line(path, fill=(*COLOURS[0], 255), width=side // 36, joint="curve")
    return image


def _draw_map(arrays: dict[str, np.ndarray], side: int) -> Image.Image:
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


def _draw_losses(draw: ImageDraw.ImageDraw, trainer: Trainer, left: int, size: tuple[int, int]) -> None:
    """Losses from 0, the training rows' in grey, the watched rows' in green, over two axes without numbers."""
    history = trainer.history
    losses = {name: history.column(f"{name}_loss") for name in ("train", "test")}
    # The first epochs of a bad start would press all that follows to the floor.
    top = 1.05 * max(float(np.quantile(values, 0.97)) for values in losses.values())
    edge = size[1] // 40
    right, bottom = size[0] - edge, size[1] - edge
    thick = size[1] // 80
    draw.line([(left, edge), (left, bottom), (right, bottom)], fill=(*FRAME, 255), width=thick)
    for name, colour in (("train", TRAIN), ("test", WATCHED)):
        values = losses[name]
        x = left + (right - left) * np.arange(len(values)) / max(1, len(values) - 1)
        y = bottom - (bottom - edge) * np.clip(values / top, 0, 1)
        path = list(zip(x.tolist(), y.tolist(), strict=True))
        draw.line(path, fill=(*colour, 255), width=size[1] // 50, joint="curve")


def main() -> None:
    """Paint all pictures."""
    PICTURES.mkdir(exist_ok=True)
    for entry in list_entries():
        entry.picture.write_bytes(paint(entry))


if __name__ == "__main__":
    main()
