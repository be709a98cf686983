"""How far apart colours look to colour-blind eyes: Machado, Oliveira and Fernandes (2009) at full severity, distances in OKLab."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import numpy as np

SCRIPT = Path(__file__).parent.parent / "ui" / "canvas" / "colours.js"

#: What is left of linear red, green and blue.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array([
        [0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998],
    ]),
    "deuteranopia": np.array([
        [0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881],
    ]),
    "tritanopia": np.array([
        [1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900],
    ]),
}  # fmt: skip
_TO_CONES = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
_TO_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip


def class_colours(theme: str) -> list[str]:
    """The class colours of the canvas in the LIGHT or DARK theme, as its script has them."""
    found = re.search(rf"CLASS_COLOURS_{theme} = \[(.*?)\]", SCRIPT.read_text(encoding="utf-8"))
    assert found is not None
    return re.findall(r"#[0-9a-f]{6}", found[1])


def linear(colour: str) -> np.ndarray:
    """Red, green and blue as amounts of light."""
    signal = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)


def oklab(light: np.ndarray) -> np.ndarray:
    """OKLab (Ottosson, 2020): equal distances look about equal."""
    return _TO_LAB @ np.cbrt(_TO_CONES @ light)


def least_distance(colours: list[str], vision: str) -> float:
    """Of the two that look most alike."""
    seen = [oklab(np.clip(VISIONS[vision] @ linear(colour), 0, 1)) for colour in colours]
    return min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2))
