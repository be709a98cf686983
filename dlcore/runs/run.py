"""A run: a trainer brought to life, told to play, pause, step; drawn as frames. It knows nothing of processes.

`advance(seconds)` is where it trains, a slice at a time, so that one worker can hold many runs.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any

import numpy as np
import safetensors.numpy

from dlcore.experiment import Experiment
from dlcore.frame import encode_frame
from dlcore.probes import Picture
from dlcore.problems import Problem
from dlcore.runs import DEFAULT_SPEED
from dlcore.snapshot import Snapshot
from dlcore.trainer import Diverged, Trainer

FASTEST = 1_000_000.0
TICK = 0.005  # Fast runs take their updates in bunches, one a tick: a worker must not wake for each of them.
LONGEST_DEBT = 0.1  # Seconds of updates a run that was held up may catch up on; the rest is forgotten.
RATE_WINDOW = 1.0
NEVER = math.inf


class Run:
    """A trainer with its picture, status and speed. Every change that a viewer could see gives a new `version`.

    Status is paused, playing, diverged, early_stopped or epoch_limit.
    """

    def __init__(self, recipe: str, device: str = "auto", life: int = 0) -> None:
        # A later life (after a lost worker) starts far above the numbers of the last one, so that no viewer mistakes
        # the restored run for the one it has drawn.
        self.version = life * 1_000_000_000
        self.structure = life * 1_000_000
        self.status = "paused"
        self.speed: float | None = DEFAULT_SPEED
        self.problem: Problem | None = None
        self.device = device
        self._start(Trainer(Experiment.from_json(recipe), device=device))

    def _start(self, trainer: Trainer, status: str = "paused") -> None:
        """Go on with this trainer. Its picture is built first, so that a failure leaves the run as it was."""
        picture = Picture(trainer)
        self.trainer, self.picture = trainer, picture
        self.structure += 1
        self._start_over(status)

    def _start_over(self, status: str = "paused") -> None:
        """The trainer stands at another point, with another history."""
        self._last_epoch: int | None = None
        self._next_update = self._ticked = time.monotonic()
        self._rate: deque[tuple[float, int]] = deque()
        self._drawn: tuple[int, Snapshot, dict[str, np.ndarray]] | None = None
        self._stand(status)
        self._history_since = self.version  # A viewer with an older frame holds rows that are no more.

    def _stand(self, status: str) -> None:
        """Nothing is wrong, and the trainer may go on (unless it has reached its end)."""
        self.status = self.trainer.finished or status
        self.problem = None
        self._steps = self.trainer.steps()
        self.version += 1

    # What it is told

    def play(self) -> None:
        """Go on training; a run that came to its end stays there until it is reset or changed."""
        if self.status == "paused":
            self._resume("playing")

    def pause(self) -> None:
        self._last_epoch = None
        if self.status == "playing":
            self.status = "paused"
            self.version += 1

    def step(self) -> None:
        """One update, then stand."""
        self.pause()
        if self.status == "paused":
            self._resume("paused")
            self._update(1, NEVER)

    def epoch(self) -> None:
        """On to the end of the current epoch at full speed, then stand. The slices that follow do it."""
        self.pause()
        if self.status == "paused":
            self._resume("paused")
            self._last_epoch = self.trainer.epoch

    def reset(self) -> None:
        """Back to the very same initial weights."""
        self.trainer.reset()
        self._start_over()

    def set_speed(self, speed: object) -> None:
        """Updates a second, 1 or more; None is as fast as it goes."""
        if speed is not None and (
            not isinstance(speed, (int, float)) or isinstance(speed, bool) or not 1 <= speed <= FASTEST
        ):
            raise Problem("bad_speed", limit=int(FASTEST), came=str(speed))
        self.speed = None if speed is None else float(speed)
        now = time.monotonic()
        self._next_update = now if speed is None else min(self._next_update, now + 1 / float(speed))
        self._rate.clear()
        self.version += 1

    def set_device(self, device: object) -> None:
        """From here on on another device."""
        self.trainer.move(str(device))
        self.device = str(device)
        self.version += 1

    def change(self, recipe: str) -> bool:
        """Take this recipe: live where it only changes how to learn, else from a fresh start (then True)."""
        experiment = Experiment.from_json(recipe)
        status: str = "playing" if self.status == "playing" else "paused"
        if self.trainer.experiment.same_start(experiment):
            meaning_changed = experiment.plan() != self.trainer.experiment.plan()
            self.trainer.change(experiment)
            if meaning_changed:  # Another loss may put another activation on the output units.
                self.picture = Picture(self.trainer)
                self.structure += 1
            self._stand(status)
            return False
        self._start(Trainer(experiment, device=self.device), status)
        return True

    def load(self, data: bytes) -> None:
        """Go on from this checkpoint: its recipe and its weights."""
        from dlcore.checkpoint import open_checkpoint

        checkpoint = open_checkpoint(data)
        trainer = Trainer(checkpoint.experiment, device=self.device)
        trainer.load_weights(checkpoint.weights, step=checkpoint.step, epoch=checkpoint.epoch)
        self._start(trainer)

    def fail(self, problem: Problem) -> None:
        """Stand still after a failure, and say so."""
        self.pause()
        self.problem = problem
        self._steps = self.trainer.steps()
        self.version += 1

    # Training

    @property
    def finishing_epoch(self) -> bool:
        return self._last_epoch is not None

    @property
    def due(self) -> float:
        """When (`time.monotonic`) the next slice has something to do."""
        if self._last_epoch is not None:
            return 0.0
        if self.status != "playing":
            return NEVER
        return 0.0 if self.speed is None else max(self._next_update, self._ticked + TICK)

    def advance(self, seconds: float) -> None:
        """Train for at most so long, and no faster than the speed says."""
        now = time.monotonic()
        self._ticked = now
        if self._last_epoch is not None or self.speed is None:
            self._update(NEVER, now + seconds)
        elif self.status == "playing" and now >= self._next_update:
            self._next_update = max(self._next_update, now - max(LONGEST_DEBT, 1 / self.speed))
            allowed = int((now - self._next_update) * self.speed) + 1
            self._next_update += self._update(allowed, now + seconds) / self.speed

    def _resume(self, status: str) -> None:
        self.status = status
        self.problem = None
        self._next_update = time.monotonic()
        self._ticked = self._next_update - TICK
        self._rate.clear()
        self.version += 1

    def _update(self, allowed: float, deadline: float) -> int:
        """Take updates until one of the two is used up, or the run comes to an end; how many were taken."""
        taken = 0
        try:
            while taken < allowed:
                next(self._steps)
                taken += 1
                if self.trainer.finished is not None:
                    self._end(self.trainer.finished)
                    break
                if self._last_epoch is not None and self.trainer.epoch > self._last_epoch:
                    self._last_epoch = None
                    break
                if time.monotonic() >= deadline:
                    break
        except Diverged as problem:
            self._end("diverged")
            self.problem = problem
        if taken:
            self.version += 1
            self._count()
        return taken

    def _end(self, status: str) -> None:
        self.status = status
        self._last_epoch = None
        self.version += 1

    def _count(self) -> None:
        now = time.monotonic()
        self._rate.append((now, self.trainer.step))
        while len(self._rate) > 2 and now - self._rate[1][0] > RATE_WINDOW:
            self._rate.popleft()

    @property
    def updates_per_second(self) -> float:
        """Measured over about the last second; 0 when it stands."""
        if self.status != "playing" or len(self._rate) < 2:
            return 0.0
        (start, first), (end, last) = self._rate[0], self._rate[-1]
        return (last - first) / max(end - start, 1e-6)

    # What leaves it

    def frame(self, version: int | None, structure: int | None, history: int) -> bytes:
        """The picture of this moment, with what a viewer that holds that much lacks."""
        if self._drawn is None or self._drawn[0] != self.version:
            snapshot = self.trainer.snapshot()
            self._drawn = (self.version, snapshot, self.picture.arrays(snapshot))
        _, snapshot, arrays = self._drawn
        knows_layout = structure == self.structure
        has_history = knows_layout and version is not None and version >= self._history_since
        known_rows = min(max(history, 0), len(self.trainer.history)) if has_history else 0
        header = self._header(snapshot)
        header["history_from"] = known_rows
        if not knows_layout:
            header["layout"] = self.picture.layout
            arrays = {**self.picture.constant_arrays, **arrays}
        return encode_frame(header, {**arrays, "history": self.trainer.history.rows(known_rows)})

    def _header(self, snapshot: Snapshot) -> dict[str, Any]:
        trainer, scores = self.trainer, snapshot.scores
        splits = {"train": scores.train, "test": scores.test}
        return {
            "type": "frame",
            "version": self.version,
            "structure": self.structure,
            "status": self.status,
            "step": trainer.step,
            "epoch": trainer.epoch,
            "progress": trainer.progress,
            "steps_per_epoch": trainer.steps_per_epoch,
            "updates_per_second": round(self.updates_per_second, 1),
            "speed": self.speed,
            "losses": {split: _finite(values["loss"]) for split, values in splits.items()},
            "metrics": {
                split: {name: _finite(value) for name, value in values.items() if name != "loss"}
                for split, values in splits.items()
            },
            "device": trainer.device_name,
            "engine": trainer.engine_name,
            "loss_kind": trainer.experiment.loss.kind,
            "learning_rate": _finite(trainer.learning_rate),
            "problem": None if self.problem is None else self.problem.to_dict(),
            "history_columns": list(trainer.history.columns),
        }

    def checkpoint(self) -> bytes:
        from dlcore.checkpoint import save_checkpoint

        return save_checkpoint(self.trainer.snapshot(), self.trainer.data)

    def script(self) -> bytes:
        """A PyTorch file that trains the same."""
        from dlcore.checkpoint import checkpoint_of
        from dlcore.export import export

        return export(checkpoint_of(self.trainer.snapshot(), self.trainer.data), "script")

    def history_csv(self) -> bytes:
        return self.trainer.history.to_csv().encode()

    def notices(self) -> list[Problem]:
        """What the trainer had to say since the last time it was asked."""
        notices, self.trainer.notices = self.trainer.notices, []
        return notices

    # What outlives its worker

    def kept(self) -> tuple[dict[str, Any], bytes]:
        """What brings this run back elsewhere: recipe and settings, and the trainer's state as safetensors."""
        header = {
            "recipe": self.trainer.experiment.to_json(),
            "status": self.status,
            "speed": self.speed,
            "device": self.device,
            "step": self.trainer.step,
        }
        return header, safetensors.numpy.save(self.trainer.state())

    def restore(self, state: bytes, status: str, speed: float | None) -> None:
        """Go on from what was kept."""
        if state:
            self.trainer.restore(safetensors.numpy.load(state))
            self._start_over()
        self.set_speed(speed)
        if status == "playing":
            self.play()


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
