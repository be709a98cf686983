"""The trainer: the one thing that moves. Everybody pulls the same iterator: `for step in islice(trainer.steps(), 100)`."""

from __future__ import annotations

import copy
import math
import operator
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from dlcore.class_weights import row_weights
from dlcore.datasets.split import Data, Split
from dlcore.devices import choose_device, device_name
from dlcore.engines import compiled
from dlcore.engines.autograd import AutogradEngine
from dlcore.engines.dense import DenseEngine, Rows, fits
from dlcore.experiment import MOST_EPOCHS, Experiment
from dlcore.journal import Journal, packed, unpacked
from dlcore.learning import noting
from dlcore.learning.carry import Carriage, Origins, align, successor
from dlcore.learning.history import History
from dlcore.learning.snapshot import Scores, Snapshot
from dlcore.learning.states import network_state, restore_network
from dlcore.network import build_model
from dlcore.problems import Problem
from dlcore.randomness import derived_seed
from dlcore.rows import prepare, rows_of, same_rows
from dlcore.stages import Marks

Result = TypeVar("Result")

JUDGING_SHARE = 0.2  # Of the time of a run that plays, at most this much goes into judging all rows ...
LONG_JUDGING = 0.004  # ... where that takes more than so many seconds.


class Step(NamedTuple):
    """One update: its number from 1, the epoch it belongs to from 0, the batch's mean loss before it (weighted, without the penalty)."""

    step: int
    epoch: int
    loss: float


class Moved(NamedTuple):
    """How far predictions for the training rows moved, in the mean and at most: probabilities, or numbers in the data's units."""

    mean: float
    most: float


class Change(NamedTuple):
    """What a change of the recipe did: of `total` weights and biases, `kept` stayed; whether any came, went or moved; whether it shows.

    `moved` where the network has another shape and learns the same rows by the same loss.
    """

    kept: int
    total: int
    reshaped: bool
    redrawn: bool
    moved: Moved | None = None


class Diverged(Problem):
    """The loss is not finite any more; the trainer holds the last weights for which it was."""


