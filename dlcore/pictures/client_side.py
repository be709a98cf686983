"""What a browser needs to paint a network's picture by itself: curves and inputs once for a structure, then plain weights and biases.

Only for stacks of dense layers over a plane or a line; `Picture` paints all others, and is what tests hold the browser to. The browser
knows no activation, loss or feature by name: a function of one number is sent as its values at CURVE_POINTS points, between which it is
interpolated and beyond which it goes on straight; an input as a product of a number for each column and one for each row of the grid.

D inputs, K units of a layer, P points (R rows, C columns) of the output's grid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from dlcore.datasets.split import Data
from dlcore.objectives.links import SOFTMAX
from dlcore.pictures.base import Interval, OutputPicture, UnitPicture
from dlcore.stages import Network, Stage

if TYPE_CHECKING:
    from dlcore.experiment import Experiment
    from dlcore.learning.snapshot import Snapshot

Arrays = dict[str, np.ndarray]
Curve = Callable[[torch.Tensor], torch.Tensor]

MOST_NUMBERS = 16_384  # Weights and biases of a network whose frames would not become larger than with maps.
CURVE_END = 16.0
#: Linear interpolation between points 1/64 apart is wrong by at most f''/32768, far less than a grey level.
CURVE_POINTS = 2 * int(CURVE_END) * 64 + 1
EXACT = 1e-6  # relative error of an input as a product


class Curves:
    """Functions of one number as tables, each kept once."""

    def __init__(self) -> None:
        self._at = torch.linspace(-CURVE_END, CURVE_END, CURVE_POINTS, dtype=torch.float64)
        self._tables: dict[bytes, tuple[int, np.ndarray]] = {}

    def add(self, curve: Curve) -> int | None:
        """The number of its table; None for the function that changes nothing."""
        table = curve(self._at).numpy().astype(np.float32)
        if np.array_equal(table, self._at.numpy().astype(np.float32)):
            return None
        return self._tables.setdefault(table.tobytes(), (len(self._tables), table))[0]

    @property
    def tables(self) -> np.ndarray:
        """(curves, CURVE_POINTS) values."""
        return np.array([table for _, table in self._tables.values()], np.float32).reshape(-1, CURVE_POINTS)


class Pictured(Protocol):
    """What a picture is made of; see `Picture` for what each attribute means."""

    experiment: Experiment
    data: Data
    network: Network
    shown: dict[str, int]
    output: OutputPicture
    units: UnitPicture
    value_range: Interval

    def shown_weight(self, address: str, weight_KD: torch.Tensor, /) -> torch.Tensor: ...


class ClientSide:
    """How a browser paints the pictures of one structure: `layout` and `constants` once, `numbers` with each frame."""

    def __init__(self, picture: Pictured, across: np.ndarray, down: np.ndarray) -> None:
        """`across` (D, C) and `down` (D, R) are the factors of the inputs."""
        self._picture = picture
        self._connections = [stage for stage in picture.network.stages if stage.connections is not None]
        self._paints_units = picture.units.painted_by_client
        curves = Curves()
        self.layout: dict[str, Any] = {
            "rows": len(down[0]),
            "columns": len(across[0]),
            "end": CURVE_END,
            "tensors": self._tensors(),
            "layers": [
                {
                    "address": stage.address,
                    "units": stage.plan.outputs,
                    "shown": picture.shown[stage.address],
                    "curve": _bend(stage, curves),
                }
                for stage in self._connections
            ],
            # Numbers before those that it is painted from: weights of inputs that lie in the plane's.
            "skip": 0 if self._plane is None else int(np.prod(self._tensors()[0]["shape"])),
            # Every so many points of the output's grid in both directions are a unit's picture; 0: units come painted.
            "every": len(across[0]) // picture.units.shape[-1] if self._paints_units else 0,
            "claim": self._claim(curves),
            "answer": self._answer(curves),
        }
        self.layout["curves"] = len(curves.tables)
        self.constants: Arrays = {
            "painting/across": across, "painting/down": down, "painting/curves": curves.tables,
        }  # fmt: skip

    def numbers(self, snapshot: Snapshot) -> Arrays | None:
        """`numbers`: the tensors that `layout` lists, one after the other. None if marks say more than a browser is told."""
        shown = self._picture.shown
        if snapshot.silenced and any(len(units) > shown[address] for address, units in snapshot.silenced.items()):
            return None
        parts: list[np.ndarray] = []
        for stage in self._connections:
            weight, bias = (snapshot.weights[name] for name in stage.connections or ())
            if self._plane is not None and stage is self._connections[0]:
                parts += [self._picture.shown_weight(stage.address, weight).numpy(), (weight @ self._plane).numpy()]
            else:
                parts.append(weight.numpy())
            parts.append(bias.numpy())
        return {"numbers": np.concatenate([part.ravel() for part in parts])}

    @property
    def _plane(self) -> torch.Tensor | None:
        return self._picture.output.plane_D3

    def _tensors(self) -> list[dict[str, Any]]:
        """Name, shape and shape of the part that is drawn of each tensor in `numbers`, in its order."""
        tensors = []
        for stage in self._connections:
            weight, bias = (stage.tensors[name].shape for name in stage.connections or ())
            drawn = list(self._picture.shown_weight(stage.address, torch.empty(weight, device="meta")).shape)
            shape = list(weight)
            if self._plane is not None and stage is self._connections[0]:
                tensors.append({"name": f"weight/{stage.address}", "shape": drawn, "drawn": drawn})
                tensors.append({"name": "painting/plane", "shape": [weight[0], 3], "drawn": None})
            else:
                tensors.append({"name": f"weight/{stage.address}", "shape": shape, "drawn": drawn})
            tensors.append({"name": f"bias/{stage.address}", "shape": list(bias), "drawn": drawn[:1]})
        return tensors

    def _claim(self, curves: Curves) -> int | str | None:
        """What makes an output unit's picture of its sums: a curve, or the softmax, the one function of all units together."""
        link = self._picture.experiment.coding.link
        return link.name if link is SOFTMAX else curves.add(link.picture)

    def _answer(self, curves: Curves) -> dict[str, Any]:
        """What makes the large map of the output's sums: `shade` and `value` of one sum, or `classes`, whose shares `curve` gives."""
        experiment, output = self._picture.experiment, self._picture.output
        coding, objective = experiment.coding, experiment.objective
        if objective.has_classes and objective.num_classes != 2:
            if coding.link is SOFTMAX:
                return {"kind": "classes", "curve": SOFTMAX.name}
            return {"kind": "classes", "curve": curves.add(lambda sums: (coding.link.read(sums) + 1) / 2)}
        if objective.has_classes:
            return {"kind": "shade", "curve": curves.add(lambda sums: 1 + 254 * coding.predict(sums[:, None])[:, 1])}
        scaling = self._picture.data.scaling

        def value(sums: torch.Tensor) -> torch.Tensor:
            return torch.from_numpy(objective.in_units(coding.predict(sums[:, None]).numpy(), scaling))

        if len(output.shape) == 1:
            return {"kind": "value", "curve": curves.add(value)}
        low, high = self._picture.value_range
        return {"kind": "shade", "curve": curves.add(lambda sums: 1 + 254 * (value(sums) - low) / (high - low))}


