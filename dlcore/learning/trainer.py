"""The trainer: the one thing that moves. Everybody pulls the same iterator: `for step in islice(trainer.steps(), 100)`.

It keeps time, history and when to stop; what learns is in supervised.py, what judges it in judging.py.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import ClassVar, NamedTuple, TypeVar, TypeVarTuple

import numpy as np
import torch

from dlcore.datasets.split import Data, Split
from dlcore.devices import choose_device, device_name
from dlcore.engines.autograd import AutogradEngine
from dlcore.experiment import MOST_EPOCHS, Experiment
from dlcore.journal import Journal, pack_journal, record_going_on, unpack_journal
from dlcore.learning import noting
from dlcore.learning.carry import Origins, align
from dlcore.learning.epochs import take_epochs
from dlcore.learning.failing import unchanged_on_failure
from dlcore.learning.history import History, columns_of
from dlcore.learning.judging import Judging
from dlcore.learning.kept import find_move, tell_kept_weights
from dlcore.learning.learner import Best, Change, check_finite
from dlcore.learning.snapshot import Scores, Snapshot
from dlcore.learning.states import restore_weights
from dlcore.learning.stopping import Stopping, stopping_of
from dlcore.learning.supervised import Supervised
from dlcore.problems import Problem
from dlcore.rows import prepare, same_rows
from dlcore.stages import Marks

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


class Step(NamedTuple):
    """One update: its number from 1, the epoch it belongs to from 0, the batch's mean loss before it (weighted, without the penalty)."""

    step: int
    epoch: int
    loss: float


