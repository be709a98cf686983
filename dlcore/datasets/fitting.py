"""Settings that fit a data set: with them a small network learns it well within a hundred epochs.

The generated sets and some of the bundled ones have settings that were found by trying, `python -m benchmarks fitting`. For every other
set they are proposed from its sizes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

WIDEST, NARROW, NARROWEST = 24, 6, 4  # units: most and fewest of the first layer, fewest of the second


@dataclass(frozen=True)
class Fitting:
    """A network, of dense layers if nothing else is said, and how it learns. The defaults are those of a recipe."""

    units: tuple[int, ...] = (4, 2)  # of the hidden layers
    activation: str = "tanh"
    learning_rate: float = 0.01  # of Adam
    batch_size: int = 10
    features: tuple[str, ...] | None = None  # for data on a plane; None: x1 and x2
    layers: tuple[dict[str, Any], ...] | None = None  # as a recipe has them, instead of `units` and `activation`

    def parts(self) -> dict[str, Any]:
        """The parts of a recipe, as plain values."""
        dense = [{"kind": "dense", "units": units, "activation": {"kind": self.activation}} for units in self.units]
        layers = dense if self.layers is None else list(self.layers)
        optimizer = {"kind": "adam", "learning_rate": self.learning_rate}
        features = {} if self.features is None else {"features": list(self.features)}
        return {"layers": layers, "optimizer": optimizer, "batch_size": self.batch_size, **features}


def propose(inputs: int, outputs: int, rows: int) -> Fitting:
    """Settings for a network of so many inputs and outputs that learns from so many training rows."""
    return Fitting(units=propose_units(inputs, outputs), batch_size=propose_batch(rows))


def propose_units(inputs: int, outputs: int) -> tuple[int, int]:
    """Two layers: the first about twice the geometric mean of inputs and outputs, the second half of that; few enough to watch."""
    first = min(WIDEST, max(NARROW, 2 * round((inputs * outputs) ** 0.5)))
    return first, max(NARROWEST, first // 2, min(outputs, WIDEST))


def propose_batch(rows: int) -> int:
    """A batch size that gives about a hundred updates an epoch, a power of two; 10 for few rows."""
    return min(rows, 10 if rows < 2000 else min(512, 1 << (rows // 100).bit_length() - 1))