def paint_by_client(picture: Pictured) -> ClientSide | None:
    """How a browser paints these pictures; None if it cannot."""
    network, output = picture.network, picture.output
    if any(stage.layer.judged_as == "other" for stage in network.stages):
        return None
    if sum(int(np.prod(facts.shape)) for stage in network.stages for facts in stage.tensors.values()) > MOST_NUMBERS:
        return None
    rows, columns = output.shape if len(output.shape) == 2 else (1, output.shape[0])
    factors = output.plane_factors if output.plane_D3 is not None else factor(output.inputs_DP.numpy(), rows, columns)
    return None if factors is None else ClientSide(picture, *factors)


def factor(inputs_DP: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray] | None:
    """(D, C) and (D, R) whose products are the inputs at each point of the grid; None if there are no such."""
    across = np.zeros((len(inputs_DP), columns), np.float32)
    down = np.zeros((len(inputs_DP), rows), np.float32)
    for d, input_RC in enumerate(inputs_DP.reshape(-1, rows, columns)):
        row, column = np.unravel_index(np.abs(input_RC).argmax(), input_RC.shape)
        largest = input_RC[row, column]
        if largest == 0:
            continue
        across[d], down[d] = input_RC[row], input_RC[:, column] / largest
        if np.abs(np.outer(down[d], across[d]) - input_RC).max() > EXACT * abs(largest):
            return None
    return across, down


def _bend(stage: Stage, curves: Curves) -> int | None:
    """The number of the activation's curve; the output layer has none."""
    activation = getattr(stage.layer, "activation", None)
    return None if activation is None else curves.add(activation.build())
