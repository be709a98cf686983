"""Supervised learning: a network, the rows that it learns from, and the engines that take its steps. It knows nothing of time.

An epoch is one pass over the training rows in an order of its own; `cursor` says how many of them are behind. N rows of both splits, the
training rows first.
"""

from __future__ import annotations

import copy
import math
import operator
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import torch

from dlcore.class_weights import row_weights
from dlcore.datasets.split import Data
from dlcore.engines import compiled, convolving, dense
from dlcore.engines.autograd import AutogradEngine
from dlcore.engines.convolving import ConvolvingEngine, is_picture_stack
from dlcore.engines.dense import DenseEngine, Rows
from dlcore.experiment import Experiment
from dlcore.layers import all_layers
from dlcore.learning.carry import Carriage, successor
from dlcore.learning.row_orders import RowOrders
from dlcore.learning.states import network_state, restore_network
from dlcore.learning.vocabulary import find_moved, move_vectors
from dlcore.network import build_model
from dlcore.randomness import derived_seed
from dlcore.rows import rows_of


class Supervised:
    """A network that learns from labelled rows. `device` names one that is there, `choice` an engine: auto, autograd or dense."""

    def __init__(self, experiment: Experiment, device: str, data: Data, choice: str) -> None:
        self.experiment = experiment
        self.data = data
        self._choice = choice
        self._dense: tuple[tuple[object, ...], DenseEngine] | None = None
        self.place(device)

    def begin(self) -> None:
        """Begin anew: each time with the same initial weights and the same order of the rows."""
        self.engine = AutogradEngine(build_model(self.experiment, self.device), self.experiment)
        self._seconds_a_step, self._seconds_an_epoch = math.inf, 0.0  # 0: not measured
        generator = torch.Generator().manual_seed(derived_seed(self.experiment.seed, "order"))
        self._begin_with(RowOrders(generator, self.train_rows))

    def place(self, device: str) -> None:
        """Put the rows on this device; `begin` or `restore` puts the network there."""
        self.device = device
        self.train_rows = len(self.data.train.X)
        splits = (self.data.train, self.data.watched)
        self.X = torch.from_numpy(np.concatenate([split.X for split in splits])).to(device)
        self.y = torch.from_numpy(np.concatenate([split.target for split in splits]))
        self.encode_targets()

    def encode_targets(self) -> None:
        """Encode the targets as the loss takes them, and compute how much each training row counts."""
        experiment, labels = self.experiment, self.y[: self.train_rows]
        self.targets = experiment.coding.encode(self.y).to(self.device)
        weights = row_weights(experiment.class_weights, labels, experiment.objective.num_classes)
        self._weights = None if weights is None else weights.to(self.device)
        self._epoch_rows: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] | None = None

    @property
    def passed(self) -> float:
        """The share of the epoch's rows that have been learned from."""
        return self.cursor / self.train_rows

    @property
    def engine_name(self) -> str:
        """The engine that takes the next steps, as far as is known without waiting for it."""
        loaded = self._choice != "autograd" and compiled.are_loaded(self._package)
        found = self.dense_engine() if loaded else None
        return self.engine.name if found is None else found.name

    @property
    def _package(self) -> str:
        return compiled.CONVOLVING if is_picture_stack(self.experiment) else compiled.STACKS

    # Steps

    def begin_epoch(self, later: int = 1) -> None:
        """All training rows again, in another order: that of the next epoch, or of a later one."""
        self._orders.move(later)
        self._begin_with(self._orders)

    def _begin_with(self, orders: RowOrders) -> None:
        self.cursor, self._orders = 0, orders
        self._use_order(torch.from_numpy(orders.present))

    def take(self, epoch: int, updates: float, deadline: float) -> tuple[int, float]:
        """At most `updates` at once, as many as the engine can take before the deadline, none beyond the epoch's end.

        How many were made, and the mean loss of the last batch, which made none if its loss is not finite.
        """
        fast = self.dense_engine()
        size, rows = self.experiment.batch_size, self.train_rows
        count = 1
        if fast is not None:
            time_left = deadline - time.monotonic()
            in_time = max(1, int(time_left / self._seconds_a_step)) if time_left < math.inf else updates
            count = int(min(updates, -(-(rows - self.cursor) // size), in_time, fast.most_steps))
        rates = self._rates(epoch, count)
        if fast is None:
            batch = slice(self.cursor, min(self.cursor + size, rows))
            losses = [self._autograd_step(batch, rates[0])]
        else:
            start = time.perf_counter()
            losses = fast.take(rates, self.order.numpy(), self.cursor)
            self._seconds_a_step = (time.perf_counter() - start) / len(losses)
        loss = float(losses[-1])
        made = len(losses) if math.isfinite(loss) else len(losses) - 1
        self.cursor = min(self.cursor + made * size, rows)
        return made, loss

    def take_epochs(self, epoch: int, most: float, deadline: float) -> tuple[int, float, np.ndarray] | None:
        """At most so many whole epochs at once, as many as the engine can take before the deadline; the one after them has begun then.

        As `take`, and the row of scores of each epoch that ended. None where one epoch at a time is better: there `take` takes the steps.
        """
        fast = self.dense_engine()
        steps = -(-self.train_rows // self.experiment.batch_size)
        # Before it was measured: with scores of all rows, which `take` does not make.
        seconds = self._seconds_an_epoch or 4 * steps * self._seconds_a_step
        in_time = (deadline - time.monotonic()) / seconds if deadline < math.inf else math.inf
        epochs = int(min(most, in_time, fast.most_epochs if fast is not None else 1))
        if fast is None or self.cursor or epochs < 2:
            self._seconds_an_epoch = 0.0  # Measured anew, as one slow moment would otherwise count for ever.
            return None
        orders = self._orders.look_ahead(epochs)
        start = time.perf_counter()
        losses, scores = fast.take_epochs(self._rates_of_epochs(epoch, len(orders), steps), orders)
        self._seconds_an_epoch = (time.perf_counter() - start) / len(orders)
        loss = float(losses[-1])
        made = len(losses) if math.isfinite(loss) else len(losses) - 1
        ended = made // steps
        self.begin_epoch(ended)
        self.cursor = min((made - ended * steps) * self.experiment.batch_size, self.train_rows)
        return made, loss, scores[:ended]

    def _rates_of_epochs(self, first: int, epochs: int, steps: int) -> np.ndarray:
        if self.experiment.schedule.kind == "constant":
            return self._rates(first, epochs * steps)
        return np.concatenate([self._rates(epoch, steps) for epoch in range(first, first + epochs)])

    def _rates(self, epoch: int, count: int) -> np.ndarray:
        """The learning rates of the next updates of this epoch."""
        schedule, base = self.experiment.schedule, self.experiment.optimizer.learning_rate
        if schedule.kind == "constant":
            return _constant_rates(base, count)
        cursors = range(self.cursor, self.cursor + count * self.experiment.batch_size, self.experiment.batch_size)
        return np.array([base * schedule.factor(epoch + cursor / self.train_rows) for cursor in cursors])

    def _autograd_step(self, batch: slice, rate: float) -> float:
        if self._epoch_rows is None:
            # Permuted once an epoch on the device, so that a batch is a slice, not a gather. The training rows come first.
            weights = None if self._weights is None else self._weights[self.order]
            self._epoch_rows = self.X[self.order], self.targets[self.order], weights
        X, targets, weights = self._epoch_rows
        return self.engine.step(X[batch], targets[batch], float(rate), None if weights is None else weights[batch])

    def dense_engine(self, patient: bool = False) -> DenseEngine | None:
        """The compiled engine for the present recipe, network and rows; None if the kernels cannot train them or are not loaded."""
        if self._choice == "autograd" or self.device != "cpu":
            return None
        engine = self.engine
        state = (self.experiment, engine, engine.frozen, engine.silenced, self.targets, engine.memory)
        if self._dense is not None and all(map(operator.is_, self._dense[0], state)):
            return self._dense[1]
        told = self._choice == "dense"
        pictures = is_picture_stack(self.experiment)
        if pictures and (engine.silenced is not None or not (told or convolving.is_quicker(self.experiment))):
            return None
        kernels = compiled.kernels(patient or told, self._package)
        module, engine_class = (convolving, ConvolvingEngine) if pictures else (dense, DenseEngine)
        if kernels is None or not module.fits(kernels, self.experiment):
            return None
        rows = Rows(self.X, self.targets, self.y, self.train_rows, self._weights)
        self._dense = state, engine_class(kernels, engine, self.experiment, rows)
        return self._dense[1]

    def _use_order(self, order: torch.Tensor) -> None:
        self.order = order if self.device == "cpu" else order.to(self.device)
        self._epoch_rows = None

    # Another recipe

    def change(self, experiment: Experiment, carriage: Carriage, begun: bool) -> tuple[bool, bool, bool]:
        """Take over another recipe; returns whether rows, network and loss are others than before."""
        old, text = self.experiment, self.data.scaling.text
        other_network = carriage.changes_shape or old.layers != experiment.layers
        other_rows = self._change_rows(experiment, begun)
        # Vectors of another vocabulary's size were not carried over: they begin anew.
        same_size = old.dataset.vocabulary == experiment.dataset.vocabulary
        moved = find_moved(text, self.data.scaling.text, old.dataset.vocabulary) if same_size else None
        if other_network or moved is not None:
            self._change_network(carriage)
            if moved is not None:
                move_vectors(self.engine, moved)
        else:
            self._change_settings()
        other_loss = (experiment.loss, experiment.class_weights) != (old.loss, old.class_weights)
        if other_loss:
            self.encode_targets()
        return other_rows, other_network, other_loss

    def _change_rows(self, experiment: Experiment, begun: bool) -> bool:
        """Make the new recipe's rows; returns whether they differ. With as many rows as before the epoch goes on, else it begins anew."""
        old, self.experiment = self.experiment, experiment
        before, self.data = self.data, rows_of(experiment, old, self.data)
        if self.data is before or before.holds_same_rows(self.data):
            return False
        self.place(self.device)
        if len(before.train.X) == self.train_rows:
            self._use_order(torch.from_numpy(self._orders.present))
            return True
        # Before the first step, with the order of a fresh start, the recipe alone still gives this run.
        seed = None if begun else derived_seed(experiment.seed, "order")
        self._begin_with(self._orders.fork(self.train_rows, seed))
        return True

    def _change_network(self, carriage: Carriage) -> None:
        """Another network with the old one's weights, memory and marks, where it has a place for them."""
        engine, dropout = self.engine, self.engine.generator
        self.engine = successor(engine, carriage, self.experiment, self.X[: self.train_rows])
        if dropout is not None and (generator := self.engine.generator) is not None:
            generator.set_state(dropout.get_state())

    def _change_settings(self) -> None:
        """The same network goes on learning with other settings."""
        self.engine = copy.copy(self.engine)  # The old one stays as it is: a change that fails is taken back.
        self.engine.use(self.experiment)

    # Judging all rows

    def judge(
        self, X: torch.Tensor | None = None, targets: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The loss (N,) of every row in float64, and its prediction, by torch. Without arguments of all rows of both splits."""
        X, targets = (self.X, self.targets) if X is None or targets is None else (X, targets)
        coding = self.experiment.coding
        with torch.no_grad(), self._evaluating():
            outputs = self.engine.model(X)
            return coding.losses(outputs, targets).cpu().double(), coding.predict(outputs).cpu()

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        # Eval mode is set only if some layer needs it: setting it takes as long as scoring a small network.
        if not any(layer.judges_otherwise for layer in all_layers(self.experiment.layers)):
            yield
            return
        model = self.engine.model
        model.eval()
        try:
            yield
        finally:
            model.train()

    # State

    def state(self) -> dict[str, np.ndarray]:
        """What is needed to go on bit for bit, but for `cursor`."""
        dropout = self.engine.generator
        state = {
            **network_state(self.engine),
            "order": self._small_order(),
            "order_generator": self._orders.state(),
        }
        if dropout is not None:
            state["dropout_generator"] = dropout.get_state().numpy()
        return state

    def _small_order(self) -> np.ndarray:
        """The epoch's order in the smallest type that holds the row numbers: it is the largest part of a small network's state."""
        return self._orders.present.astype(np.min_scalar_type(self.train_rows))

    @property
    def state_bytes(self) -> int:
        """About how many bytes `state` gives, estimated without making it."""
        vectors = 3 + sum(value.dim() > 0 for value in self.engine.memory.values())
        return vectors * 4 * self.engine.flat.numel()

    def restore(self, state: dict[str, np.ndarray], cursor: int) -> None:
        """Go on from what `state` gave; `begin` came before."""
        restore_network(self.engine, state)
        generator = torch.Generator()
        generator.set_state(torch.from_numpy(state["order_generator"].copy()))
        dropout = self.engine.generator
        if dropout is not None:
            dropout.set_state(torch.from_numpy(state["dropout_generator"].copy()))
        self._begin_with(RowOrders(generator, self.train_rows, state["order"].astype(np.int64)))
        self.cursor = cursor

    def load_weights(self, weights: dict[str, np.ndarray]) -> None:
        """Take these weights, under the names and in the shapes of the plain nn.Sequential."""
        with torch.no_grad():
            for name, value in self.engine.model.state_dict().items():
                value.copy_(torch.from_numpy(np.array(weights[name])))
            self.engine.previous.copy_(self.engine.flat)


@lru_cache(maxsize=8)
def _constant_rates(rate: float, count: int) -> np.ndarray:
    return np.full(count, rate)