class Trainer:
    """Brings an experiment to life. `device` is auto, cpu, cuda or mps, `engine` auto, autograd or dense.

    Raises Problem for a device that is not there, and for a dense engine that does not know this recipe.
    """

    def __init__(
        self, experiment: Experiment, device: str = "auto", data: Data | None = None, engine: str = "auto"
    ) -> None:
        self.experiment = experiment.without_journal()  # What is said there, another run has been through.
        self._choice = engine
        self._dense: tuple[tuple[object, ...], DenseEngine] | None = None
        self.data = data or prepare(experiment)
        self.notices: list[Problem] = []
        self.edits = 0  # How often a hand has been in it.
        self._place(choose_device(device))
        self._off_the_gpu_if_full(self.reset)
        if engine == "dense" and self._dense_engine(patient=True) is None:
            raise Problem("engine_unfit", device=self.device_name)

    def reset(self) -> None:
        """Back to the very same initial weights, step 0."""
        self.step = 0
        self.epoch = 0
        self.finished: str | None = None
        self.journal: Journal = ()  # What was changed since it began: the recipe alone does not reproduce such a run.
        self.engine = AutogradEngine(build_model(self.experiment, self.device), self.experiment)
        self._seconds_a_step = math.inf
        self.order_generator = torch.Generator().manual_seed(derived_seed(self.experiment.seed, "order"))
        self._begin_epoch()
        self._forget_judgement()
        self._best = (math.inf, 0)
        self.begin_history()

    @property
    def model(self) -> torch.nn.Sequential:
        """The network, with its current weights."""
        return self.engine.model

    @property
    def silenced(self) -> dict[str, torch.Tensor] | None:
        """Units that count as 0: {address: (units,) bool} of all hidden layers that have units, or None."""
        return self.engine.silenced

    @silenced.setter
    def silenced(self, units: Marks | None) -> None:
        self.engine.silence(units)

    @property
    def intervened(self) -> bool:
        """Whether the recipe alone does not reproduce this run."""
        return bool(self.journal)

    @property
    def recipe(self) -> Experiment:
        """What it is, and what was changed on the way there."""
        return self.experiment.replace(journal=self.journal) if self.journal else self.experiment

    @property
    def progress(self) -> float:
        """Time in epochs, fractions included."""
        return self.epoch + self.cursor / len(self.data.train.X)

    @property
    def learning_rate(self) -> float:
        """The optimizer's learning rate times the schedule's factor, now."""
        return self.experiment.optimizer.learning_rate * self.experiment.schedule.factor(self.progress)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch."""
        return self.experiment.steps_per_epoch

    @property
    def device_name(self) -> str:
        """The device as people know it."""
        return device_name(self.device)

    @property
    def engine_name(self) -> str:
        """The engine that takes the next steps, as far as is known without waiting for it."""
        dense = self._dense_engine() if self._choice != "autograd" and compiled.loaded() else None
        return self.engine.name if dense is None else dense.name

    def steps(self) -> Iterator[Step]:
        """Endless updates, one an item; ends by early stopping or at the limit of epochs (`finished` says which). Raises Diverged."""
        while self.finished is None:
            epoch = self.epoch
            loss = self._take(1, math.inf)
            yield Step(self.step, epoch, loss)

    def advance(self, updates: float = math.inf, deadline: float = math.inf) -> None:
        """Several updates at once, much faster than one by one: at most so many, at most to the end of the epoch.

        Until `time.monotonic()` says `deadline`, but at least one, unless the run is finished. Raises Diverged.
        """
        epoch, last = self.epoch, self.step + updates
        while self.finished is None and self.epoch == epoch and self.step < last:
            self._take(last - self.step, deadline)
            if time.monotonic() >= deadline:
                return

    def scores(self) -> Scores:
        """Loss and metric of the current weights on all rows that are learned from, and on all that are watched."""
        if self._scores is None:
            start = time.monotonic()
            self._scores = self._latest = self._off_the_gpu_if_full(self._score)
            taken = time.monotonic() - start
            self._judge_again_at = start + taken / JUDGING_SHARE if taken > LONG_JUDGING else 0.0
        return self._scores

    def recent_scores(self) -> Scores:
        """The scores, or those of a moment ago: where rows are many, judging them all for each picture would leave no time to learn."""
        if self._scores is None and time.monotonic() < self._judge_again_at:
            return self._latest
        return self.scores()

    def scores_of(self, split: Split) -> dict[str, float]:
        """The same on rows that are neither, judged by torch."""
        X, y = torch.from_numpy(split.X), torch.from_numpy(split.target)
        targets = self.experiment.coding.encode(y)
        return self._scored(*self._judge_rows(X.to(self.device), targets.to(self.device)), y)

    def predictions(self) -> torch.Tensor:
        """What the network claims of every row, the training rows first, on the CPU: (N, classes), or (N,) values."""
        if self._predicted is None:
            self._predicted = self._off_the_gpu_if_full(lambda: self._judge()[1])
        return self._predicted

    def touched(self, kind: str, names: Sequence[str]) -> None:
        """A hand has changed "weights", "frozen" or "silenced" of these names: nothing that was computed from them holds any more."""
        self.journal = noting.hand(self.journal, self.step, self.engine, kind, names)
        self.edits += 1
        self._forget_judgement()

    def begin_history(self) -> None:
        """The history begins with the network as it is now."""
        self.history = History(self._columns)
        self._record()

    def snapshot(self) -> Snapshot:
        """This moment, frozen."""
        return self._snapshot(self.scores())

    def passing_snapshot(self) -> Snapshot:
        """The same, of a run that goes on at once: with its recent scores."""
        return self._snapshot(self.recent_scores())

    def _snapshot(self, scores: Scores) -> Snapshot:
        return Snapshot(
            self.experiment,
            self.step,
            self.epoch,
            self.progress,
            self.learning_rate,
            scores,
            self.engine.copy_of_weights(),
            None if self.silenced is None else {at: mask.cpu() for at, mask in self.silenced.items()},
            self.journal,
        )

    def change(self, experiment: Experiment, origins: Origins | None = None) -> Change:
        """Take over another recipe, live; what was learned is kept as far as it fits (`origins` says what came from where: carry.py).

        Raises Problem for a change that needs a fresh start. Whoever fears another failure asks `unchanged_on_failure` for help.
        """
        experiment = experiment.without_journal()  # The run's own tells what it has been through.
        needs = self.experiment.changed_start_fields(experiment)
        if needs:
            raise Problem("needs_fresh_start", path=needs[0])
        carriage = align(self.experiment, experiment, origins)
        comparable = carriage.changes_shape and same_rows(self.experiment, experiment)
        before = self.predictions() if comparable and self.experiment.loss == experiment.loss else None
        flat = self.engine.flat
        old, self.experiment = self.experiment, experiment
        other_network = carriage.changes_shape or old.layers != experiment.layers
        other_rows = self._change_rows(old)
        if other_network:
            self._change_network(carriage)
        else:
            self.engine = copy.copy(self.engine)  # The old one stays as it is for `unchanged_on_failure`.
            self.engine.use(experiment)
        other_loss = (experiment.loss, experiment.class_weights) != (old.loss, old.class_weights)
        if other_loss:
            self._encode_targets()
        if other_loss or other_rows or other_network:
            self._forget_judgement()
            self._best = (math.inf, self.epoch)
        if not self.step and (other_rows or other_network):
            self.begin_history()
        recipes = (old, experiment)
        self.journal = noting.change(self.journal, self.step, self.engine, recipes, origins, carriage.changes_shape)
        if self.finished == "early_stopped":
            self.finished = None
            self._best = (self._best[0], self.epoch)
        redrawn = other_rows or other_network or old.dataset != experiment.dataset or old.plan() != experiment.plan()
        moved = None if before is None else self._moved_from(before)
        return Change(carriage.kept(flat, self.engine.flat), carriage.total, carriage.changes_shape, redrawn, moved)

    @contextmanager
    def unchanged_on_failure(self) -> Iterator[None]:
        """If what is done meanwhile fails, a change included, everything is as before."""
        before = vars(self).copy()
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    def load_weights(self, weights: dict[str, np.ndarray], step: int = 0, epoch: int = 0) -> None:
        """Start from given weights (names and shapes of the plain nn.Sequential); the optimizer starts anew."""
        self.reset()
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                value.copy_(torch.from_numpy(np.array(weights[name])))
            self.engine.previous.copy_(self.engine.flat)
        self.step, self.epoch = step, epoch
        self._forget_judgement()
        self.begin_history()

    def move(self, device: str) -> None:
        """Go on on another device. Raises Problem for one that is not there."""
        target = choose_device(device)
        if target != self.device:
            state = self.state()
            with self.unchanged_on_failure():
                self._place(target)
                self.restore(state)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that is needed to go on bit for bit: weights, optimizer, generators, place in the epoch, history."""
        return self.standing() | {"history": self.history.rows()}

    def standing(self) -> dict[str, np.ndarray]:
        """The same without the history."""
        dropout = self.engine.generator
        state = {
            **network_state(self.engine),
            "order": self.order.cpu().numpy(),
            "order_generator": self.order_generator.get_state().numpy(),
            "counters": np.array([self.step, self.epoch, self.cursor, self._best[1]], dtype=np.int64),
            "best_loss": np.array([self._best[0]]),
            "finished": np.array([_FINISHED.index(self.finished)], dtype=np.int64),
            "journal": packed(self.journal),
        }
        if dropout is not None:
            state["dropout_generator"] = dropout.get_state().numpy()
        return state

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` gave, for the same experiment."""
        self.reset()
        restore_network(self.engine, state)
        if "journal" in state:  # Not in one that an earlier version has kept.
            self.journal = unpacked(state["journal"])
        self.step, self.epoch, self.cursor, best_epoch = (int(count) for count in state["counters"])
        self._best = (float(state["best_loss"][0]), best_epoch)
        self.finished = _FINISHED[int(state["finished"][0])]
        self.order_generator.set_state(torch.from_numpy(state["order_generator"].copy()))
        dropout = self.engine.generator
        if dropout is not None:
            dropout.set_state(torch.from_numpy(state["dropout_generator"].copy()))
        self._use_order(torch.from_numpy(state["order"].copy()))
        self.history = History(self._columns, state["history"])
        self._forget_judgement()

    def _change_rows(self, old: Experiment) -> bool:
        """Make the rows of the new recipe, if they are others. An epoch goes on with as many rows as before, else it begins anew."""
        before, self.data = self.data, rows_of(self.experiment, old, self.data)
        if self.data is before or before.holds_same_rows(self.data):
            return False
        order = self.order
        del self.order
        self._place(self.device)
        if len(before.train.X) == len(self.data.train.X):
            self._use_order(order)
            return True
        self.order_generator = self.order_generator.clone_state()
        if self.step == 0:  # Nobody has seen the order yet: the recipe alone still gives this run.
            self.order_generator.manual_seed(derived_seed(self.experiment.seed, "order"))
        self._begin_epoch()
        return True

    def _change_network(self, carriage: Carriage) -> None:
        """Another network with the old one's weights, memory and marks, where it has a place for them."""
        engine, dropout = self.engine, self.engine.generator
        self.engine = successor(engine, carriage, self.experiment, self._X_all[: len(self.data.train.X)])
        if dropout is not None and (generator := self.engine.generator) is not None:
            generator.set_state(dropout.get_state())

    def _moved_from(self, before: torch.Tensor) -> Moved:
        rows = len(self.data.train.X)
        unit = self.experiment.objective.unit(self.data.scaling)
        moved = unit * (self.predictions()[:rows].double() - before[:rows].double()).abs()
        return Moved(moved.mean().item(), moved.max().item())

    def _take(self, updates: float, deadline: float) -> float:
        """At most `updates` at once, as many as the engine can take before the deadline, none beyond the epoch's end; the last loss."""
        dense = self._dense_engine()
        size, rows = self.experiment.batch_size, self.order.numel()
        count = 1
        if dense is not None:
            time_left = deadline - time.monotonic()
            in_time = max(1, int(time_left / self._seconds_a_step)) if time_left < math.inf else updates
            count = int(min(updates, -(-(rows - self.cursor) // size), in_time, dense.most_steps))
        rates = self._rates(count)
        if dense is None:
            batch = slice(self.cursor, min(self.cursor + size, rows))
            losses = [self._off_the_gpu_if_full(lambda: self._autograd_step(batch, rates[0]))]
        else:
            start = time.perf_counter()
            losses = dense.take(rates, self.order.numpy(), self.cursor)
            self._seconds_a_step = (time.perf_counter() - start) / len(losses)
        loss = float(losses[-1])
        taken = len(losses) - (not math.isfinite(loss))
        self.step += taken
        self.cursor = min(self.cursor + taken * size, rows)
        self._scores = self._predicted = None
        if taken < len(losses):
            raise Diverged("diverged", step=self.step + 1, loss=str(loss), learning_rate=f"{rates[taken]:g}")
        if self.cursor == rows:
            self._end_epoch()
        return loss

    def _rates(self, count: int) -> np.ndarray:
        """The learning rates of the next updates of this epoch."""
        schedule, base = self.experiment.schedule, self.experiment.optimizer.learning_rate
        if schedule.kind == "constant":
            return _constant_rates(base, -(-self.order.numel() // self.experiment.batch_size))[:count]
        cursors = range(self.cursor, self.cursor + count * self.experiment.batch_size, self.experiment.batch_size)
        rows = self.order.numel()
        return np.array([base * schedule.factor(self.epoch + cursor / rows) for cursor in cursors])

    def _autograd_step(self, batch: slice, rate: float) -> float:
        if self._epoch_rows is None:
            # Permuted once an epoch on the device, so that a batch is a slice, not a gather. The training rows come first.
            weights = None if self._weights is None else self._weights[self.order]
            self._epoch_rows = self._X_all[self.order], self._targets_all[self.order], weights
        X, targets, weights = self._epoch_rows
        return self.engine.step(X[batch], targets[batch], float(rate), None if weights is None else weights[batch])

    def _dense_engine(self, patient: bool = False) -> DenseEngine | None:
        """The compiled engine for this very state of affairs, where there is one."""
        if self._choice == "autograd" or self.device != "cpu":
            return None
        engine = self.engine
        state = (self.experiment, engine, engine.frozen, engine.silenced, self._targets_all, engine.memory)
        if self._dense is not None and all(map(operator.is_, self._dense[0], state)):
            return self._dense[1]
        kernels = compiled.kernels(patient or self._choice == "dense")
        if kernels is None or not fits(kernels, self.experiment):
            return None
        rows = Rows(self._X_all, self._targets_all, self._y_all, len(self.data.train.X), self._weights)
        self._dense = state, DenseEngine(kernels, engine, self.experiment, rows)
        return self._dense[1]

    def _end_epoch(self) -> None:
        self.epoch += 1
        self._begin_epoch()
        scores = self._record()
        if scores.watched["loss"] < self._best[0]:
            self._best = (scores.watched["loss"], self.epoch)
        patience = self.experiment.early_stopping
        if patience and self.epoch - self._best[1] >= patience:
            self.finished = "early_stopped"
        elif self.epoch >= MOST_EPOCHS:
            self.finished = "epoch_limit"

    def _begin_epoch(self) -> None:
        self.cursor = 0
        self._use_order(torch.randperm(len(self.data.train.X), generator=self.order_generator))

    def _use_order(self, order: torch.Tensor) -> None:
        self.order = order if self.device == "cpu" else order.to(self.device)
        self._epoch_rows: tuple[torch.Tensor, torch.Tensor, torch.Tensor | None] | None = None

    def _record(self) -> Scores:
        scores = self.scores()
        pairs = [(scores.train[name], scores.watched[name]) for name in self.experiment.objective.columns]
        self.history.append((self.epoch, self.step, *chain.from_iterable(pairs)))
        return scores

    @property
    def _columns(self) -> tuple[str, ...]:
        """The history's: of each score that of the training rows and that of the watched rows, which are called so, whichever they are."""
        names = self.experiment.objective.columns
        return ("epoch", "step", *(f"{part}_{name}" for name in names for part in ("train", "test")))

    def _score(self) -> Scores:
        # Before the first step it is always torch that judges: whether the kernel is loaded by then is chance.
        dense = self._dense_engine() if self.step else None
        if dense is not None:
            return dense.score()
        losses, predictions = self._judge()
        train_rows = len(self.data.train.X)
        parts = slice(None, train_rows), slice(train_rows, None)
        return Scores(*(self._scored(losses[rows], predictions[rows], self._y_all[rows]) for rows in parts))

    def _scored(self, losses_N: torch.Tensor, predictions: torch.Tensor, y_N: torch.Tensor) -> dict[str, float]:
        measured = {metric.kind: metric.measure(predictions, y_N) for metric in self.experiment.objective.metrics}
        return {"loss": losses_N.mean().item(), **measured}

    def _judge(self) -> tuple[torch.Tensor, torch.Tensor]:
        """By torch: the loss of every row (N,) in float64, and what the network claims of it."""
        # Both splits in one pass: for small networks the number of calls counts, not the number of rows.
        losses, self._predicted = self._judge_rows(self._X_all, self._targets_all)
        return losses, self._predicted

    def _judge_rows(self, X: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        coding = self.experiment.coding
        with torch.no_grad(), self._evaluating():
            outputs = self.model(X)
            return coding.losses(outputs, targets).cpu().double(), coding.predict(outputs).cpu()

    def _forget_judgement(self) -> None:
        self._judge_again_at = 0.0
        self._scores: Scores | None = None
        self._predicted: torch.Tensor | None = None

    @contextmanager
    def _evaluating(self) -> Iterator[None]:
        # Told module by module only where one of them cares: it takes as long as the scoring of a small network.
        if not any(layer.judges_otherwise or layer.branches for layer in self.experiment.layers):
            yield
            return
        model = self.model
        model.eval()
        try:
            yield
        finally:
            model.train()

    def _place(self, device: str) -> None:
        self.device = device
        splits = (self.data.train, self.data.watched)
        self._X_all = torch.from_numpy(np.concatenate([split.X for split in splits])).to(device)
        self._y_all = torch.from_numpy(np.concatenate([split.target for split in splits]))
        self._encode_targets()

    def _encode_targets(self) -> None:
        experiment, labels = self.experiment, self._y_all[: len(self.data.train.y)]
        self._targets_all = experiment.coding.encode(self._y_all).to(self.device)
        weights = row_weights(experiment.class_weights, labels, experiment.objective.num_classes)
        self._weights = None if weights is None else weights.to(self.device)
        self._epoch_rows = None

    def _off_the_gpu_if_full(self, act: Callable[[], Result]) -> Result:
        """Do it; if the GPU has no memory left for it, go over to the CPU, say so, and do it there."""
        try:
            return act()
        except torch.OutOfMemoryError:
            if self.device == "cpu":
                raise
        self.notices.append(Problem("gpu_memory", device=self.device_name))
        if hasattr(self, "history"):
            self.move("cpu")
        else:  # Not even the first weights had room.
            self._place("cpu")
        return act()


@lru_cache(maxsize=8)
def _constant_rates(rate: float, count: int) -> np.ndarray:
    return np.full(count, rate)


_FINISHED = (None, "early_stopped", "epoch_limit")
