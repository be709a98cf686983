"""The kinds of pictures; of those that suit a network, the first is drawn.

The last of each list suits every network. To add one: its file here, `ui/canvas/kinds/<kind>.js`, and a line above that one.
"""

from __future__ import annotations

from dlcore.pictures.bars import UnitBars
from dlcore.pictures.base import OutputPicture, Scene, UnitPicture
from dlcore.pictures.line import Line, UnitLine
from dlcore.pictures.plane import Plane, UnitPlane
from dlcore.pictures.projection import Projection, Strip

UNITS: tuple[type[UnitPicture], ...] = (UnitPlane, UnitLine, UnitBars)
OUTPUTS: tuple[type[OutputPicture], ...] = (Plane, Line, Strip, Projection)


def unit_picture(scene: Scene, output: OutputPicture) -> UnitPicture:
    """How the units of this network are drawn."""
    return next(kind for kind in UNITS if kind.suits(scene, output))(scene, output)


def output_picture(scene: Scene, side: int) -> OutputPicture:
    """How its output is drawn, with so many points a side."""
    return next(kind for kind in OUTPUTS if kind.suits(scene))(scene, side)