class Trainer:
    """Brings an experiment to life. `device` is auto, cpu, cuda or mps, `engine` auto, autograd or dense.

    Raises Problem for a device that is not there, and for a dense engine that does not know this recipe.
    """

    shown_column: ClassVar[str] = "test_loss"  # Shown where a moment has room for one number.

    def __init__(
        self, experiment: Experiment, device: str = "auto", data: Data | None = None, engine: str = "auto"
    ) -> None:
        self.experiment = experiment.without_journal()  # A journal in it is that of an earlier run.
        self.notices: list[Problem] = []
        self.edits = 0  # How often somebody has reached into the network.
        self.supervised = Supervised(self.experiment, choose_device(device), data or prepare(experiment), engine)
        self.judging = Judging(self.supervised)
        self._off_the_gpu_if_full(self.reset)
        if engine == "dense" and self.supervised.dense_engine(patient=True) is None:
            raise Problem("engine_unfit", device=self.device_name)

    def reset(self) -> None:
        """Back to the very same initial weights, step 0."""
        self.step = 0
        self.epoch = 0
        self.finished: str | None = None
        self.journal: Journal = ()  # What was changed since it began: the recipe alone does not reproduce such a run.
        self.supervised.begin()
        self.judging.forget()
        self.stopping = Stopping()
        self.begin_history()

    # What it is made of

    @property
    def data(self) -> Data:
        """The rows."""
        return self.supervised.data

    @property
    def engine(self) -> AutogradEngine:
        """What holds the weights, and takes steps where the compiled kernels do not."""
        return self.supervised.engine

    @property
    def model(self) -> torch.nn.Sequential:
        """The network, with its current weights."""
        return self.engine.model

    @property
    def order(self) -> torch.Tensor:
        """The training rows in the order of this epoch."""
        return self.supervised.order

    @property
    def cursor(self) -> int:
        """How many rows of this epoch have been learned from."""
        return self.supervised.cursor

    @property
    def device(self) -> str:
        """The device on which it computes: cpu, cuda or mps."""
        return self.supervised.device

    @property
    def device_name(self) -> str:
        """The device as people know it."""
        return device_name(self.device)

    @property
    def engine_name(self) -> str:
        """The engine that takes the next steps, as far as is known without waiting for it."""
        return self.supervised.engine_name

    @property
    def silenced(self) -> dict[str, torch.Tensor] | None:
        """Units that count as 0: {address: (units,) bool} of all hidden layers that have units, or None."""
        return self.engine.silenced

    @silenced.setter
    def silenced(self, units: Marks | None) -> None:
        self.engine.silence(units)

    @property
    def recipe(self) -> Experiment:
        """The experiment, as every learner calls what it was built from."""
        return self.experiment

    @property
    def recipe_with_journal(self) -> Experiment:
        """The recipe, with the journal of what was changed since the run began."""
        return self.experiment.replace(journal=self.journal) if self.journal else self.experiment

    # Time

    @property
    def progress(self) -> float:
        """Time in epochs, fractions included."""
        return self.epoch + self.supervised.passed

    @property
    def learning_rate(self) -> float:
        """The optimizer's learning rate times the schedule's factor, now."""
        return self.experiment.learning_rate(self.progress)

    @property
    def steps_per_epoch(self) -> int:
        """Updates in an epoch."""
        return self.experiment.steps_per_epoch

    def steps(self) -> Iterator[Step]:
        """Endless updates, one an item; ends by early stopping or at the limit of epochs (`finished` says which). Raises Diverged."""
        while self.finished is None:
            epoch = self.epoch
            loss = self._take(1, math.inf)
            yield Step(self.step, epoch, loss)

    def advance(self, updates: float = math.inf, deadline: float = math.inf, epochs: int = 1) -> None:
        """Several updates at once, much faster than one by one: at most so many, at most to the end of so many epochs.

        Until `time.monotonic()` says `deadline`, but at least one, unless the run is finished. Raises Diverged.
        """
        end, last = self.epoch + epochs, self.step + updates
        while self.finished is None and self.epoch < end and self.step < last:
            whole = min(end - self.epoch, (last - self.step) / self.steps_per_epoch)
            if whole < 2 or not take_epochs(self, whole, deadline):
                self._take(last - self.step, deadline)
            if time.monotonic() >= deadline:
                return

    def _take(self, updates: float, deadline: float) -> float:
        """Take at most `updates`, none beyond the epoch's end. Returns the last loss."""
        taken, loss = self._off_the_gpu_if_full(self.supervised.take, self.epoch, updates, deadline)
        self.step += taken
        self.judging.forget_scores()
        check_finite(loss, self.step)
        if self.supervised.cursor == self.supervised.train_rows:
            self._end_epoch()
        return loss

    def _end_epoch(self) -> None:
        self.epoch += 1
        self.supervised.begin_epoch()
        scores = self._record()
        self.stopping = self.stopping.after(self.epoch, scores.watched["loss"])
        patience = self.experiment.early_stopping
        if self.stopping.epoch == self.epoch and (patience or self.experiment.restore_best):
            here = self.experiment, self.step, self.row(), len(self.history)
            self.stopping = self.stopping.keep(*here, self._standing())
        if patience and self.stopping.count_waited(self.epoch) >= patience:
            self.finished = "early_stopped"
        elif self.epoch >= MOST_EPOCHS:
            self.finished = "epoch_limit"
        if self.finished is not None:
            self.settle()

    # How it ends

    def settle(self) -> None:
        """Training ends here: with `restore_best`, the network gets back the weights of the best watched epoch."""
        kept = self.stopping.kept
        if self.experiment.restore_best and kept is not None and kept.step < self.step:
            restore_weights(self.engine, kept.state, memory=kept.remembers)
            self.judging.forget()
            self.stopping = replace(self.stopping, restored=self.step)

    def go_on(self) -> bool:
        """After an early stop train on, with the patience counted anew. False where it cannot."""
        if self.finished != "early_stopped":
            return False
        self.finished = None
        self.stopping = replace(self.stopping, waits_from=self.epoch)
        self.journal = record_going_on(self.journal, self.step)
        return True

    @property
    def best(self) -> Best | None:
        """The best watched epoch of a run that has finished, where it can go back to it."""
        return None if self.finished is None else self.stopping.earlier(self.step)

    @property
    def ending(self) -> Problem | None:
        """At which epoch it stopped early, and what the best one was."""
        stopped, recipe = self.finished == "early_stopped", self.experiment
        return self.stopping.tell_ending(self.step, self.epoch, recipe) if stopped else None

    # Scores and history

    def scores(self) -> Scores:
        """Loss and metrics of the current weights on all rows that are learned from, and on all that are watched."""
        # Before the first step torch always judges: otherwise numbers would depend on whether the kernels are loaded by then.
        return self.judging.known or self._off_the_gpu_if_full(self.judging.scores, self.step > 0)

    def recent_scores(self) -> Scores:
        """The scores, or those of a moment ago where it takes long to find them."""
        return self.judging.recent_scores() if self.judging.may_be_old else self.scores()

    def scores_of(self, split: Split) -> dict[str, float]:
        """Loss and metrics of the current weights on rows that are neither training nor watched rows, by torch."""
        return self.judging.scores_of(split)

    def predictions(self) -> torch.Tensor:
        """The prediction for every row, the training rows first, on the CPU: (N, classes) probabilities, or (N,) values."""
        return self._off_the_gpu_if_full(self.judging.predictions)

    def begin_history(self) -> None:
        """The history begins with the network as it is now."""
        self.history = History(columns_of(self.experiment.objective.columns))
        self._record()

    def row(self) -> tuple[float, ...]:
        """The row that the history would get at this very step."""
        return (self.epoch, self.step, *self.scores().row)

    def _record(self) -> Scores:
        scores = self.scores()
        self.history.append((self.epoch, self.step, *scores.row))
        return scores

    def snapshot(self) -> Snapshot:
        """This moment, frozen."""
        return self._snapshot(self.scores())

    def passing_snapshot(self) -> Snapshot:
        """A snapshot of a run that goes on at once: with recent scores, which may belong to earlier weights."""
        return self._snapshot(self.recent_scores())

    def _snapshot(self, scores: Scores) -> Snapshot:
        silenced = None if self.silenced is None else {at: mask.cpu() for at, mask in self.silenced.items()}
        at = self.step, self.epoch, self.progress, self.learning_rate
        weights, weights_of = self.engine.copy_of_weights(), self.stopping.weights_of(self.step)
        return Snapshot(self.experiment, *at, scores, weights, silenced, self.journal, weights_of)

    # What others do to it

    def note_touch(self, kind: str, names: Sequence[str]) -> None:
        """Somebody has changed "weights", "frozen" or "silenced" of these names: nothing that was computed from them holds any more."""
        self.journal = noting.note_touch(self.journal, self.step, self.engine, kind, names)
        self.edits += 1
        self.stopping = replace(self.stopping, restored=-1)
        self.judging.forget()

    def change(self, experiment: Experiment, origins: Origins | None = None) -> Change:
        """Take over another recipe, live; what was learned is kept as far as it fits (`origins` says what came from where: carry.py).

        Raises Problem for a change that needs a fresh start. To undo a change that fails otherwise, call it within `unchanged_on_failure`.
        """
        experiment = experiment.without_journal()  # The run keeps a journal of its own.
        needs = self.experiment.changed_start_fields(experiment)
        if needs:
            raise Problem("needs_fresh_start", path=needs[0])
        carriage = align(self.experiment, experiment, origins)
        comparable = carriage.changes_shape and same_rows(self.experiment, experiment)
        before = self.predictions() if comparable and self.experiment.loss == experiment.loss else None
        flat = self.engine.flat
        old, self.experiment = self.experiment, experiment
        begun = self.step > 0
        other_rows, other_network, other_loss = self.supervised.change(experiment, carriage, begun)
        if other_loss or other_rows or other_network:
            self.judging.forget()
            self.stopping = Stopping(waits_from=self.epoch)
        if not begun and (other_rows or other_network):
            self.begin_history()
        changed = (old, experiment), origins, carriage.changes_shape
        self.journal = noting.note_change(self.journal, self.step, self.engine, *changed)
        self.stopping = self.stopping.adapt(old, experiment)
        self.go_on()
        redrawn = other_rows or other_network or old.dataset != experiment.dataset or old.plan() != experiment.plan()
        moved = None
        if before is not None:
            rows, unit = self.supervised.train_rows, experiment.objective.unit(self.data.scaling)
            moved = find_move(before[:rows], self.predictions()[:rows], unit)
        kept = carriage.kept(flat, self.engine.flat)
        notice = None
        if carriage.changes_shape:
            notice = tell_kept_weights(kept, carriage.total, moved, experiment.objective, self.data.scaling)
        return Change(kept, carriage.total, carriage.changes_shape, redrawn, moved, notice)

    def unchanged_on_failure(self) -> AbstractContextManager[None]:
        """If the `with` block raises, the trainer is as it was before the block, even if its recipe was changed."""
        return unchanged_on_failure(self, self.supervised, self.judging)

    def load_weights(self, weights: dict[str, np.ndarray], step: int = 0, epoch: int = 0) -> None:
        """Start from given weights (names and shapes of the plain nn.Sequential); the optimizer starts anew."""
        self.reset()
        self.supervised.load_weights(weights)
        self.step, self.epoch = step, epoch
        self.judging.forget()
        self.begin_history()

    def move(self, device: str) -> None:
        """Go on on another device. Raises Problem for one that is not there."""
        target = choose_device(device)
        if target != self.device:
            state = self.state()
            with self.unchanged_on_failure():
                self.supervised.place(target)
                self.restore(state)

    def _off_the_gpu_if_full(self, act: Callable[[*Arguments], Result], *given: *Arguments) -> Result:
        """Do it; if the GPU has no memory left for it, go over to the CPU, say so, and do it there."""
        try:
            return act(*given)
        except torch.OutOfMemoryError:
            if self.device == "cpu":
                raise
        self.notices.append(Problem("gpu_memory", device=self.device_name))
        if hasattr(self, "history"):
            self.move("cpu")
        else:  # Not even the initial weights fit into the GPU's memory.
            self.supervised.place("cpu")
        return act(*given)

    # State

    def state(self) -> dict[str, np.ndarray]:
        """Everything that is needed to go on bit for bit: weights, optimizer, generators, place in the epoch, history."""
        return self.standing() | {"history": self.history.rows()}

    @property
    def standing_bytes(self) -> int:
        """About how many bytes `standing` gives, estimated without making it."""
        return self.supervised.state_bytes

    def standing(self) -> dict[str, np.ndarray]:
        """`state` without the history."""
        return self._standing() | self.stopping.state()

    def _standing(self) -> dict[str, np.ndarray]:
        """`standing` without what is known of the best epoch."""
        waits_from = self.stopping.waits_from
        return self.supervised.state() | {
            "counters": np.array([self.step, self.epoch, self.cursor, waits_from], dtype=np.int64),
            "finished": np.array([_FINISHED.index(self.finished)], dtype=np.int64),
            "journal": pack_journal(self.journal),
        }

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from what `state` gave, for the same experiment."""
        self.reset()
        if "journal" in state:  # A state that an earlier version kept has none.
            self.journal = unpack_journal(state["journal"])
        self.step, self.epoch, cursor, waits_from = (int(count) for count in state["counters"])
        self.stopping = stopping_of(state, waits_from)
        self.finished = _FINISHED[int(state["finished"][0])]
        self.supervised.restore(state, cursor)
        self.history = History(columns_of(self.experiment.objective.columns), state["history"])
        self.judging.forget()


_FINISHED = (None, "early_stopped", "epoch_limit")
