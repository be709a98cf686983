"""Paints the pictures of the gallery: trains each entry's run, draws what the network answers, and its losses on the way.

    python -m dlcore.gallery.painting

Everything that is drawn was computed by the engine. Needs Pillow.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from dlcore.gallery import PICTURES, Entry, list_entries
from dlcore.learning.trainer import Trainer
from dlcore.pictures.painting import draw_answers
from dlcore.pictures.picture import Picture

SIDE, GAP = 132, 12  # of the map, and between it and the losses, in pixels of the page
FINER = 2  # pixels of the picture for one of the page
DRAWN_FINER = 2  # drawn larger by this factor, then made smaller, for smooth lines
TRAIN, WATCHED, FRAME = (122, 138, 141), (20, 140, 128), (150, 162, 160)


def paint(entry: Entry) -> bytes:
    """The entry's picture: a PNG with the network's answers at the left and its losses at the right."""
    trainer = Trainer(entry.start, device="cpu")
    while trainer.epoch < entry.epochs and trainer.finished is None:
        trainer.advance()
    picture = Picture(trainer)
    scale = FINER * DRAWN_FINER
    size = ((2 * SIDE + GAP) * scale, SIDE * scale)
    sheet = Image.new("RGBA", size, (0, 0, 0, 0))
    arrays = {**picture.arrays(trainer.snapshot()), **picture.constant_arrays}
    has_classes = trainer.experiment.objective.has_classes
    answers = draw_answers(picture.layout["output"], arrays, has_classes, SIDE * scale)
    sheet.paste(answers, (0, 0))
    _draw_losses(ImageDraw.Draw(sheet), trainer, (SIDE + GAP) * scale, size)
    small = sheet.resize((size[0] // DRAWN_FINER, size[1] // DRAWN_FINER), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    small.quantize(128).save(file, "PNG", optimize=True)
    return file.getvalue()


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
