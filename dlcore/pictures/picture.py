"""Pictures of a network: what every unit answers over the plane, along the line or to each class, as the canvas shows it.

D inputs, K units of a layer, P points of a grid, G groups (classes or target quantiles), R x C rows and columns of a map.
Values travel as bytes: 128 is zero, 1 and 255 are minus and plus `scale`, one scale a unit.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from dlcore.activations import Activation, Tanh
from dlcore.datasets.preparation import Preparation, PreparedCategory
from dlcore.datasets.split import Data
from dlcore.datasets.table import TableData
from dlcore.engines import compiled
from dlcore.engines.dense import fits
from dlcore.engines.painting import Painter
from dlcore.layers import Dense

if TYPE_CHECKING:
    from dlcore.experiment import Experiment
    from dlcore.learning.snapshot import Snapshot

MOST_SHOWN = 32  # units of a layer that travel
MOST_INPUTS = 16  # inputs that travel: the whole pipeline stays in view
MOST_POINTS = 2000  # of a split that travel
MOST_PROJECTED = 1_000_000  # numbers of the training rows that choose the plane they are projected on
PLANE = (-6.0, 6.0)
FINE, COARSE = 100, 50  # sides of the output map; neuron maps are half of it
MANY_UNITS = 200


class Scene(Protocol):
    """Whose network is drawn: a trainer, or a recipe with its rows."""

    @property
    def experiment(self) -> Experiment: ...

    @property
    def data(self) -> Data: ...


class Picture:
    """What to draw of one run's network. Built once a structure; `arrays` is asked once a frame."""

    def __init__(self, trainer: Scene) -> None:
        self.experiment = trainer.experiment
        self.data = trainer.data
        self.dense = [layer for layer in self.experiment.layers if isinstance(layer, Dense)]
        self.bends = [_bend(layer.activation) for layer in self.dense]
        self.plan = [plan for plan in self.experiment.plan() if plan.has_units]
        shown = sum(min(plan.outputs, MOST_SHOWN) for plan in self.plan)
        self.side = FINE if shown <= MANY_UNITS else COARSE
        self.surface = _surface(trainer, self.side)
        self.map_kind = {"line": "line", "plane": "plane", "space": "bars"}[self.experiment.dataset.surface]
        if self.map_kind == "bars":
            self.groups, self.group_names = _groups(trainer)
            self.rows_DN = torch.from_numpy(self.data.train.X[:MOST_POINTS]).T.contiguous()
        self._painter: Painter | None = None
        classes = self.experiment.dataset.num_classes
        self.value_range = (-1.0, 1.0) if classes else _value_range(self.data.train.y)

    @property
    def layout(self) -> dict[str, Any]:
        """What stays the same from frame to frame."""
        experiment, data = self.experiment, self.data
        names = list(data.input_names)
        layers = []
        for plan in experiment.plan():
            described = {
                "kind": plan.kind,
                "units": plan.outputs,
                "shown": min(plan.outputs, MOST_SHOWN),
                "parameters": plan.parameters,
                "activation": plan.activation,
            }
            layers.append(described)
        for layer, described in zip(experiment.layers, layers, strict=False):
            described.update(layer.in_drawing())
        return {
            "task": experiment.dataset.task,
            "classes": list(data.class_names),
            "parameters": experiment.num_parameters,
            "rows": {"train": len(data.train.y), "test": len(data.watched.y), "all": experiment.dataset.rows},
            "metric": experiment.metric,
            "inputs": {"names": names[:MOST_INPUTS], "units": len(names), "shown": min(len(names), MOST_INPUTS)},
            "layers": layers,
            "map": self._map_layout(),
            "output": self.surface.layout | {"value_range": list(self.value_range), "dataset": experiment.dataset.kind},
        }

    @property
    def constant_arrays(self) -> dict[str, np.ndarray]:
        """The points and the pictures of the inputs."""
        arrays = {}
        for name, split in (("train", self.data.train), ("test", self.data.watched)):
            arrays[f"points/{name}"] = self.surface.points(split.raw, split.X, split.y)[:MOST_POINTS].astype(np.float32)
            arrays[f"points/{name}_target"] = split.y[:MOST_POINTS].astype(np.float32)
        inputs_DP = self._map_inputs()[:MOST_INPUTS]
        arrays["input_maps"], arrays["input_scales"] = self._quantized(
            inputs_DP, inputs_DP.abs().amax(1).clamp(min=1e-6)
        )
        return arrays

    def arrays(self, snapshot: Snapshot) -> dict[str, np.ndarray]:
        """Weights, the map of every unit and the output map at one moment."""
        if self.map_kind == "plane" and (painter := self._paints()) is not None:
            return self._weights(snapshot) | self._painted(painter, snapshot)
        return self._weights(snapshot) | self._computed(snapshot)

    def _paints(self) -> Painter | None:
        """The fast way, once its code is there; nobody waits for it."""
        if self._painter is None and compiled.loaded():
            kernels = compiled.kernels()
            if kernels is not None and fits(kernels, self.experiment):
                shown = [min(plan.outputs, MOST_SHOWN) for plan in self.plan]
                self._painter = Painter(kernels, self.experiment, self.surface.inputs_DP.numpy(), shown)
        return self._painter

    def _weights(self, snapshot: Snapshot) -> dict[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        tensors = list(snapshot.weights.values())
        for index, (weight, bias) in enumerate(zip(tensors[0::2], tensors[1::2], strict=True)):
            shown = min(len(weight), MOST_SHOWN)
            arrays[f"weight/{index}"] = weight[:shown, : MOST_SHOWN if index else MOST_INPUTS].numpy()
            arrays[f"bias/{index}"] = bias[:shown].numpy()
        return arrays

    def _painted(self, painter: Painter, snapshot: Snapshot) -> dict[str, np.ndarray]:
        flat = np.concatenate([value.numpy().ravel() for value in snapshot.weights.values()])
        silenced = snapshot.silenced
        gates = np.empty(0, np.bool_) if silenced is None else ~torch.cat(silenced).numpy()
        maps, scales = painter.paint(flat, gates)
        half = self.side // 2
        arrays = self._by_layer(maps.reshape(-1, half, half), scales)
        if self.experiment.dataset.num_classes == 2:
            return arrays | {"output": painter.classes().reshape(self.side, self.side)}
        return arrays | self._output(torch.from_numpy(painter.sums_KP))

    def _computed(self, snapshot: Snapshot) -> dict[str, np.ndarray]:
        tensors = list(snapshot.weights.values())
        weights, biases = tensors[0::2], tensors[1::2]
        values = self.surface.inputs_DP
        group_values = self.rows_DN if self.map_kind == "bars" else None
        pictured = []
        for index, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            shown = min(len(weight), MOST_SHOWN)
            last = index == len(weights) - 1
            bend = self._claim if last else self.bends[index]
            sums = torch.addmm(bias[:, None], weight, values)
            values = sums if last else bend(sums)
            quiet = None if last or snapshot.silenced is None else snapshot.silenced[index][:, None]
            if quiet is not None:
                values.masked_fill_(quiet, 0.0)
            if group_values is not None:
                group_values = bend(torch.addmm(bias[:, None], weight, group_values))
                if quiet is not None:
                    group_values.masked_fill_(quiet, 0.0)
                pictured.append(group_values[:shown] @ self.groups)
            else:
                seen = self._thinned(values)
                pictured.append((bend(seen) if last else seen)[:shown])
        # All units at once: for small networks the number of calls counts, not the number of points.
        together = torch.cat(pictured)
        maps, scales = self._quantized(together, together.abs().amax(1).clamp(min=1.0))
        return self._by_layer(maps, scales) | self._output(values)

    def _by_layer(self, maps: np.ndarray, scales: np.ndarray) -> dict[str, np.ndarray]:
        arrays = {}
        start = 0
        for index, plan in enumerate(self.plan):
            end = start + min(plan.outputs, MOST_SHOWN)
            arrays[f"maps/{index}"], arrays[f"scales/{index}"] = maps[start:end], scales[start:end]
            start = end
        return arrays

    def _claim(self, outputs_KP: torch.Tensor) -> torch.Tensor:
        # An output unit's picture is what the loss makes of it: probabilities as 2p - 1, so that orange and blue keep their meaning.
        match self.plan[-1].activation:
            case "sigmoid":
                return 2 * outputs_KP.sigmoid() - 1
            case "softmax":
                return 2 * outputs_KP.softmax(0) - 1
            case "tanh":
                return outputs_KP.tanh()
            case _:
                return outputs_KP

    def _output(self, outputs_KP: torch.Tensor) -> dict[str, np.ndarray]:
        classes = self.experiment.dataset.num_classes
        predicted = self.experiment.loss.predict(outputs_KP.T, classes)
        if classes > 2:
            top = predicted.max(1)
            certainty = ((top.values - 1 / classes) / (1 - 1 / classes) * 255).round()
            shape = (self.side, self.side)
            return {
                "output_class": top.indices.to(torch.uint8).numpy().reshape(shape),
                "output_certainty": certainty.clamp(0, 255).to(torch.uint8).numpy().reshape(shape),
            }
        if classes == 2:
            signed = predicted[:, 1] * 254 + 1.5
            return {"output": signed.to(torch.uint8).numpy().reshape(self.side, self.side)}
        values = self.data.scaling.unscale_targets(predicted.double().numpy())
        if self.map_kind == "line":
            return {"output_line": values.astype(np.float32)}
        low, high = self.value_range
        bytes_ = np.clip(1 + 254 * (values - low) / (high - low), 1, 255).round().astype(np.uint8)
        return {"output": bytes_.reshape(self.side, self.side)}

    def _map_layout(self) -> dict[str, Any]:
        if self.map_kind == "bars":
            return {"kind": "bars", "groups": self.group_names}
        if self.map_kind == "line":
            return {"kind": "line", "columns": self.side, "x_range": self.surface.layout["x_range"]}
        half = self.side // 2
        ranges = {name: self.surface.layout[name] for name in ("x_range", "y_range")}
        return {"kind": "plane", "rows": half, "columns": half, **ranges}

    def _map_inputs(self) -> torch.Tensor:
        if self.map_kind == "bars":
            return self.rows_DN @ self.groups
        return self._thinned(self.surface.inputs_DP)

    def _thinned(self, values_KP: torch.Tensor) -> torch.Tensor:
        # A neuron's map is every second point of the output map's grid: one forward pass serves both.
        if self.map_kind == "line":
            return values_KP
        half = self.side // 2
        return values_KP.reshape(-1, half, 2, half, 2)[:, :, 0, :, 0].reshape(-1, half * half)

    def _quantized(self, values_KP: torch.Tensor, scales: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        bytes_ = (values_KP * (127 / scales)[:, None]).add_(128.5).to(torch.uint8).numpy()
        if self.map_kind == "plane":
            half = self.side // 2
            bytes_ = bytes_.reshape(-1, half, half)
        elif self.map_kind == "line":
            bytes_ = bytes_[:, None, :]
        return bytes_, scales.numpy().astype(np.float32)


def _bend(activation: Activation) -> Callable[[torch.Tensor], torch.Tensor]:
    """The activation as pictures need it, free to overwrite what it is given: tanh z = 2 sigmoid(2z) - 1 takes torch 0.4 of tanh's time."""
    if isinstance(activation, Tanh):
        return lambda sums: sums.mul_(2).sigmoid_().mul_(2).sub_(1)
    return activation.build()


class _Surface:
    """Where the output map lies in the space of the inputs: the grid as the network sees it, and where rows fall on it."""

    def __init__(self, inputs_PD: np.ndarray, layout: dict[str, Any], scaling: Preparation) -> None:
        self.inputs_DP = torch.from_numpy(inputs_PD.astype(np.float32)).T.contiguous()
        self.layout = layout
        self.scaling = scaling

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(N, 2) places of rows."""
        raise NotImplementedError


class _Line(_Surface):
    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([self.scaling.filled(raw)[:, 0], y], axis=1)


class _Plane(_Surface):
    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return self.scaling.filled(raw)


class _Strip(_Surface):
    """One number and classes: the number across, a row of points for each class."""

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.stack([self.scaling.filled(raw)[:, 0], y], axis=1)


class _Projection(_Surface):
    def __init__(
        self, inputs_PD: np.ndarray, layout: dict[str, Any], scaling: Preparation, mean: np.ndarray, axes_2D: np.ndarray
    ) -> None:
        super().__init__(inputs_PD, layout, scaling)
        self.mean, self.axes_2D = mean, axes_2D

    def points(self, raw: np.ndarray, X: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (X - self.mean) @ self.axes_2D.T


def _surface(trainer: Scene, side: int) -> _Surface:
    experiment, data = trainer.experiment, trainer.data
    scaling, names = data.scaling, data.raw_names
    match experiment.dataset.surface:
        case "line":
            x_range = _ranges(trainer)[0]
            x = np.linspace(*x_range, side)[:, None]
            layout = {"kind": "line", "columns": side, "x_range": list(x_range), "y_range": list(_padded(data.train.y))}
            return _Line(scaling.inputs(x), layout | {"axes": [names[0], _target_name(experiment)]}, scaling)
        case "plane":
            x_range, y_range = _ranges(trainer)
            layout = _plane_layout("plane", side, x_range, y_range, list(names))
            return _Plane(scaling.inputs(_grid(x_range, y_range, side)), layout, scaling)
    if len(names) == 1 and experiment.dataset.num_classes and not isinstance(scaling.columns[0], PreparedCategory):
        return _strip(trainer, side)
    return _projection(data.train.X, scaling, side)


def _ranges(trainer: Scene) -> list[tuple[float, float]]:
    """From where to where each of the one or two columns is drawn: all rows of a table; toy data have a common scale."""
    experiment, data = trainer.experiment, trainer.data
    if not isinstance(experiment.dataset, TableData):
        return [PLANE] * experiment.dataset.num_columns
    rows = np.concatenate([data.scaling.filled(split.raw) for split in (data.train, data.watched)])
    return [_padded(column) for column in rows.T]


def _target_name(experiment: Experiment) -> str:
    return experiment.dataset.target if isinstance(experiment.dataset, TableData) else "y"


def _strip(trainer: Scene, side: int) -> _Strip:
    data = trainer.data
    x_range, classes = _ranges(trainer)[0], len(data.class_names)
    y_range = (-0.5, classes - 0.5)
    layout = _plane_layout("projection", side, x_range, y_range, [data.raw_names[0], _target_name(trainer.experiment)])
    grid = _grid(x_range, y_range, side)
    return _Strip(data.scaling.inputs(grid[:, :1]), layout | {"explained": [1.0, 0.0]}, data.scaling)


def _projection(X: np.ndarray, scaling: Preparation, side: int) -> _Projection:
    # The plane of the first two principal components of the training rows (Pearson, 1901).
    X = X[: max(2, MOST_PROJECTED // X.shape[1])].astype(np.float64)
    mean = X.mean(axis=0)
    _, strengths, axes = np.linalg.svd(X - mean, full_matrices=False)
    axes_2D = axes[:2] if len(axes) > 1 else np.vstack([axes, np.zeros_like(axes)])
    places = (X - mean) @ axes_2D.T
    x_range, y_range = _padded(places[:, 0]), _padded(places[:, 1])
    shares = strengths**2 / ((strengths**2).sum() or 1.0)
    layout = _plane_layout("projection", side, x_range, y_range, ["PC 1", "PC 2"])
    layout["explained"] = [*map(float, shares[:2]), 0.0][:2]
    return _Projection(_grid(x_range, y_range, side) @ axes_2D + mean, layout, scaling, mean, axes_2D)


def _plane_layout(
    kind: str, side: int, x_range: tuple[float, float], y_range: tuple[float, float], axes: list[str]
) -> dict[str, Any]:
    return {
        "kind": kind, "rows": side, "columns": side,
        "x_range": list(x_range), "y_range": list(y_range), "axes": axes,
    }  # fmt: skip


def _grid(x_range: tuple[float, float], y_range: tuple[float, float], side: int) -> np.ndarray:
    """(side * side, 2) centres of cells, row by row from the top (largest y) left to right."""
    x = _centres(x_range, side)
    y = _centres(y_range, side)[::-1]
    across, down = np.meshgrid(x, y)
    return np.stack([across.ravel(), down.ravel()], axis=1)


def _centres(bounds: tuple[float, float], side: int) -> np.ndarray:
    low, high = bounds
    return low + (np.arange(side) + 0.5) * (high - low) / side


def _padded(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin


def _value_range(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 1, high + 1)


def _groups(trainer: Scene) -> tuple[torch.Tensor, list[str]]:
    """(N, G) matrix that takes a unit's values on the rows to its mean over each class or target quintile, and the groups' names."""
    y = trainer.data.train.y[:MOST_POINTS]
    if trainer.experiment.dataset.num_classes:
        group, names = y, list(trainer.data.class_names)
    else:
        edges = np.quantile(y, [0.2, 0.4, 0.6, 0.8])
        group = np.searchsorted(edges, y, side="right")
        bounds = [float(y.min()), *map(float, edges), float(y.max())]
        names = [f"{low:.3g} – {high:.3g}" for low, high in pairwise(bounds)]
    member = np.eye(len(names), dtype=np.float32)[group]
    return torch.from_numpy(member / np.maximum(member.sum(axis=0), 1)), names
