"""Looks: questions to one moment of a network beyond its picture: which units learn or are dead, what becomes of one row.

D inputs, K units of a layer, N rows.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dlcore.pictures.base import MOST_POINTS
from dlcore.pictures.cost import affordable, multiply_adds
from dlcore.pictures.picture import MOST_INPUTS, MOST_SHOWN, Picture

if TYPE_CHECKING:
    from dlcore.datasets.split import Split
    from dlcore.learning.snapshot import Snapshot

MOST_ROWS, LEAST_ROWS = 500, 40  # training rows on which a unit's health is judged
HEALTH_BUDGET = 40_000_000  # multiply-adds that this may take
BINS = 24
AT_THE_END = 0.99  # as a tanh: a unit is saturated if all its answers are farther from 0
SAME = 1e-6  # relative difference below which two answers count as the same
FINE, NEVER_ACTIVE, SATURATED, ALWAYS_THE_SAME = range(4)

Arrays = dict[str, np.ndarray]
Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class Motion:
    """A network's last step: the gradient that it used and what it added to each parameter, by name."""

    gradient: Tensors
    update: Tensors


class Looks:
    """Answers the looks at networks of one structure."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        X = picture.data.train.X
        # Every n-th row rather than the first ones, as data sets may be sorted by class.
        most = affordable(multiply_adds(picture.experiment.plan()), HEALTH_BUDGET, LEAST_ROWS, MOST_ROWS)
        self.rows_DN = torch.from_numpy(X[:: -(-len(X) // most)]).T.contiguous()
        self._shown_DN: torch.Tensor | None = None
        hidden = [stage.plan for stage in picture.network.with_units[:-1]]
        self._hidden = [plan.address for plan in hidden]
        self._shown = [picture.shown[address] for address in self._hidden]
        # For each shown hidden unit: whether its activation can saturate, and the factor that turns its answer into a tanh.
        kinds = np.repeat([plan.activation for plan in hidden], self._shown)
        self._squeezes = np.isin(kinds, ["tanh", "sigmoid"])
        self._stretch = np.where(kinds == "sigmoid", np.float32(2), np.float32(1))

    @torch.no_grad()
    def answers(self, snapshot: Snapshot, values_DN: torch.Tensor) -> dict[str, torch.Tensor]:
        """{address: (K, N) answers of its units} of each stage with units; last the output layer's sums, without activation."""
        passed = self.picture.network.with_tensors(snapshot.weights).forward(values_DN.T, snapshot.silenced)
        return {stage.address: stage.by_unit(values).T for stage, values in passed if stage.plan.has_units}

    def outputs(self, snapshot: Snapshot, values_DN: torch.Tensor) -> torch.Tensor:
        """(K, N) sums of the output layer, without activation."""
        return self.answers(snapshot, values_DN)[self._last]

    @property
    def _last(self) -> str:
        return self.picture.network.stages[-1].address

    def health(self, snapshot: Snapshot) -> Arrays:
        """`health/<address>`: a code for each shown hidden unit (FINE, NEVER_ACTIVE, ...); silenced units count as fine."""
        if not self._shown:
            return {}
        answers = self.answers(snapshot, self.rows_DN)
        # All units in one array: for small networks the number of calls decides the time, not the number of rows.
        values = torch.cat([answers[address][:MOST_SHOWN] for address in self._hidden]).numpy()
        low, high = values.min(1), values.max(1)
        with np.errstate(invalid="ignore"):  # A weight typed by hand may be so large that answers are infinite.
            codes = (high - low <= SAME * np.maximum(np.abs(high), 1)) * np.uint8(ALWAYS_THE_SAME)
        codes[(low == 0) & (high == 0)] = NEVER_ACTIVE
        stretch = self._stretch
        farthest = np.maximum(np.abs(low * stretch - (stretch - 1)), np.abs(high * stretch - (stretch - 1)))
        if (near := np.flatnonzero(self._squeezes & (farthest > AT_THE_END))).size:
            as_tanh = values[near] * stretch[near, None] - (stretch[near, None] - 1)
            codes[near[np.abs(as_tanh).min(1) > AT_THE_END]] = SATURATED
        if snapshot.silenced is not None:
            silenced = [snapshot.silenced[address][:MOST_SHOWN] for address in self._hidden]
            codes[torch.cat(silenced).numpy()] = FINE
        ends = accumulate(self._shown)
        parts = zip(self._hidden, self._shown, ends, strict=True)
        return {f"health/{address}": codes[end - shown : end] for address, shown, end in parts}

    def predictions(self, snapshot: Snapshot) -> torch.Tensor:
        """The predictions for the rows that are sent, training rows first: (N, classes) probabilities, or (N,) values."""
        if self._shown_DN is None:
            shown = [split.X[self._shown_rows(name)] for name, split in self._splits.items()]
            self._shown_DN = torch.from_numpy(np.concatenate(shown)).T.contiguous()
        if self.picture.examples is not None:
            return snapshot.experiment.coding.predict(self._outputs_of(snapshot, self._shown_DN.T))
        return self._claims(snapshot, self.outputs(snapshot, self._shown_DN))

    @property
    def _splits(self) -> dict[str, Split]:
        return {"train": self.picture.data.train, "test": self.picture.data.watched}

    def _shown_rows(self, split: str) -> np.ndarray | slice:
        """Which rows of this split are sent."""
        examples = self.picture.examples
        return slice(MOST_POINTS) if examples is None else examples.rows[split]

    def predicted_classes(self, predictions: torch.Tensor) -> Arrays:
        """`predictions/train` and `predictions/test`: what is predicted for each shown row: its class, or of examples the value too.

        Of answers at each step it is the share of those that are right.
        """
        objective, data = self.picture.experiment.objective, self.picture.data
        if objective.has_classes:
            answers = predictions.argmax(-1).to(torch.uint8).numpy()
        elif objective.answers_each_step:
            asked = np.concatenate([split.y[self._shown_rows(name)] for name, split in self._splits.items()])
            right = (objective.answers(predictions.numpy()) == asked) & (asked != 0)
            answers = (right.sum(1) / np.maximum((asked != 0).sum(1), 1)).astype(np.float32)
        elif self.picture.examples is not None:
            answers = objective.in_units(predictions.numpy(), data.scaling).astype(np.float32)
        else:
            return {}
        train_rows = len(data.train.y[self._shown_rows("train")])
        return {"predictions/train": answers[:train_rows], "predictions/test": answers[train_rows:]}

    def motion(self, motion: Motion) -> Arrays:
        """Gradient and last update of each weight and bias that is sent."""
        return {
            name: array
            for moved in (
                self._of_connections(motion.gradient, "gradient", "gradient_bias"),
                self._of_connections(motion.update, "update", "update_bias"),
            )
            for name, array in moved.items()
            if "_bias/" in name or self.picture.joins[name.partition("/")[2]].kind == "weights"
        }

    def masks(self, snapshot: Snapshot, frozen: Tensors) -> Arrays:
        """`frozen/<address>` and `frozen_bias/<address>` if anything is frozen, `silenced/<address>` if any unit is silenced."""
        found = self._of_connections(frozen, "frozen", "frozen_bias") if frozen else {}
        for address, units in (snapshot.silenced or {}).items():
            found[f"silenced/{address}"] = units[:MOST_SHOWN].numpy()
        return {name: marks.astype(np.uint8) for name, marks in found.items()}

    def _of_connections(self, tensors: Tensors, weight_as: str, bias_as: str) -> Arrays:
        """The part that is sent of tensors that have a number for each weight and bias."""
        found: Arrays = {}
        for address, (weight, bias) in self.picture.network.connections.items():
            found[f"{weight_as}/{address}"] = self.picture.shown_weight(address, tensors[weight]).numpy()
            found[f"{bias_as}/{address}"] = tensors[bias][:MOST_SHOWN].numpy()
        return found

    def histograms(self, snapshot: Snapshot, gradient: Tensors) -> tuple[dict[str, dict[str, Any]], Arrays]:
        """Histograms, with BINS equal bins, of each layer's weights, answers (outputs as the loss reads them) and weights' gradients.

        A layer without weights has those of its answers only. Returns the bins' ranges, {address: {name: [from, to]}}, and the counts.
        """
        answers = self._read(self.answers(snapshot, self.rows_DN))
        bounds: dict[str, dict[str, Any]] = {}
        found = {}
        for stage in self.picture.network.with_units:
            address = stage.address
            weights = [name for name, facts in stage.tensors.items() if facts.learned and len(facts.shape) > 1]
            parts = {
                "weights": [snapshot.weights[name] for name in weights],
                "activations": [answers[address]],
                "gradients": [gradient[name] for name in weights],
            }
            bounds[address] = {}
            for name, tensors in parts.items():
                if not tensors:
                    continue
                # In float32 the range itself may overflow.
                values = np.concatenate([part.numpy().ravel() for part in tensors]).astype(np.float64)
                counts, edges = np.histogram(values[np.isfinite(values)], BINS)
                found[f"histogram_{name}/{address}"] = counts.astype(np.uint32)
                bounds[address][name] = [float(edges[0]), float(edges[-1])]
        return bounds, found

    def _read(self, answers: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """The answers, with those of the output layer as the loss reads them."""
        return {**answers, self._last: self.picture.experiment.coding.link.read(answers[self._last])}

    def probe(self, snapshot: Snapshot, split: str, row: int) -> tuple[dict[str, Any], Arrays] | None:
        """One row's path through the network, the answers of all units to it; None if there is no such row."""
        picture = self.picture
        part = self._splits[split]
        if not 0 <= row < len(part.y):
            return None
        one = slice(row, row + 1)
        X_1D, y = part.X[one], part.y[one]
        answers = self.answers(snapshot, torch.from_numpy(X_1D).T.contiguous())
        outputs, objective = self._outputs_of(snapshot, torch.from_numpy(X_1D)), snapshot.experiment.objective
        header = {
            **self._told(snapshot, split, row, outputs),
            "target": objective.drawn(y)[0].item(),
            "prediction": _finite(objective.drawn_prediction(self._said(snapshot, outputs))[0].tolist()),
            "place": [float(value) for value in picture.output.points(part.raw[one], X_1D, y)[0]],
            "inputs": [float(value) for value in X_1D[0]],
        }
        shown = self._read(answers).items()
        arrays = {f"probe/{address}": answers_K1[:MOST_SHOWN, 0].numpy() for address, answers_K1 in shown}
        return header, {"probe/inputs": X_1D[0, :MOST_INPUTS], **arrays}

    @torch.no_grad()
    def _outputs_of(self, snapshot: Snapshot, X_ND: torch.Tensor) -> torch.Tensor:
        """(N, K) sums of the output layer for rows, at each step where it answers at each one."""
        network = self.picture.network.with_tensors(snapshot.weights)
        ((_, outputs),) = deque(network.forward(X_ND, snapshot.silenced), maxlen=1)
        return outputs

    @torch.no_grad()
    def example(self, snapshot: Snapshot, split: str, row: int) -> tuple[dict[str, Any], Arrays]:
        """One row in a network that reads a shape: what is predicted for it, and its picture in every channel and at every step."""
        examples = self.picture.examples
        assert examples is not None
        if not examples.has(split, row):
            split, row = "train", 0
        arrays, sums_1K = examples.find(snapshot, split, row)
        return self._told(snapshot, split, row, sums_1K), arrays

    def _told(self, snapshot: Snapshot, split: str, row: int, sums_1K: torch.Tensor) -> dict[str, Any]:
        """What is predicted for a row, what is right, and the loss of that."""
        experiment, part = snapshot.experiment, self._splits[split]
        one = slice(row, row + 1)
        targets = experiment.coding.encode(torch.from_numpy(part.target[one]))
        loss = experiment.coding.losses(sums_1K, targets).item()
        said = self._said(snapshot, sums_1K)
        # Of answers at each step, what is answered there: all tokens' probabilities would be too many.
        claim = (experiment.objective.answers(said) if experiment.objective.answers_each_step else said)[0].tolist()
        return {
            "split": split,
            "row": row,
            "target": part.y[row].tolist(),
            "prediction": _finite(claim),
            "loss": finite_or_none(loss),
        }

    def _said(self, snapshot: Snapshot, outputs: torch.Tensor) -> np.ndarray:
        """What the network claims, in the data's own units."""
        experiment = snapshot.experiment
        return experiment.objective.in_units(experiment.coding.predict(outputs).numpy(), self.picture.data.scaling)

    def kernel(self, snapshot: Snapshot, address: str, unit: int) -> Arrays:
        """`kernel`: the weights of one unit that has kernels, (sources, ...); {} if it has none."""
        join = self.picture.joins.get(address)
        if join is None or not join.kernel:
            return {}
        kernels = snapshot.weights[join.kernel]
        return {"kernel": kernels[unit, :MOST_SHOWN].numpy()} if 0 <= unit < len(kernels) else {}

    def _claims(self, snapshot: Snapshot, sums_KN: torch.Tensor) -> torch.Tensor:
        return snapshot.experiment.coding.predict(sums_KN.T)


def _finite(claim: Any) -> Any:
    return [_finite(one) for one in claim] if isinstance(claim, list) else finite_or_none(claim)


def finite_or_none(value: float) -> float | None:
    """The number; None for infinity and NaN, which JSON does not have."""
    return float(value) if np.isfinite(value) else None
