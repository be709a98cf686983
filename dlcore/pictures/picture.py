"""The picture of one network: weights, a map of every unit and a map of the output, as arrays for the canvas.

Arrays of a stage are named by its address ("maps/2", "weight/1.0.0"); the layout's tree is that of the stages.

D inputs, K units of a layer, P points of a picture. The kind of picture is chosen in `kinds.py`.
Values are sent as bytes: 128 is zero, 1 and 255 are minus and plus `scale`, of which each unit has one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dlcore.datasets.drawn import drawing_limits
from dlcore.engines import compiled
from dlcore.engines.dense import fits
from dlcore.engines.painting import Painter, can_paint
from dlcore.experiment import FEATURES, MOST_LAYERS
from dlcore.pictures.base import MOST_POINTS, Drawable
from dlcore.pictures.client_side import ClientSide, paint_by_client
from dlcore.pictures.example import Examples, reads_shape
from dlcore.pictures.kinds import output_picture, unit_picture
from dlcore.pictures.links import joins_of
from dlcore.pictures.names import drawn_name
from dlcore.pictures.plane import feature_maps
from dlcore.stages import Network, Stage, stages_of

if TYPE_CHECKING:
    from dlcore.learning.snapshot import Snapshot

MOST_SHOWN = 32  # units of a layer that are sent to the browser
MOST_INPUTS = 16  # inputs that are sent, so that the whole network fits on a page
FINE, COARSE = 100, 50  # points on a side of the output's map; unit maps have half as many
MANY_UNITS = 200


class Picture:
    """Makes the pictures of a network of one structure: `layout` once, `arrays` for each frame."""

    def __init__(self, drawable: Drawable, before: Picture | None = None) -> None:
        """A picture of the same layers as the one `before` shares its network, which holds other numbers with each frame anyway."""
        self.experiment = drawable.experiment
        self.data = drawable.data
        same = before is not None and before.network.stages == stages_of(self.experiment)
        self.network = before.network if before is not None and same else Network(self.experiment)
        #: {address: how many of its units are sent} of each stage with units, in the order of the forward pass.
        self.shown = {stage.address: min(stage.plan.units, MOST_SHOWN) for stage in self.network.with_units}
        side = FINE if sum(self.shown.values()) <= MANY_UNITS else COARSE
        self.output = output_picture(drawable, side)
        self.units = unit_picture(drawable, self.output)
        self.joins = joins_of(self.network.stages, self.experiment.row_shape)
        #: Of a network that reads a shape: rows to look at in it; None: of all other networks every row is a point of a plane.
        self.examples = (
            Examples(drawable, self.network, MOST_SHOWN, MOST_INPUTS) if reads_shape(self.experiment) else None
        )
        self._painter: Painter | None = None
        classes = self.experiment.objective.has_classes
        objective = self.experiment.objective
        self.value_range = (-1.0, 1.0) if classes else objective.drawn_range(self.data.train.y)

    @property
    def layout(self) -> dict[str, Any]:
        """What stays the same from frame to frame."""
        experiment, data = self.experiment, self.data
        return {
            "task": experiment.dataset.task,
            "classes": list(data.class_names),
            "parameters": experiment.num_parameters,
            "rows": {"train": len(data.train.y), "test": len(data.watched.y), "all": experiment.dataset.rows},
            "metric": experiment.metric,
            "limits": {"layers": MOST_LAYERS},
            "inputs": self._inputs_layout,
            "features": [{"name": name, "label": drawn_name(name)} for name in self._features],
            "drawing": drawing_limits(experiment.dataset),
            "layers": [self._describe(stage) for stage in self.network.stages],
            "map": self.units.layout,
            "output": self._output_layout,
        }

    @property
    def _inputs_layout(self) -> dict[str, Any]:
        if self.examples is not None:
            return self.examples.inputs_layout
        names = list(self.data.input_names)
        return {
            "names": names[:MOST_INPUTS],
            "labels": [drawn_name(name) for name in names[:MOST_INPUTS]],
            "units": len(names),
            "shown": min(len(names), MOST_INPUTS),
        }

    @property
    def _output_layout(self) -> dict[str, Any]:
        layout = self.output.layout | {"value_range": list(self.value_range), "dataset": self.experiment.dataset.kind}
        if self.examples is not None:
            layout |= self.examples.layout
        return layout | {"axes": [drawn_name(name) for name in layout["axes"]]} if "axes" in layout else layout

    @property
    def _features(self) -> tuple[str, ...]:
        """The features that can be made of the data's two numbers; () if the inputs are the data's own columns."""
        return FEATURES if self.experiment.input_features else ()

    def _describe(self, stage: Stage) -> dict[str, Any]:
        """What the browser needs to draw a layer, and the layers inside it: address, kind, units, parameters."""
        plan, layer = stage.plan, stage.layer
        units = plan.units or plan.outputs
        described = {
            "address": stage.address,
            "kind": plan.kind,
            "drawn": "units" if plan.has_units else "mark",
            "units": units,
            "shown": min(units, MOST_SHOWN),
            "parameters": plan.parameters,
            "activation": plan.activation,
            "size": layer.number or 0,
        }
        if layer.most_units:
            described["most_units"] = layer.most_units
        if (join := self.joins.get(stage.address)) is not None and join.kind != "weights":
            described["links"] = join.kind
        if plan.has_units and stage.connections is None:
            described["fixed"] = True
        if self.examples is not None:
            described["shape"] = list(plan.output_shape)
            if join is not None:
                described["sources"] = join.sources
            if (picture := self.examples.units.get(stage.address)) is not None:
                described["map"] = picture.layout
        if stage.branches:
            described["skip"] = "" in layer.inner or not all(layer.inner.values())
            described["branches"] = [[self._describe(inner) for inner in branch] for branch in stage.branches]
        return described

    @property
    def constant_arrays(self) -> dict[str, np.ndarray]:
        """The arrays that never change: the points, and maps of the inputs and of all features to choose from."""
        if self.examples is not None:
            return self.examples.constant_arrays
        arrays = {}
        for name, split in (("train", self.data.train), ("test", self.data.watched)):
            arrays[f"points/{name}"] = self.output.points(split.raw, split.X, split.y)[:MOST_POINTS].astype(np.float32)
            arrays[f"points/{name}_target"] = self.experiment.objective.drawn(split.y)[:MOST_POINTS].astype(np.float32)
        inputs_DP = self.units.draw(self.units.inputs_DP[:MOST_INPUTS], _as_it_is)
        arrays["input_maps"], arrays["input_scales"] = self._quantize(
            inputs_DP, inputs_DP.abs().amax(1).clamp(min=1e-6)
        )
        if self._features:
            arrays["feature_maps"] = feature_maps(self._features)
        return arrays

    def arrays(self, snapshot: Snapshot) -> dict[str, np.ndarray]:
        """Weights, the map of every unit and the output map at one moment."""
        if self.units.painted and (painter := self._paints()) is not None:
            return self._weights(snapshot) | self._paint(painter, snapshot)
        return self._weights(snapshot) | self._compute(snapshot)

    @cached_property
    def client_side(self) -> ClientSide | None:
        """How a browser paints it; None if it cannot."""
        return paint_by_client(self)

    def numbers(self, snapshot: Snapshot) -> dict[str, np.ndarray] | None:
        """What a browser paints the picture from at one moment, and what it cannot paint of it; None if it cannot paint the output."""
        client = self.client_side
        numbers = None if client is None else client.numbers(snapshot)
        if numbers is None or self.units.painted_by_client:
            return numbers
        return numbers | self._compute_units(snapshot)[0]

    def _paints(self) -> Painter | None:
        """The compiled painter, which is faster; None until its code is compiled, or if it cannot paint this network."""
        if self._painter is None and compiled.are_loaded():
            kernels = compiled.kernels()
            if kernels is not None and fits(kernels, self.experiment) and can_paint(kernels, self.experiment):
                shown = list(self.shown.values())
                self._painter = Painter(kernels, self.experiment, self.output.inputs_DP.numpy(), shown)
        return self._painter

    def _weights(self, snapshot: Snapshot) -> dict[str, np.ndarray]:
        arrays: dict[str, np.ndarray] = {}
        for address, (weight, bias) in self.network.connections.items():
            join = self.joins[address]
            if join.kind == "weights":
                arrays[f"weight/{address}"] = self.shown_weight(address, snapshot.weights[weight]).numpy()
            arrays[f"bias/{address}"] = snapshot.weights[bias][:MOST_SHOWN].numpy()
        for address, join in self.joins.items():
            if join.kind in ("sums", "means"):
                values = join.values(snapshot.weights[join.kernel or self.network.connections[address][0]])
                arrays[f"links/{address}"] = self.shown_weight(address, values).contiguous().numpy()
            if join.bias:
                arrays[f"bias/{address}"] = snapshot.weights[join.bias][:MOST_SHOWN].numpy()
        return arrays

    def shown_weight(self, address: str, weight_KD: torch.Tensor) -> torch.Tensor:
        """The part that is sent of a stage's weights, or of numbers of the same shape."""
        return weight_KD[:MOST_SHOWN, : MOST_INPUTS if address in self._first else MOST_SHOWN]

    @cached_property
    def _first(self) -> frozenset[str]:
        """The addresses of stages whose input is the network's own, not the answers of units before them."""
        return frozenset(_before_units(self.network.stages))

    def _paint(self, painter: Painter, snapshot: Snapshot) -> dict[str, np.ndarray]:
        flat = np.concatenate([value.numpy().ravel() for value in snapshot.weights.values()])
        silenced = snapshot.silenced
        gates = np.empty(0, np.bool_) if silenced is None else ~torch.cat(list(silenced.values())).numpy()
        maps, scales = painter.paint(flat, gates)
        arrays = self._by_layer(maps.reshape(-1, *self.units.shape), scales)
        if self.experiment.coding.steepness is not None:
            return arrays | {"output": painter.classes().reshape(self.output.shape)}
        return arrays | self._output(torch.from_numpy(painter.sums_KP))

    def _compute(self, snapshot: Snapshot) -> dict[str, np.ndarray]:
        arrays, answers_KP = self._compute_units(snapshot)
        if self.examples is not None:
            return arrays  # What is answered to rows comes with the rows.
        if self.units.inputs_DP is not self.output.inputs_DP:
            with torch.no_grad():
                ((_, answers_KP),) = deque(self._answers(snapshot, self.output.inputs_DP), maxlen=1)
        return arrays | self._output(answers_KP)

    @torch.no_grad()
    def _compute_units(self, snapshot: Snapshot) -> tuple[dict[str, np.ndarray], torch.Tensor]:
        """Maps and scales of all units, and the sums of the output layer at the inputs of these."""
        pictured, answers_KP = [], torch.empty(0)
        if not self._lists:
            return {}, answers_KP
        for stage, answers_KP in self._answers(snapshot, self.units.inputs_DP):
            if stage.address not in self._lists:
                continue
            if stage is self.network.stages[-1]:
                pictured.append(self.units.draw(answers_KP, self.experiment.coding.link.picture)[:MOST_SHOWN])
            else:
                pictured.append(self.units.draw(answers_KP[:MOST_SHOWN], _as_it_is))
        # All units at once: for small networks the number of calls counts, not the number of points.
        together = torch.cat(pictured)
        maps, scales = self._quantize(together, together.abs().amax(1).clamp(min=1.0))
        return self._by_layer(maps, scales), answers_KP

    @cached_property
    def _lists(self) -> dict[str, int]:
        """`shown` of the stages whose values are lists: all others are seen in the example."""
        seen = {} if self.examples is None else self.examples.units
        return {address: shown for address, shown in self.shown.items() if address not in seen}

    def _answers(self, snapshot: Snapshot, values_DP: torch.Tensor) -> Iterator[tuple[Stage, torch.Tensor]]:
        """(stage, (K, P) answers of its units) for each stage with units, in turn; last the output layer's sums, without activation."""
        passed = self.network.with_tensors(snapshot.weights).forward(values_DP.T, snapshot.silenced)
        return ((stage, stage.by_unit(values).T) for stage, values in passed if stage.plan.has_units)

    def _by_layer(self, maps: np.ndarray, scales: np.ndarray) -> dict[str, np.ndarray]:
        arrays = {}
        start = 0
        for address, shown in self._lists.items():
            end = start + shown
            arrays[f"maps/{address}"], arrays[f"scales/{address}"] = maps[start:end], scales[start:end]
            start = end
        return arrays

    def _output(self, outputs_KP: torch.Tensor) -> dict[str, np.ndarray]:
        objective = self.experiment.objective
        predicted = self.experiment.coding.predict(outputs_KP.T)
        if objective.has_classes and (classes := objective.num_classes) != 2:
            top = predicted.max(1)
            certainty = ((top.values - 1 / classes) / (1 - 1 / classes) * 255).round()
            return {
                "output_class": top.indices.to(torch.uint8).numpy().reshape(self.output.shape),
                "output_certainty": certainty.clamp(0, 255).to(torch.uint8).numpy().reshape(self.output.shape),
            }
        if objective.has_classes:
            signed = predicted[:, 1] * 254 + 1.5
            return {"output": signed.to(torch.uint8).numpy().reshape(self.output.shape)}
        said = objective.in_units(predicted.numpy(), self.data.scaling)
        return self.output.numbers(objective.drawn_prediction(said), self.value_range)

    def _quantize(self, values_KM: torch.Tensor, scales: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
        bytes_ = (values_KM * (127 / scales)[:, None]).add_(128.5).to(torch.uint8).numpy()
        return bytes_.reshape(-1, *self.units.shape), scales.numpy().astype(np.float32)


def _before_units(stages: Iterable[Stage]) -> Iterator[str]:
    """The addresses of these stages, and of those inside them, up to and including the first with units of its own, in each branch.

    A layer that holds layers is the last too: its output is made by the units inside it.
    """
    for stage in stages:
        yield stage.address
        for branch in stage.branches:
            yield from _before_units(branch)
        if stage.plan.has_units or stage.branches:
            return


def _as_it_is(answers_KP: torch.Tensor) -> torch.Tensor:
    return answers_KP
