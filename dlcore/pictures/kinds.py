"""The kinds of pictures. The first kind that suits a network is drawn.

The last of each list suits every network. To add a kind: its file here, `ui/canvas/kinds/<kind>.js`, and a line before the last.
"""

from __future__ import annotations

from dlcore.pictures.bars import UnitBars
from dlcore.pictures.base import Drawable, OutputPicture, UnitPicture
from dlcore.pictures.examples import ExamplesOutput
from dlcore.pictures.line import Line, UnitLine
from dlcore.pictures.plane import Plane, UnitPlane
from dlcore.pictures.projection import Projection, Strip

UNITS: tuple[type[UnitPicture], ...] = (UnitPlane, UnitLine, UnitBars)
OUTPUTS: tuple[type[OutputPicture], ...] = (ExamplesOutput, Plane, Line, Strip, Projection)


def unit_picture(drawable: Drawable, output: OutputPicture) -> UnitPicture:
    """The picture of this network's units."""
    return next(kind for kind in UNITS if kind.suits(drawable, output))(drawable, output)


def output_picture(drawable: Drawable, side: int) -> OutputPicture:
    """The picture of this network's output, with `side` points on each side."""
    return next(kind for kind in OUTPUTS if kind.suits(drawable))(drawable, side)
